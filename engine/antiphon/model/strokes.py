"""What the performer beats, and how it goes on: kinds of stroke, a pulse, and patterns on it.

Strokes are sorted into kinds by their colour as they are heard. The pulse is the longest step that most waits are whole
numbers of; on it the past is a row of steps, each a kind or a rest. What comes next is what came next where the last steps
were most like these (a soft form of `match`, which forgives a varied bar), so a pattern goes on in its own tempo and place.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from .sampling import Leanings, chances
from .tokenizer import BEYOND, COLOURS

KINDS = 4
EVENTS = 16  # of which `share` speaks
MEMORY = 96  # strokes
LONGEST_HOPS = 75  # a longer wait is a pause between patterns; no plan waits longer
REST = -1

_RING_HOPS = 64  # a stroke is given up to 19 hops after its onset, and by `flush` later than that only if it is a roll
_BANDS = 18
_LOUD_HOPS = 3  # of a stroke, which tell its kind
_REACH = 1.84  # 40 dB below the loudest band nothing is compared
_FAR = 0.30  # colours this far apart (rms, some 6.5 dB) are two kinds
_SETTLED = 12.0  # strokes after which a kind's colour follows slowly
_FORGOTTEN = 48  # a kind not heard for so many strokes makes room for another

_STEPS = np.exp(np.linspace(np.log(4.5), np.log(32.0), 300))  # hops a step may last: 90 .. 640 ms
_LAGS = 4
_AS_GOOD = 0.93  # a longer step is preferred where it explains nearly as much as the best
_USUAL_STEP = 12.5
_LOOK_BACK = 20  # steps compared
_FADE = 0.93  # a step back
_FADES = _FADE ** np.arange(_LOOK_BACK, 0, -1)
_OTHER_KIND, _STROKE_OR_REST = -0.6, -1.0
_SAME_AS = np.array([1.0] * KINDS + [0.0, 0.35])  # kinds; before the first step; two rests
_BEFORE = -2  # no step at all
_ACCENT, _ACCENT_MOST = 0.05, 0.6  # less alike for every dB between two strokes of a kind, at most
_OLD_NATS = np.log(0.997)  # a step
_DOUBT = 0.003
_MOST_STEPS = 300  # kept of an answer; half of them go at once
_PAST_STEPS = 160  # of what was heard


@dataclass(frozen=True, slots=True)
class Stroke:
    """A planned stroke; times in hops, `wait_hops` to the next one's onset. The loudness is that of its like when heard."""

    onset_hop: int
    kind: int
    loudness_db: float
    wait_hops: int


