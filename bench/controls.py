"""What is told to the instrument, class by class, and how a change is looked for in what comes out."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

import audible
from antiphon.control.midimap import MidiMap
from antiphon.control.wire import decode, encode, spoken
from antiphon.latency import HOP
from antiphon.params import REGISTRY, Value
from changes import draw
from instrument import MS, RATE, Live
from packets import Planned, Sent

PERIOD = 100
"""Frames of the tone that repeats itself bit for bit: the first frame that does not is a change."""
SETTLED = {"dry": 0.0, "voice": 0.0, "lowpass": 2000.0, "highpass": 400.0, "resonance": 0.2}
"""What is so before, for every row of the callback to have something to change."""
RANGES = {"lowpass": (600.0, 3000.0), "highpass": (300.0, 1000.0), "resonance": (0.0, 0.3)}
"""Filters that are lower, or ring longer, take longer than messages are apart to repeat themselves to the bit."""
BLOCK_ROWS = ("dry", "voice", "master", "send/1", "lowpass", "highpass", "resonance", "mute")
CLASSES = {
    "sound rows": ("loudness", "breath", "brightness", "timbre"),
    "note rows": ("transpose", "chord", "temperature", "density", "register_low", "seed"),
    "triggers": ("trigger", "regenerate", "play_note", "recall"),
    "mode": ("mode", "freeze"),
}
"""Rows that the model reads at its step: heard in the sound that is there, in which notes come, what happens, and what it does."""
MIDI_ROWS = (
    ("brightness", "sound rows"),
    ("temperature", "note rows"),
    ("trigger", "triggers"),
    ("freeze", "mode"),
    ("loudness", "sound rows"),
    ("density", "note rows"),
    ("regenerate", "triggers"),
)
GIVEN_NOTHING = {
    "sound rows": ("loudness", 0.0),
    "note rows": ("transpose", 0),
    "triggers": ("freeze", False),
    "mode": ("mode", "hold"),
}
"""Of each class a message that says what is so already: nothing may differ for it."""


APART_S = 0.08, 0.11
"""How long after one another messages to the callback come: ramps take 20 ms, filters ring."""


class Nobody:
    """A peer that is told nothing."""

    name, host, key = "osc:bench", "bench", ("bench",)
    ready = True

    def send(self, packet: bytes) -> bool:
        return True


class Told(NamedTuple):
    """One message: the row, the value it takes, what is sent, and the class it belongs to."""

    path: str
    value: Value
    data: bytes
    kind: str


def tone() -> np.ndarray:
    """One period, (PERIOD,) float32, with partials up to 5 kHz for the filters."""
    at = 2 * np.pi * np.arange(PERIOD) / PERIOD
    sound = sum(np.sin(k * at + k * k) / k for k in range(1, 12))
    return (0.15 * sound / np.abs(sound).max()).astype(np.float32)


def osc(path: str, value: Value, kind: str) -> Told:
    """A message by OSC; the value is what the row makes of it, in 32 bits as it goes over the wire."""
    data = encode(f"/antiphon/{path}", *([] if REGISTRY.resolve(path).kind == "trigger" and value is True else spoken(value)))
    (message,) = decode(data)
    row = REGISTRY.resolve(path)
    told = message.arguments if row.kind == "list" else message.arguments[0] if message.arguments else True
    return Told(path, row.accept(told), data, kind)


def block_messages(count: int, chance: random.Random) -> list[Told]:
    """Changes of the callback's rows in turn, each to a value of its own; a mute is let go by the next, none is the last."""
    told: list[Told] = []
    while len(told) < count:
        for path in BLOCK_ROWS:
            values = [True, False] if path == "mute" else [_block_value(path, chance)]
            told += [osc(path, value, "block rows") for value in values]
    return told[: count - 1 if told[count - 1].value is True else count]


def _block_value(path: str, chance: random.Random) -> float:
    if path in ("lowpass", "highpass"):
        low, high = RANGES[path]
        return low * (high / low) ** chance.random()
    return chance.uniform(*RANGES.get(path, (-18.0, 0.0)))


