"""Sections of a receipt's page, one for each benchmark: what it means, tables, pictures, and where its clocks start and stop."""

from __future__ import annotations

import zlib
from html import escape

from . import plots
from .listing import few, number, quantile, share, wanted
from .receipt import Receipt
from .usable import STATISTICS

_LEAST_DRAWN = 5
"""Of fewer events a histogram says no more than the table."""
_MOST_PICTURES = 8
"""Seen at once of a benchmark, those with goals first; the others unfold."""
_MOST_MARKS_LISTED = 60
_UNITS = {"us": "µs"}


def unit_of(line: dict) -> str:
    unit = str(line.get("unit", ""))
    return _UNITS.get(unit, unit)


def anchor(line: dict) -> str:
    """Where a link to a figure, or to a benchmark, goes."""
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in line["bench"])
    return f"{slug}-{zlib.crc32(line['name'].encode()):08x}" if "name" in line else slug


def table(caption: str, heads: list[tuple[str, str]], rows: list[str], css: str = "") -> str:
    head = "".join(f"<th scope='col' class='{kind}'>{escape(text)}</th>" for text, kind in heads)
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(caption, quote=True)}'><table class='{css}'>"
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def cell(text: str, css: str = "") -> str:
    return f"<td class='{css}'>{text}</td>" if css else f"<td>{text}</td>"


def state_of(met: bool) -> str:
    return f"<span class='{'met' if met else 'missed'}'>{'met' if met else 'missed'}</span>"


def control_of(receipt: Receipt, line: dict) -> dict | None:
    control = receipt.figure(line["bench"], line["control"]) if isinstance(line.get("control"), str) else None
    return control if control and control["kind"] == line["kind"] else None


def its_number(control: dict | None, line: dict, name: str) -> str:
    """A control's number, with its unit where that is another one."""
    if control is None or not isinstance(control.get(name), int | float):
        return ""
    bare = name in ("count", "share", "happened") or control["unit"] == line["unit"]
    unit = "" if bare else f" {escape(unit_of(control))}"
    return quantile(control, name, unit) if control["kind"] == "figure" else number(control[name]) + unit


def section(receipt: Receipt, bench: str) -> str:
    """One benchmark: what it means, its numbers, its pictures, and where its clocks start and stop."""
    lines = list({(line["kind"], line.get("name")): line for line in receipt.of(bench)}.values())  # the last of those told again
    told = next((line for line in lines if line["kind"] == "bench"), {"title": bench})
    figures, counts = ([line for line in lines if line["kind"] in kinds] for kinds in (("figure",), ("tally", "value")))
    controls = {line["control"] for line in (*figures, *counts) if line.get("control")}
    pictures = [
        _pictured(plots.waterfall(line), line, escape(str(line.get("clock") or "")))
        for line in lines
        if line["kind"] == "waterfall"
    ]
    pictures += [
        _histogram(receipt, line)
        for line in sorted(figures, key=lambda line: not line.get("goals"))
        if line["count"] >= _LEAST_DRAWN and line["name"] not in controls
    ]
    runs = [_timeline(line) for line in lines if line["kind"] == "timeline"]
    broken = [line["why"] for line in lines if line["kind"] == "skip" and not line["name"]]
    more = pictures[_MOST_PICTURES:]
    parts = [
        f"<section class='bench' id='{anchor({'bench': bench})}'>",
        f"<h2><span>{escape(bench)}</span>{escape(str(told['title']).rstrip('.'))}</h2>",
        _prose(str(told.get("means") or "")),
        *(f"<p class='note{' missed' if str(why).startswith('broke off') else ''}'>{escape(str(why))}</p>" for why in broken),
        _figures(receipt, figures, controls) if figures else "",
        _tallies(receipt, counts, controls) if counts else "",
        f"<div class='pictures'>{''.join(pictures[:_MOST_PICTURES])}</div>" if pictures else "",
        f"<details class='more'><summary>{len(more)} more pictures</summary><div class='pictures'>{''.join(more)}</div></details>"
        if more
        else "",
        *runs,
        _clocks(figures + counts),
        "</section>",
    ]
    return "".join(parts)


def _prose(text: str) -> str:
    """Paragraphs; of many the first two are seen at once."""
    told = [f"<p>{_code(' '.join(part.split()))}</p>" for part in text.split("\n\n") if part.strip()]
    if len(told) <= 3:
        return "".join(told)
    return (
        "".join(told[:2])
        + f"<details class='more'><summary>More about how, and what it cannot tell</summary>{''.join(told[2:])}</details>"
    )


