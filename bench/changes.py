"""What is changed to find out whether a control is heard: for each musical row what must be so before, and random changes of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon.params import REGISTRY, Param, Value

AWAY = 0.1
"""A change moves a fader by at least this share of its way."""
_LEFT_OUT = {
    "answer_s", "phrase_gap_s", "phrase_margin", "yield", "yield_margin",  # say when to answer, not how
    "panic", "keep", "recall_as",  # nothing to be compared, or only with what comes later
}  # fmt: skip
_FOREIGN = {"key": "eb", "scale": "hijaz", "scale_grip": 1.0}
_ON_A_GRID = {"tempo": 97.0, "grid_grip": 1.0}
_STORED = {"timbre": 1.0}


@dataclass(frozen=True)
class Before:
    """What is so before a change. `values` from the start, `events` (path, value) half a second into the answer; output `channels`;
    whether the performer `goes_on`; `draw(random, old)` where a random value of the row is not what is meant.
    """

    values: dict[str, Value] = field(default_factory=dict)
    events: tuple[tuple[str, Value], ...] = ()
    channels: int = 1
    goes_on: bool = False
    draw: Callable[[random.Random, Value], Value] | None = None


def _notes(random: random.Random, old: Value) -> Value:
    return tuple(float(note) for note in sorted(random.sample(range(48, 73), random.choice((3, 4)))))


def _steps(random: random.Random, old: Value) -> Value:
    return (0.0, *sorted(round(random.uniform(50, 1150), 1) for _ in range(random.randint(4, 7))))


def _beat(random: random.Random, old: Value) -> Value:
    return (round(random.uniform(0, 10), 4), round(math.exp(random.uniform(math.log(40), math.log(200))), 2))


BEFORE = {
    "mode": Before({"mode": "hold", "answer_s": 0.5}),  # so that answer, too, ends it
    "hold": Before({"mode": "answer", "hold": True, "answer_s": 0.5}),
    "recall": Before(events=(("keep", 1),), draw=lambda random, old: 1),
    "play_note": Before(draw=lambda random, old: random.randint(48, 84)),
    "key": Before({"scale": "major", "scale_grip": 1.0}),
    "scale": Before({"scale_grip": 1.0}),
    "scale_grip": Before(_FOREIGN),
    "scale_cents": Before({"scale": "cents", "scale_cents": (0.0, 240.0, 480.0, 720.0, 960.0), "scale_grip": 1.0}, draw=_steps),
    "chord": Before(draw=_notes),
    "chord_grip": Before({"chord": (51.0, 54.0, 57.0, 60.0)}),
    "beat": Before({"grid_grip": 1.0}, draw=_beat),
    "grid": Before(_ON_A_GRID),
    "grid_grip": Before({"tempo": 97.0}),
    "swing": Before(_ON_A_GRID),
    "timbre_x": Before(_STORED),
    "timbre_y": Before(_STORED),
    "store_voice": Before(_STORED, draw=lambda random, old: 1),
    "dry": Before(goes_on=True),
    "resonance": Before({"lowpass": 1500.0}),
    **{f"send/{n}": Before(channels=8) for n in range(1, 9)},
}
"""By path; a row that is not here needs nothing."""


@dataclass(frozen=True)
class Change:
    """One change of a row, sent `block` blocks after changes may first come; to be so at once, or `later` frames after."""

    path: str
    value: Value
    block: int
    later: int | None = None


def rows() -> list[Param]:
    """The rows whose every change is to be heard."""
    return [row for row in REGISTRY.rows if row.target != "control" and row.kind != "text" and row.path not in _LEFT_OUT]


def before(path: str) -> Before:
    """What is so before a change of this row."""
    return BEFORE.get(path, Before())


def draw(row: Param, random: random.Random) -> Value:
    """A random value for a row to be changed to, from what it is before."""
    wanted = before(row.path)
    old = wanted.values.get(row.path, row.default)
    if wanted.draw:
        return wanted.draw(random, old)
    if row.numbered:
        return random.randint(1, row.most)
    if row.kind == "trigger":
        return True
    if row.kind == "bool":
        return not old
    if row.kind == "enum":
        return random.choice([choice for choice in row.choices if choice != old])
    while True:
        place = random.random()
        value = _value(row, place)
        if (row.zero and old == 0) or abs(place - _place(row, old)) >= AWAY:
            return value


def _value(row: Param, place: float) -> float | int:
    """The value at a fader's place, 0..1."""
    if row.curve == "exp":
        value = row.minimum * (row.maximum / row.minimum) ** place
    else:
        value = row.minimum + (row.maximum - row.minimum) * place
    return round(value) if row.kind == "int" else value


def _place(row: Param, value: float) -> float:
    if row.curve == "exp":
        return math.log(value / row.minimum) / math.log(row.maximum / row.minimum)
    return (value - row.minimum) / (row.maximum - row.minimum)
