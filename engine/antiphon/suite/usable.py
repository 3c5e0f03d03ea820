"""Which lines of a receipt can be used: what a broken program or another version wrote may lack what its kind needs."""

from __future__ import annotations

import math

from .receipt import Receipt

STATISTICS = ("p50", "p95", "p99", "p99.9", "max")
_NUMBERS = {"figure": ("count", "min", *STATISTICS), "tally": ("happened", "chances"), "value": ("value",)}
_NEEDED = {"timeline": ("t_s", "values"), "waterfall": ("terms", "samplerate"), "skip": ("why",), "bench": ("title",)}
_GOAL = ("statistic", "relation", "limit", "met")


def sound(receipt: Receipt) -> Receipt:
    """Give a receipt without the lines that cannot be used; they are counted as damaged."""
    lines = [line for line in receipt.lines if usable(line)]
    return Receipt(receipt.head, lines, receipt.end, receipt.damaged + len(receipt.lines) - len(lines))


def usable(line: dict) -> bool:
    """Whether a line has what its kind needs, and in the form it needs it in."""
    kind = line["kind"]
    if kind in ("bench", "done"):
        return kind == "done" or isinstance(line.get("title"), str)
    if kind == "skip" and not _goals_well_formed(line.get("goals"), nothing=True):
        return False
    if not isinstance(line.get("name"), str) or any(line.get(name) is None for name in _NEEDED.get(kind, ())):
        return False
    if kind in _NUMBERS:
        return all(_is_number(line.get(name)) for name in _NUMBERS[kind]) and _well_formed(line)
    if kind == "timeline":
        return (
            all(isinstance(line[name], list) and all(map(_is_number, line[name])) for name in ("t_s", "values"))
            and len(line["t_s"]) == len(line["values"]) > 0
            and isinstance(line.get("unit"), str)
        )
    if kind == "waterfall":
        terms = line["terms"]
        return (
            isinstance(terms, list)
            and all(isinstance(term, list) and len(term) == 2 and _is_number(term[1]) for term in terms)
            and (
                _is_number(line["samplerate"])
                and line["samplerate"] > 0
                and (line.get("measured_frames") is None or _is_number(line["measured_frames"]))
            )
        )
    return True


def _well_formed(line: dict) -> bool:
    control, settings = line.get("control"), line.get("settings") or {}
    return (
        isinstance(line.get("unit"), str)
        and isinstance(settings, dict)
        and (control is None or isinstance(control, str))
        and line.get("better", "less") in ("less", "more", "same")
        and _goals_well_formed(line.get("goals"))
    )


def _goals_well_formed(goals, nothing: bool = False) -> bool:
    """Whether goals are goals; of what has no events (`nothing`) none is met, and nothing was found."""
    return isinstance(goals or [], list) and all(
        isinstance(goal, dict)
        and all(goal.get(name) is not None for name in _GOAL)
        and _is_number(goal["limit"])
        and (not goal["met"] and goal.get("found") is None if nothing else _is_number(goal.get("found")))
        for goal in goals or []
    )


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
