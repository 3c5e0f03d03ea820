"""Sounds that tell by how much they were delayed, and what of them was lost: numbered frames, and a chirp for what is resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAD_IN = 64
"""Frames at the begin of a numbered signal that do not count: the probe fades its first one in."""
STAYS = 32
"""Frames at a level that are no crossing of it."""
STEADY = 1e-6
"""Two frames that differ by less are alike."""


def marked(frames: int) -> np.ndarray:
    """A signal that tells which of its frames is which: frame n is (n + 1) * 2**-23, exact in float32 and in the 24 bits that the
    model hears."""
    return ((np.arange(frames) + 1) * 2.0**-23).astype(np.float32)


def frame_numbers(sound: np.ndarray) -> np.ndarray:
    """The number that each frame of a marked signal was given, -1 for silence, -2 for anything else."""
    numbers = np.rint(sound.astype(np.float64) * 2**23).astype(np.int64) - 1
    exact = ((numbers + 1) * 2.0**-23).astype(np.float32) == sound
    return np.where(exact, numbers, -2)


def delays(heard: np.ndarray) -> tuple[int, float]:
    """The delay that most frames of a marked signal had, and the share of all heard frames that had it."""
    numbers = frame_numbers(heard)
    there = np.flatnonzero(numbers >= 0)
    if not len(there):
        return -1, 0.0
    found, counts = np.unique(there - numbers[there], return_counts=True)
    return int(found[counts.argmax()]), float(counts.max() / len(there))


@dataclass(frozen=True)
class Damage:
    """What became of a marked signal on the way, in frames; `breaks`: how often a frame was not followed by the next one."""

    lost: int
    repeated: int
    silent: int
    """Silence between the first frame that was heard and the last."""
    breaks: int

    @property
    def frames(self) -> int:
        """Lost, or put in; what stands in the place of a lost frame counts once."""
        return max(self.lost, self.silent + self.repeated)


def damage(heard: np.ndarray, frames: int) -> Damage:
    """Compare what was heard of a marked signal of so many frames; `heard` has room for the delay."""
    numbers = frame_numbers(heard)
    places = np.flatnonzero((numbers >= LEAD_IN) & (numbers < frames))
    if not len(places):
        return Damage(frames - LEAD_IN, 0, 0, 1)
    there, between = numbers[places], numbers[places[0] : places[-1] + 1]
    distinct = len(np.unique(there))
    silent = int(np.sum(between == -1))
    return Damage(frames - LEAD_IN - distinct, len(there) - distinct, silent, int(np.sum(np.diff(there) != 1)))


def chirp(frames: int, samplerate: int) -> np.ndarray:
    """A sine that rises from 200 Hz to 6 kHz, (frames,) float32, faded at both ends."""
    t = np.arange(frames) / samplerate
    edge = np.minimum(1.0, np.minimum(t, t[::-1]) / 0.01)
    return (0.4 * edge * np.sin(2 * np.pi * (200 + 2900 * t / t[-1]) * t)).astype(np.float32)


def lag(played: np.ndarray, heard: np.ndarray) -> float:
    """The delay of `heard` against `played` in frames, to a fraction: the peak of their cross-correlation, of either sign.

    Whether it is there at all is for `alike` to say: of noise there is a peak too. Of silence it is 0.
    """
    size = 1 << (len(played) + len(heard)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    found = np.abs(np.fft.irfft(product, size))
    peak = int(found[: len(heard)].argmax())
    before, at, after = found[peak - 1], found[peak], found[peak + 1]
    bent = before - 2 * at + after
    return float(peak + 0.5 * (before - after) / bent) if bent else float(peak)


def alike(played: np.ndarray, heard: np.ndarray, frames: float) -> float:
    """How much of `heard` is `played`, `frames` later: their correlation there, 1 all of it, 0 none, -1 turned over."""
    begin = round(frames)
    piece = heard[begin : begin + len(played)].astype(np.float64)
    mine = played[: len(piece)].astype(np.float64)
    size = float(np.linalg.norm(mine) * np.linalg.norm(piece))
    return float(np.dot(mine, piece) / size) if size else 0.0


def first_change(heard: np.ndarray, begin: int, end: int, level: float) -> int | None:
    """The first frame of the change by which heard[begin:end] comes to a level and stays; None where it never comes there.

    Of a step it is that frame, of a ramp its first: a ramp goes on from frame to frame, and before it two frames are alike. So a
    dropout just before is no part of it.
    """
    if end - begin < STAYS:
        return None
    there = np.abs(heard[begin:end].astype(np.float64) - level) < 0.005 * level
    stays = np.convolve(there, np.ones(STAYS), "valid") == STAYS
    if not stays.any() or stays[0]:  # there before: no change
        return None
    at = begin + int(stays.argmax())
    while at > begin + 1 and abs(float(heard[at - 1]) - float(heard[at - 2])) > STEADY:
        at -= 1
    return at