class Strokes:
    """Sorts the performer's strokes and plans others like them. Model process only; 2 us a hop, 0.8 ms to begin, 0.3 ms a plan.

    `step` at every hop, `push` and `note` as the performer's strokes and notes are given by the segmenter, `begin` and
    then `next` for the strokes of an answer. Deterministic: the same strokes, hop and seed give the same plans.
    """

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next `step` is hop 0."""
        self._hop = 0
        self._ring = np.full((_RING_HOPS, COLOURS), BEYOND, np.float32)
        self._centres = np.zeros((KINDS, _BANDS))
        self._counts = [0.0] * KINDS
        self._last = [-_FORGOTTEN] * KINDS  # number of the newest stroke of each kind
        self._number = 0
        self._heard: list[tuple[int, int, float]] = []  # onset hop, kind, dB
        self._events: deque[bool] = deque(maxlen=EVENTS)
        self._seed = self._draws = 0
        self._steps: list[int] = []  # kind or rest at each step of the pulse, what is planned at the end
        self._levels: list[float] = []
        self._shifts: list[float] = []  # hops that strokes came off the pulse: swing
        self._pulse = (_USUAL_STEP, 0.0)  # hops a step, hop of step 0
        self._past = ([], [], [], self._pulse)  # those four, as the performer's strokes have them
        self._planned: tuple[int, int, float] | None = None
        self.fresh = False
        """Whether the stroke heard last was the first of its kind: what had its number before is forgotten."""

    _VALUES = ("_hop", "_number", "_seed", "_draws", "_pulse", "_past", "_planned", "fresh")
    _LISTS = ("_counts", "_last", "_heard", "_steps", "_levels", "_shifts")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        state = {name: getattr(self, name) for name in self._VALUES} | {name: list(getattr(self, name)) for name in self._LISTS}
        return {**state, "_ring": self._ring.copy(), "_centres": self._centres.copy(), "_events": list(self._events)}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name in self._VALUES:
            setattr(self, name, state[name])
        for name in self._LISTS:
            setattr(self, name, list(state[name]))
        self._ring, self._centres = state["_ring"].copy(), state["_centres"].copy()
        self._events = deque(state["_events"], maxlen=EVENTS)

    @property
    def heard(self) -> bool:
        """Whether there was any stroke."""
        return bool(self._heard)

    def step(self, colour: np.ndarray | None) -> None:
        """Take the colour of the next hop, (COLOURS,) as `Frame` has it."""
        self._ring[self._hop % _RING_HOPS] = BEYOND if colour is None else colour
        self._hop += 1

    def note(self) -> None:
        """Take notice of a note that was heard; it is counted, no more."""
        self._events.append(False)

    def share(self) -> float:
        """Share of strokes among the last EVENTS strokes and notes heard; 0 before any."""
        return sum(self._events) / max(1, len(self._events))

    def push(self, onset_hop: int, loudness_db: float) -> int:
        """Hear a stroke of the performer, onsets in order; return its kind, 0 .. KINDS - 1."""
        kind = self._sort(self._colour_of(onset_hop))
        if self.fresh:
            self._heard = [stroke for stroke in self._heard if stroke[1] != kind]
        self._heard = [*self._heard, (onset_hop, kind, loudness_db)][-MEMORY:]
        self._events.append(True)
        self._planned = None
        self._lay_out()
        return kind

    def begin(self, now_hop: int, seed: int, leanings: Leanings = Leanings(), stretch: float = 1.0) -> Stroke:  # noqa: B008
        """Begin an answer: return its first stroke, at ``now_hop`` or where the performer's pulse has the next one after it; from
        there on the pulse is ``stretch`` times as long.

        What the pattern would have had between the performer's last stroke and now passes in silence.
        """
        self._seed, self._draws = seed, 0
        self._steps, self._levels, self._shifts, self._pulse = *map(list, self._past[:3]), self._past[3]
        step, origin = self._pulse
        if not self._heard or now_hop - self._heard[-1][0] > 2 * LONGEST_HOPS:  # the pulse is forgotten, the pattern is not
            first = self._ahead(len(self._steps), None)
            self._pulse = step, now_hop - first[0] * step
        else:
            while origin + len(self._steps) * step < now_hop - step / 4:
                kind, level, shift = self._choose(None)
                self._add(kind, level, shift)
            first = self._ahead(len(self._steps), leanings)
        self._planned = first
        if stretch != 1.0:
            self.retime(stretch)
        return self.next(leanings)

    def retime(self, times: float) -> None:
        """Let the pulse be so many times as long from the next planned stroke on, which stays where it is."""
        place = self._planned[0]
        step, hop = self._pulse[0] * times, self._hop_of(place)
        self._pulse = step, hop - self._shifts[place] - place * step

    def shift(self, hops: int) -> None:
        """Let everything that is still to come be later by so many hops."""
        self._pulse = self._pulse[0], self._pulse[1] + hops

    def next(self, leanings: Leanings = Leanings()) -> Stroke:  # noqa: B008
        """Return the next stroke of the answer, with how long until the one after it."""
        assert self._planned is not None, "next() before begin()"
        self._trim()
        place, kind, level = self._planned
        onset = self._hop_of(place)
        after = self._planned = self._ahead(len(self._steps), leanings)
        return Stroke(onset, kind, level, max(1, self._hop_of(after[0]) - onset))

    def _trim(self) -> None:
        """Forget the older half of the steps when they are many."""
        gone = len(self._steps) // 2
        if len(self._steps) > _MOST_STEPS:
            for values in (self._steps, self._levels, self._shifts):
                del values[:gone]
            step, origin = self._pulse
            self._pulse = step, origin + gone * step
            self._planned = self._planned[0] - gone, *self._planned[1:]

    def _hop_of(self, place: int) -> int:
        step, origin = self._pulse
        return round(origin + place * step + self._shifts[place])

    def _ahead(self, place: int, leanings: Leanings | None) -> tuple[int, int, float]:
        """Go on from step `place` to the next stroke: its step, kind and level."""
        most = max(1, int(LONGEST_HOPS / self._pulse[0]))
        while True:
            kind, level, shift = self._choose(leanings, must=len(self._steps) - place >= most - 1)
            self._add(kind, level, shift)
            if kind != REST:
                return len(self._steps) - 1, kind, level

    def _add(self, kind: int, level: float, shift: float) -> None:
        self._steps.append(kind)
        self._levels.append(level)
        self._shifts.append(shift)

    def _choose(self, leanings: Leanings | None, must: bool = False) -> tuple[int, float, float]:
        """Choose what the next step has: kind or rest, level, shift. `leanings` None: the likeliest, without a chance."""
        steps = np.array(self._steps, np.int64)
        if len(steps) == 0 or (steps == REST).all():
            return 0, -30.0, 0.0
        weight = self._likeness(steps, 1.2 if leanings is None else 2.4 * (1.0 - leanings.novelty) + 0.3)
        votes = np.bincount(steps % (KINDS + 1), weight, KINDS + 1)  # the rest is the last
        votes += _DOUBT / KINDS * (votes > 0)
        if must:
            votes[REST] = 0.0
        with np.errstate(divide="ignore"):
            nats = np.log(votes)
        if leanings is not None:
            noise, _ = chances(self._seed, self._draws, KINDS + 1)
            self._draws += 1
            nats = nats / max(0.05, leanings.temperature) + noise
        kind = int(nats.argmax())
        kind = REST if kind == KINDS else kind
        like = np.flatnonzero(steps == kind)
        said = weight[like] + 1e-9
        level, shift = (float(np.average(np.array(values)[like], weights=said)) for values in (self._levels, self._shifts))
        return kind, level, shift

    def _likeness(self, steps: np.ndarray, sharpness: float) -> np.ndarray:
        """How much each step of the past is the one that comes now, by the steps before both; sums to 1."""
        count = len(steps)
        before = np.full(_LOOK_BACK + count, _BEFORE)
        before[_LOOK_BACK:] = steps
        loud = np.zeros(_LOOK_BACK + count)
        loud[_LOOK_BACK:] = self._levels
        places = np.arange(count)[:, None] + np.arange(_LOOK_BACK)
        past, levels = before[places], loud[places]  # before each step, oldest first
        now, level = before[-_LOOK_BACK:], loud[-_LOOK_BACK:]
        alike = np.where(past == now, _SAME_AS[now], _OTHER_KIND)
        alike -= np.minimum(_ACCENT * np.abs(levels - level), _ACCENT_MOST) * ((past == now) & (now >= 0))
        alike[(past == REST) != (now == REST)] = _STROKE_OR_REST
        alike[(past == _BEFORE) | (now == _BEFORE)] = 0.0
        nats = sharpness * (alike @ _FADES) + _OLD_NATS * np.arange(count, 0, -1)
        weight = np.exp(nats - nats.max())
        return weight / weight.sum()

    def _lay_out(self) -> None:
        """Find the pulse of what was heard, and write the past down on it."""
        hops = np.array([hop for hop, _, _ in self._heard], float)
        step = find_step(hops)
        counts = np.maximum(1, np.round(np.diff(hops) / step)).astype(int)
        longest = max(1, int(LONGEST_HOPS / step))
        places = np.concatenate([[0], np.cumsum(np.minimum(counts, longest))])
        # A line through the last strokes: the tempo they ended in; each one's own line, for what it was off the pulse.
        joined = hops - np.concatenate([[0], np.cumsum(np.where(counts > longest, np.diff(hops) - longest * step, 0.0))])
        step, origin, lines = _lines(places.astype(float), joined - joined[0], step)
        origin, lines = origin + joined[0], lines + joined[0]
        moved = hops[-1] - joined[-1]
        steps, levels, shifts = np.full(places[-1] + 1, REST), np.zeros(places[-1] + 1), np.zeros(places[-1] + 1)
        steps[places] = [kind for _, kind, _ in self._heard]
        levels[places] = [level for _, _, level in self._heard]
        shifts[places] = np.clip(joined - lines, -step / 2, step / 2)
        gone = max(0, len(steps) - _PAST_STEPS)
        past = (values[gone:].tolist() for values in (steps, levels, shifts))
        self._past = *past, (step, float(origin + moved + gone * step))

    def _colour_of(self, onset_hop: int) -> np.ndarray:
        """Colour of a stroke, (_BANDS,), whatever its loudness."""
        latest = max(0, self._hop - 1)
        hops = [min(max(onset_hop + i, latest - _RING_HOPS + 1), latest) % _RING_HOPS for i in range(_LOUD_HOPS)]
        bands = self._ring[hops].max(0).reshape(_BANDS, -1).mean(1)
        bands = np.maximum(bands, bands.max() - _REACH)
        return bands - bands.mean()

    def _sort(self, colour: np.ndarray) -> int:
        """Find the kind that a colour is of; make a new one where none is near."""
        self._number += 1
        far = np.sqrt(((self._centres - colour) ** 2).mean(1))
        known = [kind for kind in range(KINDS) if self._number - self._last[kind] <= _FORGOTTEN]
        nearest = min(known, key=lambda kind: far[kind], default=None)
        free = [kind for kind in range(KINDS) if kind not in known]
        self.fresh = nearest is None or bool(far[nearest] > _FAR and free)
        if self.fresh:
            nearest = free[0]
            self._counts[nearest] = 0.0
        self._counts[nearest] = min(self._counts[nearest] + 1.0, _SETTLED)
        self._centres[nearest] += (colour - self._centres[nearest]) / self._counts[nearest]
        self._last[nearest] = self._number
        return nearest


def find_step(hops: np.ndarray) -> float:
    """The longest step, in hops, that the waits between near onsets are whole numbers of. `hops`: (n,) in order."""
    recent = hops[-32:]
    waits, weights = [], []
    for lag in range(1, min(_LAGS, len(recent) - 1) + 1):
        wait = recent[lag:] - recent[:-lag]
        age = np.arange(len(wait))[::-1]
        near = wait < 2 * LONGEST_HOPS
        waits.append(wait[near])
        weights.append((0.96**age / lag)[near])
    waits, weights = np.concatenate(waits) if waits else np.zeros(0), np.concatenate(weights) if weights else np.zeros(0)
    if len(waits) == 0:
        return _USUAL_STEP
    fits = np.cos(2 * np.pi * waits[None] / _STEPS[:, None]) @ weights / weights.sum()
    # A step longer than every wait explains nothing: it must be at most the shortest usual one.
    fits[_STEPS > 1.15 * np.quantile(recent[1:] - recent[:-1], 0.2)] = -1.0
    good = np.flatnonzero(fits >= _AS_GOOD * fits.max())
    if fits.max() <= 0 or len(good) == 0:
        return _USUAL_STEP
    # The best of the neighbourhood of the longest that is good.
    top = good[-1]
    while top > 0 and fits[top - 1] > fits[top]:
        top -= 1
    return float(_STEPS[top])


def _lines(places: np.ndarray, hops: np.ndarray, step: float) -> tuple[float, float, np.ndarray]:
    """Step and origin of the line through the newest strokes; and at each stroke the line through its own neighbours."""
    if len(places) < 3:
        origin = float(hops[-1] - places[-1] * step)
        return step, origin, origin + places * step
    weights = np.vstack([np.exp(-0.5 * ((places[:, None] - places) / 10.0) ** 2), 0.9 ** np.arange(len(places))[::-1]])
    weights /= weights.sum(1, keepdims=True)
    mean_place, mean_hop = weights @ places, weights @ hops
    spread = weights @ places**2 - mean_place**2
    slopes = (weights @ (places * hops) - mean_place * mean_hop) / np.maximum(spread, 0.5)
    slopes = np.where(spread > 0.5, np.clip(slopes, 0.9 * step, 1.1 * step), step)
    origins = mean_hop - slopes * mean_place
    return float(slopes[-1]), float(origins[-1]), origins[:-1] + slopes[:-1] * places
