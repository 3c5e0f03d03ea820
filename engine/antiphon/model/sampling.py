"""Chances of the next note: noise from a seed, and what leans on the note model's own opinion.

Everything here is nats added to logits. The network samples inside its graph from this noise and these leanings, so the
same seed and the same sound give the same answer, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from . import score
from .pitches import Pitches

NEVER = -60.0  # nats; with a tail of TAIL nats such a class can't be chosen
TAIL = 5.0  # a class this many nats below the best is never chosen
ROUNDING = 1e-5  # of a probability of 1, as the graph has it
LONGEST_LOOP_S = 3.2  # an exact repetition is broken before it lasts this long; heard from outside it may seem a note longer
LOOP_LAGS = 64
SAME_HOPS = 3  # waits no further apart than these 60 ms are one rhythm to the ear
BREATH_AFTER_S = 2.0, 3.5, 5.0  # least, where nothing is known, and most that a phrase lasts without one
LONGEST_USUAL = 100  # hops; longer waits are pauses, not pace
PACE_GRIP = 5.0
BREATH_HOPS = 16  # a rest of this length counts as a breath
THEIRS = 2.0  # nats for the match model's opinion, at novelty 0.5, where there are notes of the performer's to match
FAR, FAR_NATS = 5, 2.0  # semitones outside the register from which on it is far, and nats for their square: motifs climb out of it
PULLED = 12  # semitones beyond the middle of the register to which a line that has drifted is pulled
HABIT_GRIP = 0.7  # of the performer's own note values
HABIT_WIDTH = 0.12  # in the logarithm of a wait: how far two of one kind may lie apart
HABIT_DOUBT = 0.02
SAME_FREE, SAME_NATS = 3, 0.5  # waits alike in a row before it is said to be too many, and what each further one costs


@dataclass(frozen=True, slots=True)
class Leanings:
    """What the player's controls ask of the note model; the names are rows of the parameter table."""

    temperature: float = 0.9
    top_p: float = 1.0
    register_grip: float = 0.5
    novelty: float = 0.5
    density: float = 1.0
    phrase_length: float = 0.0

    def sharpness(self) -> tuple[float, float]:
        """Inverse temperature of timing and of pitch.

        Timing is not cooled below pitch: its bins are fine, so cooling favours the one steady pulse over all other
        note values together, and the answer plods.
        """
        temperature = max(0.05, self.temperature)
        return 1.0 / (0.92 * temperature), 1.0 / temperature

    def match_nats(self, length: int, heard: bool) -> tuple[float, float]:
        """Nats added to the match model's opinion of timing and pitch, by how many intervals matched, and whether any note of the
        performer's is in reach: those are matched first.

        A single interval heard before is no motif: unless motifs are asked for, the lean holds from two on.
        """
        lean = 5.0 * (0.5 - self.novelty) + (2 * THEIRS * (1 - self.novelty) if heard else 0.0)
        if length < 2:
            return 0.0, max(0.0, 0.5 * lean)
        return 0.6 * lean + 0.5, lean + 1.0


def chances(seed: int, draw: int, size: int) -> tuple[np.ndarray, float]:
    """Return the chances of one draw: Gumbel noise, (size,) float32, and a number in [0, 1).

    Counter-based (Philox, Salmon et al. 2011): any draw can be made again alone, and a State needs only its number.
    """
    generator = np.random.Generator(np.random.Philox(key=[seed, 0x616E7470], counter=[0, 0, 0, draw]))
    uniform = generator.random(size + 1, dtype=np.float32)
    return -np.log(-np.log(np.clip(uniform[1:], 1e-7, 1 - 1e-7))), float(uniform[0])


def chosen(wanted: np.ndarray, noise: np.ndarray, top_p: float) -> int:
    """The class that the note model's graph would choose, of its logits with all that leans on them and noise, (classes,) each."""
    falling = np.sort(wanted)[::-1]
    odds = np.exp(falling - falling[0])
    rest = np.cumsum(odds[::-1])[::-1] / odds.sum()  # of a class and all that is less likely
    last = int(np.flatnonzero(rest + top_p >= 1.0 - ROUNDING)[-1])
    floor = max(float(falling[0]) - TAIL, float(falling[last]))
    return int(np.where(wanted >= floor, wanted - floor + noise, -np.inf).argmax())


