"""README's latency table, made from a receipt: what a performer asks, answered with what was measured.

A question is a row here; what a receipt lacks is left out, never invented. A 99th percentile of fewer than a hundred events would be
their maximum, which stands beside it: a dash. `bench/show.py RECEIPT --markdown` prints it.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from .listing import few, found, goals_met, number, quantile, share, state, wanted, where
from .receipt import Receipt
from .usable import sound

BEGIN, END = "<!-- antiphon bench --markdown -->", "<!-- end -->"
_UNITS = {"us": "µs"}


@dataclass(frozen=True)
class Question:
    """What is asked, and the figure that answers it: the first of `names` that the receipt has; * stands for any end of a name."""

    asked: str
    bench: str
    names: tuple[str, ...]
    noted: bool = False
    """Whether what the figure itself says of its events (of how many, which) is said below the table."""


QUESTIONS = (
    Question("your sound to the reply, to the frame", "mic_to_reply", ("exact",), noted=True),
    Question("your sound to the reply, live", "mic_to_reply", ("live",), noted=True),
    Question("trigger to voice, to the frame", "trigger_to_voice", ("exact",)),
    Question("trigger to voice, live", "trigger_to_voice", ("live",)),
    Question("trigger by OSC to voice, through a sound server", "trigger_to_voice", ("through a server",)),
    Question("a gain or filter by OSC, to its sound", "control_to_sound", ("block rows, OSC",)),
    Question("a gain or filter by MIDI, to its sound", "control_to_sound", ("block rows, MIDI",)),
    Question("a gain or filter by OSC, until it is heard to differ", "control_to_sound", ("block rows, OSC, heard",)),
    Question("a control of the model by OSC, until the voice that has read it is due", "control_to_sound", ("sound rows, OSC",)),
    Question("a control of the model by MIDI, until the voice that has read it is due", "control_to_sound", ("sound rows, MIDI",)),
    Question("you begin again, until it is silent", "yield_to_silence", ("live", "exact, abrupt")),
    Question(
        "round trip of the voice through the device", "round_trip", ("voice, 48000 Hz, 128", "voice, *", "voice by correlation, *")
    ),
    Question("round trip of your dry sound", "round_trip", ("dry, 48000 Hz, 128", "dry, *", "dry by correlation, *")),
    Question(
        "a step of the model, share of its hop", "step", ("live, answering, to the voice, share of the hop", "whole step, share of the hop")
    ),
    Question("steps in time (ISR)", "step", ("ISR",)),
    Question("audio callback", "callback", ("took, full, 0 busy",)),
    Question("audio callback, beside two busy Python threads", "callback", ("took, full, 2 busy",)),
    Question("underflows of our making, beside two busy threads", "callback", ("underflows of our making, 2 busy",)),
    Question(
        "blocks that a Python callback misses beside such threads", "callback", ("missing blocks, python, 2 busy in its process",)
    ),
    Question("command to first sound", "cold_start", ("command to the first voice, warm",)),
    Question("energy added by playing", "energy", ("added by playing",)),
)
"""In the order of a performer's questions."""


def markdown(receipt: Receipt) -> list[str]:
    """Give the table's lines: where it was measured, a row for each question that the receipt answers, and notes."""
    rows = _rows(receipt)
    if not rows:
        return ["This receipt has nothing of what the table asks."]
    return [
        _measured(receipt),
        "",
        "| | p50 | p99 | max | events | control, p99 |",
        "|---|--:|--:|--:|--:|--:|",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" for cells in rows),
        *(part for note in _notes(receipt) for part in ("", note)),
    ]