def _code(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(
        f"<code>{piece}</code>" if index % 2 and index < len(pieces) - 1 else ("`" if index % 2 else "") + piece
        for index, piece in enumerate(pieces)
    )


def _named(line: dict, controls: set[str]) -> str:
    role = " <i>control</i>" if line["name"] in controls else ""
    return f"<th scope='row' id='{anchor(line)}'>{escape(line['name'])}{role}</th>"


def _goal_cell(line: dict) -> str:
    return cell("<br>".join(f"{escape(wanted(goal))} {state_of(goal['met'])}" for goal in line.get("goals") or []), "goal")


def _figures(receipt: Receipt, figures: list[dict], controls: set[str]) -> str:
    goals = any(line.get("goals") for line in figures)
    beside = any(control_of(receipt, line) for line in figures)
    rows = []
    for line in figures:
        control = control_of(receipt, line)
        cells = "".join(cell(number(line[name]), "n" + _weight(line, name)) for name in STATISTICS)
        rows.append(
            f"<tr class='{'beside' if line['name'] in controls else ''}'>{_named(line, controls)}"
            + cell(escape(unit_of(line)), "unit")
            + cell(number(line["count"]), "n dim")
            + cells
            + (cell(its_number(control, line, "p99"), "n dim") if beside else "")
            + (_goal_cell(line) if goals else "")
            + "</tr>"
        )
    heads = [
        ("figure", ""),
        ("unit", "unit"),
        ("events", "n"),
        *((name, "n") for name in STATISTICS),
        *([("control p99", "n")] if beside else []),
        *([("goal", "goal")] if goals else []),
    ]
    return table("Each event by itself", heads, rows, "figures")


def _weight(line: dict, name: str) -> str:
    """How a statistic is printed: pale where it is of fewer events than it names, and so the maximum."""
    return " few" if few(line, name) else " strong" if name in ("p50", "p99") else ""


def _tallies(receipt: Receipt, counts: list[dict], controls: set[str]) -> str:
    rows = []
    for line in counts:
        control = control_of(receipt, line)
        if line["kind"] == "tally":
            seconds = line["unit"] == "s"
            of = f"{'in' if seconds else 'of'} {number(line['chances'])} {escape(unit_of(line))}"
            cells = [number(line["happened"]), of, "" if seconds else share(line["happened"], line["chances"])]
            its = "" if not control else _beside(control)
        else:
            cells, its = [number(line["value"]), escape(unit_of(line)), ""], number(control["value"]) if control else ""
        rows.append(
            f"<tr class='{'beside' if line['name'] in controls else ''}'>{_named(line, controls)}{cell(cells[0], 'n strong')}"
            f"{cell(cells[1], 'of')}{cell(cells[2], 'n')}{cell(its, 'n dim')}{_goal_cell(line)}</tr>"
        )
    return table(
        "Counts and single values",
        [("", ""), ("found", "n"), ("", "of"), ("share", "n"), ("control", "n"), ("goal", "goal")],
        rows,
        "tallies",
    )


def _beside(control: dict) -> str:
    seconds = control["unit"] == "s"
    return f"{number(control['happened'])} {'in' if seconds else 'of'} {number(control['chances'])}{' s' if seconds else ''}"


def _pictured(picture: str, line: dict, below: str, css: str = "") -> str:
    unit = "frames" if line["kind"] == "waterfall" else unit_of(line)
    head = f"<h3>{escape(line['name'])} <small>{escape(unit)}</small></h3>"
    return f"<figure class='{css}'>{head}{picture}<figcaption>{below}</figcaption></figure>"


def _histogram(receipt: Receipt, line: dict) -> str:
    control = control_of(receipt, line)
    drawn = control if control and control["unit"] == line["unit"] else None
    try:
        picture = plots.histogram(line | {"unit": unit_of(line)}, drawn and drawn | {"unit": unit_of(drawn)})
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""  # its events cannot be read; the table has what can
    keys = f"<span class='key own'></span>{number(line['count'])} events"
    keys += f" <span class='key control'></span>control: {escape(drawn['name'])}, {number(drawn['count'])}" if drawn else ""
    return _pictured(picture, line, keys)


def _timeline(line: dict) -> str:
    marks = [mark for mark in line.get("marks") or [] if isinstance(mark, list) and len(mark) == 2]
    line = line | {"marks": marks, "unit": unit_of(line)}
    try:
        wide, narrow = plots.timeline(line), plots.timeline(line, width=plots.WIDTH)
    except (TypeError, ValueError):
        return ""
    below = "nothing marked" if not marks else f"<span class='key flag'></span>{len(marks)} marked"
    if marks:
        listed = "; ".join(f"{t:.2f} s {escape(str(text))}" for t, text in marks[:_MOST_MARKS_LISTED])
        rest = f"; and {len(marks) - _MOST_MARKS_LISTED} more, in the receipt" if len(marks) > _MOST_MARKS_LISTED else ""
        below = f"<details><summary>{below}</summary>{listed}{rest}</details>"
    return _pictured(wide + narrow, line, below, "run")


def _clocks(lines: list[dict]) -> str:
    """Where the clocks start and stop, and what is particular about each figure."""
    items = []
    for line in lines:
        text = " ".join(str(line.get(name) or "").strip() for name in ("means", "clock")).strip()
        settings = ", ".join(f"{name} {value}" for name, value in (line.get("settings") or {}).items())
        if text or settings:
            items.append(f"<dt>{escape(line['name'])}</dt><dd>{_code(text)} <small>{escape(settings)}</small></dd>")
    return (
        f"<details class='clocks'><summary>Where the clocks start and stop</summary><dl>{''.join(items)}</dl></details>"
        if items
        else ""
    )