def pitch_leaning(pitches: Pitches, anchor: int, leanings: Leanings, recent: np.ndarray) -> np.ndarray:
    """Nats for each note class, (NOTES,): register, and a pull back when the last notes have drifted away.

    ``anchor``: semitone in the middle of the performer's register; ``recent``: (n,) semitones of the instrument's own last
    notes, both as the note model writes them. Scale, chord and bounds are `Pitches.nats`, to be added last.
    """
    semitone = score.NOTE_LO + np.arange(score.NOTES)
    low, high = pitches.heard_register
    outside = np.maximum(0.0, np.maximum(low - semitone, semitone - high))
    nats = -leanings.register_grip * (1.2 * outside + FAR_NATS * np.square(np.maximum(0.0, outside - FAR)))
    if len(recent) >= 4:
        drift = float(np.mean(recent)) - anchor
        excess = np.sign(drift) * max(0.0, abs(drift) - 2.0)
        away = np.clip((semitone - anchor) * np.sign(drift), -PULLED, None) * np.sign(drift)  # back, and not beyond
        nats -= leanings.register_grip * 0.12 * excess * away
    return nats + monotony_leaning(recent)


def monotony_leaning(recent: np.ndarray) -> np.ndarray:
    """Nats against one note again and again, (NOTES,): a note model left alone is drawn into its own repetitions."""
    nats = np.zeros(score.NOTES)
    last = recent[-8:] - score.NOTE_LO
    run = 0
    while run < len(last) and last[-1 - run] == last[-1]:
        run += 1
    if run > 1:
        nats[last[-1]] -= 1.2 * (run - 1)
    for pitch in np.unique(last):
        nats[pitch] -= 0.35 * max(0, np.count_nonzero(last == pitch) - 2)
    return nats


_WAITS = np.concatenate([score.IOI_CENTRE, np.full(9, -1e6)])  # by bin; what was never played is like nothing


class Guarding(Protocol):
    """Who says which notes an answer must not play: `provenance.guard.Guard`, or nobody."""

    def forbidden(self, pitches: Sequence[int], iois: Sequence[int], theirs: Sequence[bool], allowed: np.ndarray) -> Sequence[int]:
        """Classes that the next note must not be, by what the line has been; never all that are allowed."""

    def hit(self, note_class: int) -> None:
        """One of these would have been chosen."""


class LoopBrake:
    """Notices an exact repetition (pitch and rhythm) at any lag up to 64 notes, and leans against going on with it."""

    def __init__(self):
        self.reset()

    def reset(self) -> None:
        """Forget all notes."""
        self.pitch = np.full(2 * LOOP_LAGS + 1, -1, np.int64)
        self.ioi = np.full(2 * LOOP_LAGS + 1, -9, np.int64)  # bin of the wait *before* each note
        self.agree_hops = np.zeros(LOOP_LAGS + 1)

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: getattr(self, name).copy() for name in ("pitch", "ioi", "agree_hops")}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name, value in state.items():
            getattr(self, name)[:] = value

    def rest(self) -> None:
        """A new phrase begins: what is repeated from the performer's phrase starts to count now."""
        self.agree_hops[:] = 0

    def take(self, pitch: int, wait_hops: int) -> None:
        """Take a note of class ``pitch`` that came ``wait_hops`` after the one before."""
        self.pitch[:-1], self.ioi[:-1] = self.pitch[1:], self.ioi[1:]
        self.pitch[-1], self.ioi[-1] = pitch, score.ioi_bin(wait_hops)
        lags = np.arange(1, LOOP_LAGS + 1)
        before = len(self.pitch) - 1 - lags
        bins, hops = self.ioi[before] - self.ioi[-1], _WAITS[self.ioi[before]] - _WAITS[self.ioi[-1]]
        alike = (np.abs(bins) <= 1) | (np.abs(hops) <= SAME_HOPS)
        same = (self.pitch[before] == pitch) & alike
        self.agree_hops[1:] = np.where(same, self.agree_hops[1:] + wait_hops, 0)

    def leaning(self) -> np.ndarray:
        """Nats for each class of the next pitch, (NOTES,)."""
        nats = np.zeros(score.NOTES)
        for lag in np.flatnonzero(self.agree_hops > 0):
            place = len(self.pitch) - lag  # where the repetition would go on
            if lag == 0 or self.pitch[place] < 0:
                continue
            would_last_s = (self.agree_hops[lag] + score.IOI_CENTRE[max(0, self.ioi[place])]) * score.HOP_S
            pull = NEVER if would_last_s > LONGEST_LOOP_S else -1.5 * max(0.0, would_last_s - 2.0)
            nats[self.pitch[place]] = min(nats[self.pitch[place]], pull)
        return nats