def as_text(receipt: Receipt) -> str:
    """Give the same for a terminal, and below it the goals that were missed."""
    receipt = sound(receipt)
    rows = [["", "p50", "p99", "max", "events", "control, p99"], *_rows(receipt)]
    counted = [len(row[1]) for row in rows if not row[2]]
    widths = [max(len(row[column]) for row in rows if row[2] or not column) for column in range(6)]
    told = []
    for row in rows if len(rows) > 1 else []:
        if row[2]:
            told.append(
                "  ".join(
                    [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
                )
            )
        else:
            told.append(f"{row[0]:<{widths[0]}}  {row[1]:<{max(counted)}}" + (f"  control {row[5]}" if row[5] else ""))
    told += _notes(receipt)
    goals = receipt.goals
    missed = [(line, goal) for line, goal in goals if not goal["met"]]
    told += (
        [""] * bool(told) + [goals_met(receipt) + (", missed:" if missed else "")]
        if goals
        else []
    )
    told += [
        f"  {line['bench']}: {line['name']}: {wanted(goal)}, {'' if goal['found'] is None else 'found '}{found(goal)}"
        + (f" ({goal['why']})" if goal.get("why") else "")
        for line, goal in missed
    ]
    return "\n".join(line.rstrip() for line in told)


def _rows(receipt: Receipt) -> list[list[str]]:
    """Six cells for each question that is answered."""
    return [cells for question in QUESTIONS if (cells := _row(receipt, question))]


def _notes(receipt: Receipt) -> list[str]:
    """What a figure says of its events, of the questions that want it said."""
    told = []
    for question in QUESTIONS:
        line = _answer(receipt, question)
        means = str((line or {}).get("means") or "")
        if question.noted and means and line["kind"] != "skip":
            told.append(f"{question.asked[0].upper()}{question.asked[1:]}: {means}.")
    return told


def _answer(receipt: Receipt, question: Question) -> dict | None:
    """The figure that answers; what was to be it and has no event, where there is none."""
    told = [line["name"] for line in receipt.of(question.bench, "figure", "tally", "value")]
    names = [name for wanted in question.names for name in (fnmatch.filter(told, wanted) if "*" in wanted else [wanted])]
    found = next(filter(None, (receipt.figure(question.bench, name) for name in names)), None)
    nothing = (line for line in receipt.of(question.bench, "skip") if line.get("goals") and line["name"] in question.names)
    return found or next(nothing, None)


def _measured(receipt: Receipt) -> str:
    """Say once where all of it is from."""
    head = receipt.head
    words = list(map(str, head.get("command") or ["antiphon", "bench"]))
    at = next((words.index(flag) for flag in ("-o", "--out") if flag in words), len(words))
    command = " ".join(words[:at] + words[at + 2 :])  # where it was kept is nobody's concern
    commit = f", commit {str(head['commit'])[:10]}{' with changes' if head.get('dirty') else ''}" if head.get("commit") else ""
    lacks = f"; {state(receipt)}" if state(receipt) else ""
    settings = next((line["settings"] for line in receipt.lines if "blocksize" in (line.get("settings") or {})), {})
    rates = f"; {settings['samplerate']:,} Hz, {settings['blocksize']} frames a block" if "samplerate" in settings else ""
    bundle = head.get("bundle") if isinstance(head.get("bundle"), dict) else {}
    return f"`{command}`, {str(head.get('time', ''))[:10]}, on {where(head)}{rates}, bundle {bundle.get('name', '?')}{commit}{lacks}."


def _row(receipt: Receipt, question: Question) -> list[str] | None:
    line = _answer(receipt, question)
    if line is None:
        return None
    if line["kind"] == "skip":
        return [question.asked, "nothing was measured", "", "", "", ""]
    control = receipt.figure(line["bench"], line["control"]) if isinstance(line.get("control"), str) else None
    beside = (
        ""
        if control is None
        else _counted(control)
        if control["kind"] == "tally"
        else _with_unit(control["value"], control)
        if control["kind"] == "value"
        else quantile(control, "p99", f" {_unit(control)}")
    )
    if line["kind"] == "figure":
        told = ("–" if few(line, name) else _with_unit(line[name], line) for name in ("p50", "p99", "max"))
        return [question.asked, *told, number(line["count"]), beside]
    if line["kind"] == "tally":
        return [question.asked, _counted(line), "", "", "", beside]
    settings = line.get("settings") or {}
    rate, printed = (settings.get(name) for name in ("samplerate", "printed"))
    told = _with_unit(line["value"], line)
    told += f" = {number(1000 * line['value'] / rate)} ms" if line["unit"] == "frames" and rate else ""
    told += f" (printed sum: {number(printed)})" if isinstance(printed, int | float) else ""
    return [question.asked, told, "", "", "", beside]


def _with_unit(value: float, line: dict) -> str:
    return f"{number(value)} {_unit(line)}"


def _unit(line: dict) -> str:
    return _UNITS.get(line["unit"], line["unit"])


def _counted(line: dict) -> str:
    if line["unit"] == "s":
        return f"{number(line['happened'])} in {number(line['chances'])} s"
    return f"{number(line['happened'])} of {number(line['chances'])} ({share(line['happened'], line['chances'])})"