def midi_messages(count: int, chance: random.Random) -> list[Told]:
    """Controllers that the table has for rows of the callback, never the same value twice in a row."""
    by_row = {path: int(binding[2:]) for binding, path in MidiMap(REGISTRY).mapping.items() if binding.startswith("cc")}
    paths = [path for path in BLOCK_ROWS if path in by_row]
    rows = [REGISTRY.resolve(path) for path in paths]
    raws = {row.path: [round(127 * row.position(SETTLED.get(row.path, row.default)))] for row in rows}
    told = []
    for n in range(count):
        path = paths[n % len(paths)]
        row, (low, high) = REGISTRY.resolve(path), RANGES.get(path, (-18.0, 0.0))
        raw = _another(raws[path], range(round(127 * row.position(low)), round(127 * row.position(high))), 6, chance)
        told.append(Told(path, raw, bytes((0xB0, by_row[path], raw)), "block rows"))
    return told


def _another(before: list[int], span: range, least: int, chance: random.Random) -> int:
    """A value of a controller that is neither the last nor, if that should have been lost, the one before it; and note it."""
    apart = [raw for raw in span if all(abs(raw - old) >= least for old in before[-2:])]
    if not apart:  # a narrow span
        return _another(before, span, least - 1, chance)
    before.append(chance.choice(apart))
    return before[-1]


def step_cycle(chance: random.Random) -> list[Told]:
    """Messages to an instrument in mode listen: an answer from silence, changes of it, and its end."""

    def one(kind: str) -> Told:
        path = chance.choice([path for path in CLASSES[kind] if path not in ("mode", "trigger", "recall")])
        return osc(path, value_of(path, chance), kind)

    changes = [one(kind) for kind in ("sound rows", "note rows", "triggers", "sound rows", "note rows")]
    return [osc("mode", "hold", "mode"), osc("trigger", True, "triggers"), *changes, osc("mode", "listen", "mode")]


def step_midi(count: int, chance: random.Random) -> list[Told]:
    """Controllers and pedals that the table has for rows of the model, to an instrument in mode hold; what lets a trigger's pedal
    go is of no class."""
    bound = {path: int(binding[2:]) for binding, path in MidiMap(REGISTRY).mapping.items() if binding.startswith("cc")}
    told: list[Told] = []
    rows = [REGISTRY.resolve(path) for path, _ in MIDI_ROWS]
    left = {row.path: [round(127 * row.position(row.default))] for row in rows if row.kind == "float"}
    while len(told) < count:
        for path, kind in MIDI_ROWS:
            if REGISTRY.resolve(path).kind in ("trigger", "bool"):
                raws = {127: kind, 0: kind if REGISTRY.resolve(path).kind == "bool" else ""}
            else:  # what stays where it is, is no change
                raws = {_another(left[path], range(128), 8, chance): kind}
            told += [Told(path, None, bytes((0xB0, bound[path], raw)), of_a_class) for raw, of_a_class in raws.items()]
    return told


def value_of(path: str, chance: random.Random) -> Value:
    """A random other value of a row of the model's."""
    if path == "mode":
        return "listen"
    if path == "recall":
        return 1
    return draw(REGISTRY.resolve(path), chance)


def planned(
    told: list[Told], least_s: float, most_s: float, chance: random.Random, ahead_s: float | None = None, lose: int = 0
) -> list[Planned]:
    """The messages as a plan, at random distances. `lose` is a fault: one in so many is lost, of those that no other depends on."""
    plan, may_be_lost = [], 0
    for one in told:
        may_be_lost += _is_its_own(one)
        lost = bool(lose) and _is_its_own(one) and may_be_lost % lose == 0
        plan.append(Planned(chance.uniform(least_s, most_s), one.data, ahead_s, lost))
    return plan


def _is_its_own(one: Told) -> bool:
    """Whether the next message does the same if this one is lost: after a switch that stays on, or a mode that does not begin, it
    would not."""
    return bool(one.kind) and one.path != "mode" and REGISTRY.resolve(one.path).kind != "bool"


