"""A receipt as one HTML file that needs nothing else: what was reached, on what machine, figure by figure, with pictures.

Goals that were missed stand first. Every picture's numbers stand in a table; text from a receipt is escaped; there is no script.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from ..errors import UsageError
from .listing import found, number, state, wanted, where
from .receipt import Receipt, parse, read
from .sections import anchor, cell, control_of, its_number, section, state_of, table, unit_of
from .sheet import SHEET
from .usable import sound

_MOST_MET = 12
"""More goals than that unfold where they are met."""
_FACTS = {
    "cpu": "processor",
    "cores": "cores",
    "governors": "governor",
    "virtual": "virtual machine",
    "memory_mb": "memory",
    "load": "load at the start",
    "kernel": "kernel",
    "system": "system",
    "realtime": "realtime scheduling",
    "rtprio": "rtprio limit",
    "memlock_mb": "memlock limit",
    "python": "Python",
    "onnxruntime": "ONNX Runtime",
    "providers": "runs on",
}


def write_page(receipt: Receipt | str | Path | Iterable[str], html_path: str | Path) -> Path:
    """Write the page of a receipt (read already, its file, or its lines); returns where. Raises UsageError for what is none, and
    where nothing can be written."""
    if isinstance(receipt, str | Path):
        receipt = read(receipt)
    elif not isinstance(receipt, Receipt):
        receipt = parse("\n".join(receipt))
    path = Path(html_path)
    try:
        path.write_text(page(receipt), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); name another place") from None
    return path


def page(receipt: Receipt) -> str:
    """Make the page's text."""
    receipt = sound(receipt)
    benches = list(dict.fromkeys(line["bench"] for line in receipt.lines))
    title = "What this instrument does in time"
    parts = [
        f"<header><p class='over'>Antiphon, latency suite</p><h1>{title}</h1><p class='lead'>{escape(where(receipt.head))}</p>",
        f"<p class='when'>{escape(_when(receipt))}</p></header>",
        _counts(receipt),
        _contents(receipt, benches),
        _machine(receipt),
        _goals(receipt),
        _skips(receipt),
        *(section(receipt, bench) for bench in benches),
        _FOOTER,
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{title}: {escape(where(receipt.head))}</title><style>{SHEET}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def _when(receipt: Receipt) -> str:
    head, end = receipt.head, receipt.end
    time = str(head.get("time", "")).replace("T", " ").replace("Z", " UTC")
    seconds = end.get("seconds")
    length = ("a quick run" if head.get("quick") else "a full run") + (
        f" of {_lasted(seconds)}" if isinstance(seconds, int | float) else ""
    )
    return ", ".join(filter(None, [time, length, state(receipt)]))


def _lasted(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _counts(receipt: Receipt) -> str:
    """The page in three numbers."""
    met = [goal["met"] for _, goal in receipt.goals]
    figures = sum(line["kind"] in ("figure", "tally", "value") for line in receipt.lines)
    left = sum(line["kind"] == "skip" for line in receipt.lines)
    told = [
        (f"{sum(met)}<small> of {len(met)}</small>", "goals met", "met" if met and all(met) else "missed" if met else ""),
        (f"{figures:,}", "figures", ""),
        (f"{left}", "left out", ""),
    ]
    return (
        "<ul class='counts'>" + "".join(f"<li class='{css}'><b>{n}</b><span>{text}</span></li>" for n, text, css in told) + "</ul>"
    )


def _goals(receipt: Receipt) -> str:
    """Goals, missed first."""
    if not receipt.goals:
        return ""
    rows = []
    for line, goal in sorted(receipt.goals, key=lambda pair: pair[1]["met"]):
        control = control_of(receipt, line)
        beside = its_number(control, line, goal["statistic"])
        unit = "" if goal["statistic"] in ("count", "share", "happened") else f" {escape(unit_of(line))}"
        rows.append(
            f"<tr class='{'' if goal['met'] else 'bad'}'><th scope='row'><a href='#{anchor(line)}'>{escape(line['name'])}</a>"
            f"<small>{escape(line['bench'])}{': ' if goal.get('why') else ''}{escape(str(goal.get('why') or ''))}</small></th>"
            + cell(escape(wanted(goal)) + unit, "n")
            + cell(found(goal) + (unit if goal["found"] is not None else ""), "n strong")
            + cell(number(line.get("count", line.get("chances", int(line["kind"] != "skip")))), "n dim")
            + cell(beside + (unit if beside and control["unit"] == line["unit"] else ""), "n dim")
            + cell(state_of(goal["met"]))
            + "</tr>"
        )
    heads = [("figure", ""), ("goal", "n"), ("found", "n"), ("events", "n dim"), ("control", "n dim"), ("", "")]
    missed = sum(not goal["met"] for _, goal in receipt.goals)
    if len(rows) - missed <= _MOST_MET:
        told = table("What was to be reached, missed first", heads, rows, "goals")
    else:
        told = table("Missed", heads, rows[:missed], "goals") if missed else ""
        met = table("Met", heads, rows[missed:], "goals")
        told += f"<details class='more'><summary>{len(rows) - missed} met</summary>{met}</details>"
    return f"<section id='goals'><h2>Goals</h2>{told}</section>"


def _skips(receipt: Receipt) -> str:
    skips = [line for line in receipt.lines if line["kind"] == "skip"]
    if not skips:
        return ""
    ids = {anchor(line) for line in receipt.lines if line["kind"] in ("figure", "tally", "value")}
    rows = []
    for line in skips:
        named = anchor(line)
        place = f" id='{named}'" if line.get("goals") and named not in ids else ""
        ids.add(named)
        rows.append(
            f"<tr{place}><th scope='row'>{escape(line['bench'])}{': ' if line['name'] else ''}{escape(line['name'])}</th>"
            f"{cell(escape(str(line['why'])), 'text')}</tr>"
        )
    return (
        "<section id='left-out'><h2>Left out</h2>"
        + table("What could not be measured here, and why", [("what", ""), ("why", "")], rows)
        + "</section>"
    )


def _machine(receipt: Receipt) -> str:
    """The facts that the figures depend on."""
    head = receipt.head
    facts = head.get("machine") if isinstance(head.get("machine"), dict) else {}
    told = [(_FACTS.get(name, name.replace("_", " ")), _fact(name, facts[name])) for name in (*_FACTS, *facts) if name in facts]
    told = list(dict(told).items())
    bundle = head.get("bundle") if isinstance(head.get("bundle"), dict) else {}
    told.append(("bundle", " ".join(str(part)[:12] for part in bundle.values() if part) or "none"))
    told.append(
        (
            "program",
            f"antiphon {head.get('antiphon', '?')}, commit {str(head.get('commit') or 'unknown')[:12]}"
            + (", with changes" if head.get("dirty") else ""),
        )
    )
    if isinstance(head.get("command"), list):
        told.append(("command", " ".join(map(str, head["command"]))))
    for name, text in (_common(receipt) or {}).items():
        told.append((name, text))
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in told)
    return f"<section id='machine'><h2>Machine</h2><dl class='facts'>{items}</dl></section>"


def _fact(name: str, value) -> str:
    if name == "governors":
        return ", ".join(value) if value else "none (no frequency scaling here)"
    if name == "realtime":
        return "allowed" if value else "not allowed"
    if name == "virtual":
        return "no" if value is None else "yes" if value == "unknown" else str(value)
    if value is None:
        return "unknown"
    if name in ("memory_mb", "memlock_mb"):
        return "no limit" if value == -1 else f"{value / 1024:.1f} GB" if value >= 1024 else f"{value} MB"
    if name == "rtprio":
        return {0: "none allowed", -1: "no limit"}.get(value, str(value))
    if isinstance(value, list):
        return ", ".join(str(one).removesuffix("ExecutionProvider") for one in value) or "none"
    return number(value) if isinstance(value, float) else str(value)


def _common(receipt: Receipt) -> dict[str, str]:
    """Settings that are the same wherever they are named, across all benchmarks."""
    seen: dict[str, set[str]] = {}
    for line in receipt.lines:
        for name, value in (line.get("settings") or {}).items():
            seen.setdefault(name, set()).add(str(value))
    words = {
        "samplerate": ("sample rate", " Hz"),
        "blocksize": ("block", " frames"),
        "server": ("sound server", ""),
        "driver": ("driver", ""),
    }
    return {
        words[name][0]: next(iter(values)) + words[name][1] for name, values in seen.items() if len(values) == 1 and name in words
    }


def _contents(receipt: Receipt, benches: list[str]) -> str:
    items = []
    for bench in benches:
        met = [goal["met"] for line, goal in receipt.goals if line["bench"] == bench]
        css = "" if not met else "met" if all(met) else "missed"
        items.append(f"<li><a href='#{escape(anchor({'bench': bench}), quote=True)}' class='{css}'>{escape(bench)}</a></li>")
    return f"<nav aria-label='Benchmarks'><ul>{''.join(items)}</ul></nav>"


_FOOTER = """
<footer><h2>How to read this</h2>
<p>Every number is of single events: half of them are below p50, one in a hundred is above p99, one in a thousand above p99.9. A
mean is nowhere. Pale numbers are of fewer events than they name: they are the largest of them. Pictures have shares of all events
on a log axis, so that one late event in a thousand is seen. The outline is the control run: the same clock, on the same machine,
in the same minute, around as little as possible; what it shows is the machine's, not the instrument's. Where a benchmark says that
its control is the sum, that is arithmetic, and no run.</p>
<p>What differs between two receipts beyond noise: <code>antiphon bench --compare A.jsonl B.jsonl</code>.</p></footer>
"""
