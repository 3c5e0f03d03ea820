"""What changed between two receipts beyond noise: never by a mean, and not by one figure's luck among many.

Of a figure the median and the 99th percentile are compared, by its events (noise.py says how). Four things stand between a
difference and a verdict:

- It must be more than what differs from one start of the same program to the next, which no look inside one run can tell: 5 %
  of a median, 10 % of a 99th percentile. What is exact (the same in every event) is held to nothing less than equality.
- It must be more than the control run's difference, where the figure names one. Where the control moved as well, by as much as
  noise allows, the machine changed, not the instrument. A figure that is a control never says anything else.
- It must stand out from what the other figures of its benchmark did. Other work on a machine lasts for seconds, as long as a figure
  takes, and moves one figure up and the next one down; where they went apart like that, only what went much farther is a change.
- Over all figures at once, two receipts of one build must say "nothing changed" in 95 % of cases. Holm's steps keep that
  promise whatever depends on what, and figures of one machine in one minute do; a false discovery rate would let one sentence in
  twenty be wrong, and these sentences are cited. What has too few events to ever be told apart does not count as a question.

Counts are compared by how they lay (counts.py). A single value is the same or another one, and no more is said: one event does not
tell how much it varies. But frames are counted and decibels computed: half a frame or 1 dB in the bad direction is worse.

Goals are held apart from noise: one that was met and is missed is worse, whatever moved it, and so is a figure with a goal that B,
which ran its benchmark, does not have.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from . import counts, noise
from .noise import Scale, Segments
from .receipt import Receipt
from .usable import sound
from .verdict import ALPHA, AS_BEFORE, CHANGED, LEAST, LEAST_EVENTS, MACHINE, OTHER, SHARES, Moved, Row, judge, restless_by

_WHAT = ("samplerate", "blocksize", "driver", "server", "busy", "threads", "midi")
"""Settings that make a figure another one. Others tell what happened (how long it was, how far the lead grew), or are what is
compared (the bundle)."""
_FIRST_DRAWS, _LEAST_DRAWS, _INTERVAL_DRAWS = 200, 2000, 400
_COUNTED = {"frames": 0.5, "samples": 0.5, "dB": 1.0}
"""Units of single values that are counted, or computed without chance, and the least difference that counts."""
_DOUBT = 0.25


@dataclass
class Comparison:
    """Two receipts side by side."""

    differs: list[str]
    """What is not the same for all figures: machine, bundle, length of the run."""
    rows: list[Row]
    only_a: list[str]
    only_b: list[str]
    restless: dict[str, dict[str, float]]
    """By what factor the figures of a benchmark went apart from each other between the two runs, as a rule."""
    unlike: list[str]
    """Figures measured in different ways, or lines that cannot be read; these are not compared."""

    @property
    def changed(self) -> list[Row]:
        return [row for row in self.rows if row.verdict in CHANGED]

    @property
    def worse(self) -> list[Row]:
        return [row for row in self.rows if row.worse]


def compare(a: Receipt, b: Receipt, alpha: float = ALPHA) -> Comparison:
    """Compare B with A. Costs some milliseconds a figure, some tenths of a second where one changed."""
    a, b = sound(a), sound(b)
    in_a, in_b = _named(a), _named(b)
    controls = {(bench, line["control"]) for found in (in_a, in_b) for (bench, _), line in found.items() if line.get("control")}
    both = [key for key in in_a if key in in_b]
    draws = max(_LEAST_DRAWS, round(4 * 2 * len(both) / alpha))
    rows, unlike = [], []
    for key in both:
        lines = in_a[key], in_b[key]
        why = _unlike(*lines)
        if not why:
            beside = (key[0], lines[1].get("control"))
            control = (in_a[beside], in_b[beside]) if beside in in_a and beside in in_b else None
            try:
                rows.append(_row(*lines, control, draws))
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
                why = "cannot be read"
        if why:
            unlike.append(f"{' '.join(key)}: {why}")
    restless = restless_by(rows)
    judge(rows, alpha, controls, restless)
    gone = _gone(in_a, b)
    lost = {(row.bench, row.name) for row in gone}
    only_a, only_b = (
        [" ".join(key) for key in one if key not in other and key not in lost] for one, other in ((in_a, in_b), (in_b, in_a))
    )
    return Comparison(_differs(a.head, b.head), rows + gone, only_a, only_b, restless, unlike)


def _named(receipt: Receipt) -> dict[tuple[str, str], dict]:
    """Figures, tallies and values by benchmark and name; the last where one was told several times."""
    return {(line["bench"], line["name"]): line for line in receipt.lines if line["kind"] in ("figure", "tally", "value")}


def _unlike(a: dict, b: dict) -> str:
    """Why two lines of one name are not two measurements of one thing; empty where they are."""
    for what in ("kind", "unit"):
        if a.get(what) != b.get(what):
            return f"{what} {a.get(what)} in A, {b.get(what)} in B"
    of_a, of_b = (line.get("settings") or {} for line in (a, b))
    other = [f"{name} {of_a.get(name)} in A, {of_b.get(name)} in B" for name in _WHAT if of_a.get(name) != of_b.get(name)]
    return "; ".join(other)


def _row(a: dict, b: dict, control: tuple[dict, dict] | None, draws: int) -> Row:
    kind = a["kind"]
    of = {"figure": "count", "tally": "chances"}
    sizes = [line[of[kind]] if kind in of else 1 for line in (a, b)]
    goals, missed = _goals(a, b)
    row = Row(a["bench"], a["name"], kind, str(a.get("unit", "")), b.get("better", "less"), *sizes, goals=goals, missed=missed)
    if control and control[0].get("kind") != kind:
        control = None
    row.moved = {"figure": _figure, "tally": _tally, "value": _value}[kind](a, b, control, draws)
    return row


def _figure(a: dict, b: dict, control: tuple[dict, dict] | None, draws: int) -> dict[str, Moved]:
    random = _random(a)
    ours, theirs = map(_events, (a, b))
    scale = Scale.of(a["unit"], ours, theirs)
    beside = tuple(map(_events, control)) if control else None
    if beside and (
        Scale.of(control[0]["unit"], *beside).ratio != scale.ratio or not scale.ratio and control[0]["unit"] != a["unit"]
    ):
        beside = None  # a difference of something else says nothing of this one
    told, shown = {}, math.exp if scale.ratio else float
    for name, share in SHARES.items():
        low, high = noise.bounds(ours, theirs, share, scale, _INTERVAL_DRAWS, random)
        at = _distance(scale, ours, theirs, share)
        moved = told[name] = Moved(a[name], b[name], scale.ratio, shown(at), shown(low), shown(high))
        if beside:
            moved.control = shown(_distance(scale, *beside, share))
        if min(a["count"], b["count"]) < LEAST_EVENTS[name]:
            continue
        moved.least_p = noise.least_p(ours.count, theirs.count)
        least = _least(scale, a, b, ours, theirs, name)
        moved.exact = least == 0.0
        if abs(at) > least:
            moved.p = moved.alone = _p(scale, ours, theirs, name, least, draws, random)
        if beside and moved.p < ALPHA:
            _hold_against(beside, moved, name, scale, ours, theirs, least, draws, random)
    return told


def _events(line: dict) -> Segments:
    return noise.joined(noise.parsed(line["events"]["segments"]))


def _hold_against(
    control: tuple,
    moved: Moved,
    name: str,
    scale: Scale,
    ours: Segments,
    theirs: Segments,
    least: float,
    draws: int,
    random: np.random.Generator,
) -> None:
    """Take off what the control run moved, as far as its interval goes halfway, and a quarter of it: it is another program, and a
    machine need not change both alike. Of a 99th percentile also what the control's median did: a machine that is slower
    throughout shows there, whatever bursts did to its tail."""
    at = _distance(scale, ours, theirs, SHARES[name])
    up = at > 0
    for share in sorted({SHARES[name], 0.5}):
        one, other = (some.medians() if share == 0.5 else some for some in control)
        beside = _distance(scale, one, other, share)
        reach = noise.bounds(one, other, share, scale, _INTERVAL_DRAWS, random)[up]
        beside += (reach - beside) / 2 + math.copysign(_DOUBT * beside, at)
        beside = max(beside, 0.0) if up else min(beside, 0.0)
        moved.p = max(moved.p, _p(scale, ours, theirs, name, least, draws, random, beside) if (at > beside) == up else 1.0)
    if moved.p > ALPHA:
        moved.verdict = MACHINE


def _distance(scale: Scale, a: Segments, b: Segments, share: float) -> float:
    return float(scale.between(a.quantile(share), b.quantile(share)))


def _least(scale: Scale, a: dict, b: dict, ours: Segments, theirs: Segments, name: str) -> float:
    """The least distance that counts: none for what is exact."""
    if len(ours.values) == len(theirs.values) == 1:
        return 0.0
    if scale.ratio:
        return math.log1p(LEAST[name])
    if a["unit"].startswith("dB"):
        return 20.0 * math.log10(1.0 + LEAST[name])
    both = ours.beside(theirs)
    return LEAST[name] * max(abs(a[name]), abs(b[name]), both.quantile(0.95) - both.quantile(0.05))


def _p(
    scale: Scale, a: Segments, b: Segments, name: str, least: float, draws: int, random: np.random.Generator, beside: float = 0.0
) -> float:
    """How likely so great a distance is by chance, after `beside` was taken off it, and half of `least`: so far apart two starts of
    one program may be, chance or not."""
    beyond = _distance(scale, a, b, SHARES[name]) - beside
    if abs(beyond) <= least / 2:
        return 1.0
    b = b.moved(-beside - math.copysign(least / 2, beyond), scale.ratio)
    p = 1.0
    for number in (_FIRST_DRAWS, draws):  # most figures have not moved, and the first drawings say so
        if name == "p50":
            p = noise.p_of_medians(a, b, number, random)
        else:
            p = noise.p_of_quantiles(a, b, SHARES[name], scale, number, random)
        if p > 2 * ALPHA:
            break
    return p


def _tally(a: dict, b: dict, control: tuple[dict, dict] | None, draws: int) -> dict[str, Moved]:
    return {"share": counts.compare(a, b, control, draws, _random(a))}


def _random(line: dict) -> np.random.Generator:
    """The same drawings for a figure whenever it is compared."""
    return np.random.default_rng(zlib.crc32(f"{line['bench']} {line['name']}".encode()))


def _value(a: dict, b: dict, control: tuple[dict, dict] | None, draws: int) -> dict[str, Moved]:
    one, other = a["value"], b["value"]
    ratio = min(one, other) > 0 and not a["unit"].startswith("dB")
    at = other / one if ratio else other - one
    same = math.isclose(one, other, rel_tol=1e-9)
    moved = Moved(one, other, ratio, at, at, at, verdict=AS_BEFORE if same else OTHER)
    least = _COUNTED.get(a["unit"], math.inf)
    if abs(other - one) > least and b.get("better") in ("less", "more"):
        moved.p = 0.0
    if not moved.p and control and control[0]["unit"] == a["unit"]:
        its = control[1]["value"] - control[0]["value"]
        moved.control = control[1]["value"] / control[0]["value"] if ratio and control[0]["value"] > 0 else its
        if its * (other - one) > 0 and abs(other - one) - abs(its) <= least:
            moved.verdict = MACHINE
    return {"value": moved}


def _wanted(line: dict) -> dict[tuple, dict]:
    """The goals of a line, by what they ask for."""
    return {(goal["statistic"], goal["relation"], goal["limit"]): goal for goal in line.get("goals") or ()}


def _goals(a: dict, b: dict) -> tuple[str, bool]:
    """Say which goals changed sides, and whether one was met and is not now."""
    before, now = _wanted(a), _wanted(b)
    turned = [key for key in now if key in before and before[key]["met"] != now[key]["met"]]
    told = [f"goal {s} {r} {limit:g} {'met' if now[s, r, limit]['met'] else 'missed'} now" for s, r, limit in turned]
    return "; ".join(told), any(not now[key]["met"] for key in turned)


def _gone(a: dict[tuple[str, str], dict], b: Receipt) -> list[Row]:
    """What had a goal and is not in B, of the benchmarks that B ran: a goal is not lost with what it was for."""
    ran = {line["bench"] for line in b.lines}
    why = {(line["bench"], line["name"]): line["why"] for line in b.lines if line["kind"] == "skip"}
    named = {(line["bench"], line["name"]) for line in b.lines if line["kind"] in ("figure", "tally", "value")}
    rows = []
    for (bench, name), line in a.items():
        if bench in ran and (bench, name) not in named and line.get("goals"):
            asked = ", ".join(f"{s} {r} {limit:g}" for s, r, limit in _wanted(line))
            told = why.get((bench, name)) or why.get((bench, "")) or "B does not tell it"
            rows.append(Row(bench, name, "gone", line["unit"], line.get("better", "less"), 1, 0, goals=f"goal {asked}; {told}"))
    return rows


def _differs(a: dict, b: dict) -> list[str]:
    """What is not the same for all figures of two receipts."""
    told = []
    of_a, of_b = (head.get("machine") if isinstance(head.get("machine"), dict) else {} for head in (a, b))
    for name in {**of_a, **of_b}:
        if name not in ("load", "memory_mb") and of_a.get(name) != of_b.get(name):
            told.append(f"machine {name}: {_plain(of_a.get(name))} | {_plain(of_b.get(name))}")
    for name in ("bundle", "quick", "seconds", "inject", "antiphon"):
        if a.get(name) != b.get(name):
            told.append(f"{name}: {_plain(a.get(name))} | {_plain(b.get(name))}")
    return told


def _plain(value) -> str:
    if isinstance(value, dict):
        return " ".join(str(part)[:12] for part in value.values() if part is not None)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