def echoes(told: list[Told], sent: Sent) -> list[float | None]:
    """When the instrument's echo of each message came, time.monotonic(); None: it never did."""
    waiting: dict[tuple, list[int]] = {}
    for n, one in enumerate(told):
        waiting.setdefault((one.path, spoken(one.value)), []).append(n)
    found: list[float | None] = [None] * len(told)
    for at_s, data in sent.answers:
        (message,) = decode(data)
        path = message.address.removeprefix("/antiphon/echo/")
        key = next((key for key in waiting if key[0] == path and _same(key[1], message.arguments)), None)
        came_before = [n for n in waiting.get(key, ()) if sent.at_s[n] <= at_s]
        if came_before:
            found[came_before[-1]] = at_s
            waiting[key].remove(came_before[-1])
    return found


def returned(packets: list[bytes], sent: Sent) -> list[float | None]:
    """When each packet came back as it was; None: it never did. What one of them lost does not shift the others."""
    found: list[float | None] = [None] * len(packets)
    for at_s, data in sent.answers:
        same = [n for n, one in enumerate(packets) if one == data and found[n] is None and sent.at_s[n] <= at_s]
        if same:
            found[same[-1]] = at_s
    return found


def _same(value: tuple, heard: tuple) -> bool:
    near = [
        a == b or (isinstance(a, float | int) and isinstance(b, float | int) and math.isclose(a, b, rel_tol=1e-6))
        for a, b in zip(value, heard, strict=False)
    ]
    return len(value) == len(heard) and all(near)


@dataclass(frozen=True)
class Effect:
    """What came of one message in a sound that repeats itself. Frames of the device; None: there is none.

    `begin` is the first frame that no callback had taken when it was sent; `settled` whether the sound repeated itself until then.
    """

    begin: int
    differs: int | None
    audible: int | None
    settled: bool


def effect(out: np.ndarray, begin: int, end: int, thresholds_db: tuple[float, ...] | None) -> Effect:
    """Look from `begin` on, before `end`, for what is not as it was a period ago; and, with thresholds, from where it is heard."""
    before = audible.WINDOW
    settled = bool((out[begin - 2 * PERIOD : begin] == out[begin - 3 * PERIOD : begin - PERIOD]).all())
    changed = np.flatnonzero(out[begin:end] != out[begin - PERIOD : end - PERIOD])
    if not len(changed):
        return Effect(begin, None, None, settled)
    differs, heard = begin + int(changed[0]), None
    if thresholds_db:
        # As it would have gone on, beside how it did: the last period again and again, in phase with what was before.
        period = out[differs - PERIOD : differs]
        alone = np.concatenate([out[differs - before : differs], np.resize(period, end - differs)])
        found = audible.first_audible(alone, out[differs - before : end], thresholds_db)
        heard = None if found is None else differs + found - before
    return Effect(begin, differs, heard, settled)


@dataclass
class Delays:
    """ms from each message to the first frame that differs, and to where that is heard; and what has none, message by message.

    `stood`: the clock stood still meanwhile; `unsettled`: what was before had not ended; `without`: places of those that nothing
    came of before the next, in a sound that had settled and on a clock that kept on; `unheard`: what differs was not heard by then.
    """

    first_ms: list[float] = field(default_factory=list)
    heard_ms: list[float] = field(default_factory=list)
    stood: int = 0
    unsettled: int = 0
    without: list[int] = field(default_factory=list)
    unheard: int = 0

    @property
    def looked_at(self) -> int:
        """Messages of which something can be said."""
        return len(self.first_ms) + len(self.without)