def pace_leaning(heard_hops: list[int], own_hops: list[int]) -> np.ndarray:
    """Nats for the wait, (IOIS,): a pull back when the answer has become much quicker or slower than the performer.

    Both are waits between onsets, newest last. Transcribed glides make a prompt look busier than it was; left alone,
    the note model takes that for the tempo.
    """
    if not heard_hops:
        return np.zeros(score.IOIS)
    usual = float(np.mean(np.minimum(heard_hops, LONGEST_USUAL)))
    mine = (4 * usual + sum(min(hops, LONGEST_USUAL) for hops in own_hops)) / (4 + len(own_hops))
    error = np.log(mine / usual)
    excess = np.sign(error) * max(0.0, abs(error) - 0.1)
    return -PACE_GRIP * excess * np.log(score.IOI_CENTRE / usual)


_LOG_CENTRE = np.log(score.IOI_CENTRE)


def habit_leaning(heard_hops: list[int], own_hops: list[int]) -> np.ndarray:
    """Nats for the wait, (IOIS,): towards the note values that the performer used, and away from one of them again and again.

    Both are waits between onsets, newest last. Left alone the note model falls into a steady pulse, which is the likeliest
    course of any melody and nobody's rhythm. How long a run may be is learned from the performer too.
    """
    if len(heard_hops) < 3:
        return np.zeros(score.IOIS)
    heard = np.log(np.minimum(heard_hops, LONGEST_USUAL))
    near = np.exp(-0.5 * np.square((_LOG_CENTRE[:, None] - heard) / HABIT_WIDTH)).mean(1)
    nats = HABIT_GRIP * np.log((near + HABIT_DOUBT) / (near.max() + HABIT_DOUBT))
    run = _run(own_hops)
    allowed = max(SAME_FREE, max((_run(heard_hops[: n + 1]) for n in range(len(heard_hops))), default=0) + 1)
    if run > allowed:
        alike = np.abs(_LOG_CENTRE - np.log(own_hops[-1])) < HABIT_WIDTH
        nats -= SAME_NATS * (run - allowed) * alike
    return nats


def _run(hops: list[int]) -> int:
    """How many of the newest waits are alike."""
    run = 0
    while run < len(hops) and abs(np.log(hops[-1 - run] / hops[-1])) < HABIT_WIDTH:
        run += 1
    return run


_REST_HOPS = score.IOI_CENTRE[:, None] * (1.0 - score.ARTICULATION[None, :])
_IS_BREATH = ((_REST_HOPS >= BREATH_HOPS) & (_REST_HOPS <= 70)).astype(np.float64)
_TOO_LONG = np.clip((_REST_HOPS - 70) / 20.0, 0.0, 6.0)


def breath_leaning(since_breath_s: float, usual_hops: float, phrase_s: float, asked: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Nats for the wait, (IOIS,), and for the articulation at each wait, (IOIS, ARTICULATIONS).

    ``usual_hops``: the usual wait of this line; a phrase ends on a longer one. ``phrase_s``: how long the performer goes on
    without a breath, or how long the player asked for: then breaths before that are discouraged too. Players of everything that
    is blown or sung breathe; after that long without a rest a breath grows likely, and then certain. Very long rests are discouraged: a listener takes them for the end.
    """
    slope, least, most = (16.0, -6.0, 24.0) if asked else (4.0, 0.0, 12.0)
    want = float(np.clip(slope * (since_breath_s - phrase_s), least, most))
    longer = (score.IOI_CENTRE >= 2 * BREATH_HOPS) & (score.IOI_CENTRE >= 1.4 * usual_hops) & (score.IOI_CENTRE <= 110)
    ioi = want * longer - np.clip((score.IOI_CENTRE - 110) / 30.0, 0.0, 8.0)
    return ioi, want * _IS_BREATH - _TOO_LONG