class Block:
    """A live instrument that plays a tone back, and what messages did to it."""

    def __init__(self, live: Live, thresholds_db: tuple[float, ...]):
        self._live, self._thresholds_db = live, thresholds_db

    def effects(self, moments_s: list[float]) -> list[Effect]:
        """What came of what was sent at each moment, time.monotonic(), until the next."""
        out, begun = self._live.out(), np.array(self._live.began_s)
        begins = [int(np.searchsorted(begun, at)) * self._live.blocksize for at in moments_s]
        ends = [min(end, len(out)) for end in [*begins[1:], begins[-1] + round(APART_S[0] * RATE)]] if begins else []
        return [effect(out, begin, end, self._thresholds_db) for begin, end in zip(begins, ends, strict=True)]

    def at_frames(self, told: list[Told], applied: list[tuple], early: int) -> tuple[Delays, list[int]]:
        """What came of messages for later, counted from the frame that the instrument took the time for: as `delays` has it, and in
        frames. Frames do not pass while the clock stands still, so nothing is told apart for that."""
        meant, out, found, off = {}, self._live.out(), Delays(), []
        for path, value, frame, *_ in applied:
            if frame:
                meant.setdefault((path, value), []).append(frame)
        for one in told:
            if not (frames := meant.get((one.path, one.value))):
                continue  # no echo tells of it
            frame = frames.pop(0)
            came = effect(out, frame - early, min(frame + round(APART_S[0] * RATE), len(out)), self._thresholds_db)
            if came.differs is None:
                found.without.append(found.looked_at)
            elif not came.settled:
                found.unsettled += 1
            else:
                off.append(came.differs - frame)
                found.first_ms.append(MS * off[-1])
                if came.audible is None:
                    found.unheard += 1
                else:
                    found.heard_ms.append(MS * (came.audible - frame))
        return found, off

    def delays(self, effects: list[Effect], moments_s: list[float]) -> Delays:
        """What came of each message, and when; where the clock stood still meanwhile it is told apart."""
        found = Delays()
        untils_s = [*moments_s[1:], *(moment + APART_S[0] for moment in moments_s[-1:])]
        for n, (one, at_s, until_s) in enumerate(zip(effects, moments_s, untils_s, strict=True)):
            out_s = until_s if one.differs is None else self._live.at_s(one.differs)
            if one.differs is not None and not one.settled:
                found.unsettled += 1
            elif stood_still(self._live, at_s, out_s):
                found.stood += 1
            elif one.differs is None:
                found.without.append(found.looked_at)
            else:
                found.first_ms.append(1e3 * (out_s - at_s))
                if one.audible is None:
                    found.unheard += 1
                else:
                    found.heard_ms.append(found.first_ms[-1] + MS * (one.audible - one.differs))
        return found


def stood_still(live: Live, from_s: float, to_s: float) -> bool:
    return live.stood_s(from_s, to_s) > live.blocksize / RATE / 2


def taken(told: list[Told], sent_s: list[float], applied: list[tuple]) -> list[tuple | None]:
    """Of each message what Stage.applied has of it: the first of its row and value after it was sent, and before the next message
    to which that could belong. A controller has no value of its own to be known by; None where nothing came."""
    found: list[tuple | None] = []
    for n, one in enumerate(told):
        like = (m for m in range(n + 1, len(told)) if told[m].kind and (told[m].path, told[m].value) == (one.path, one.value))
        until_s = sent_s[m] if (m := next(like, None)) is not None else math.inf
        of_row = (a for a in applied if a[0] == one.path and one.value in (None, a[1]))
        found.append(next((a for a in of_row if sent_s[n] <= a[4] < until_s), None))
    return found


def voice_of(steps: np.ndarray, published: int | None, modulus: int, delay_frames: int) -> tuple[int, bool] | None:
    """The device frame at which the voice was heard of the first step that had read so many publications of the mailbox, by the
    trace, and whether it was in time: what is late is heard from where it was written on. None where no step had read them, or
    nothing was published.

    Of a worker whose first hop began with the device's first frame.
    """
    if published is None:
        return None
    read = (steps["params"].astype(np.int64) - published) % modulus < modulus // 2
    if not read.any():
        return None
    step = steps[np.argmax(read)]
    behind = max(0, -int(step["slack_frames"]))
    return int(step["hop"]) * HOP + delay_frames + behind, not behind
