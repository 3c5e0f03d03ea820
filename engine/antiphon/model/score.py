"""Tables of the note language: how notes are written as small integers.

A note is (pitch class index, inter-onset bin, articulation bin). All of it is plain NumPy so that the trainer and the
live instrument read the very same tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .tokens import HOP, MODEL_RATE, NOTE_LO, NOTES, REST  # noqa: F401  (the note language's own constants)

HOP_S = HOP / MODEL_RATE


@dataclass(frozen=True, slots=True)
class Note:
    """A note, heard or planned. ``pitch`` is in MIDI semitones with cents, 0.0 for a stroke, which has none; times are in hops."""

    onset_hop: int
    pitch: float
    sounding_hops: int
    loudness_db: float = 0.0
    wait_hops: int = 0  # planned notes only: hops from this onset to the next


WINDOW = 128  # earlier notes that a note can attend to
LONGEST_IOI = 330  # hops; a longer wait is written as this one


def _inter_onset_edges() -> np.ndarray:
    """Bin edges in hops: every hop up to 400 ms, then 6 % wide."""
    edges = list(range(2, 21))
    while edges[-1] < LONGEST_IOI:
        edges.append(max(edges[-1] + 1, int(round(edges[-1] * 1.06))))
    return np.array(edges)


IOI_EDGES = _inter_onset_edges()
IOIS = len(IOI_EDGES) - 1
IOI_WIDTH = np.diff(IOI_EDGES)
IOI_CENTRE = (IOI_EDGES[:-1] + IOI_EDGES[1:] - 1) / 2.0
NO_IOI = IOIS  # first note of all, or: the match model has no opinion

# Articulation: the share of the inter-onset time that sounds.
ARTICULATION_EDGES = np.array([0.2, 0.35, 0.5, 0.62, 0.74, 0.86, 0.95])
ARTICULATION = np.array([0.13, 0.28, 0.43, 0.56, 0.68, 0.8, 0.91, 1.0])
ARTICULATIONS = len(ARTICULATION)
NO_ARTICULATION = ARTICULATIONS

LEAP = 24  # intervals and register distances are clipped to +-LEAP semitones
INTERVALS = 2 * LEAP + 2
NO_INTERVAL = 2 * LEAP + 1
LONGEST_MATCH = 8


def ioi_bin(hops):
    """Bin of an inter-onset time in hops (scalar or array)."""
    clipped = np.clip(hops, IOI_EDGES[0], IOI_EDGES[-1] - 1)
    return np.searchsorted(IOI_EDGES, clipped, side="right") - 1


def articulation_bin(sounding_hops, ioi_hops):
    """Bin of the sounding share of an inter-onset time."""
    share = np.clip(np.asarray(sounding_hops) / np.maximum(ioi_hops, 1), 0.0, 1.0)
    return np.searchsorted(ARTICULATION_EDGES, share)


def interval_index(semitones):
    """Index of an interval, clipped to +-LEAP."""
    return np.clip(semitones, -LEAP, LEAP) + LEAP


def token(pitch, interval, register, ioi_before, articulation_before, found) -> tuple:
    """A note as the note model's graph takes it, nine integers: its own five, the three of `match.longest_suffix`, and the
    pitch class that the match model names, NOTES where it names none."""
    named = pitch + found[0] - LEAP
    known = found[0] < NO_INTERVAL and 0 <= named < NOTES
    return (pitch, interval, register, ioi_before, articulation_before, *found, named if known else NOTES)


def angle_rates(pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotation rates of the attention heads, radians per note and radians per hop, each ``(pairs,)``."""
    k = np.arange(pairs) / pairs
    return 0.5 * np.pi * (1 / 128) ** k, np.pi / 3 * (1 / 400) ** k


def turns(number: float, hop: float, heads: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and signed sines that turn queries and keys, both (2 * heads, 1, size): x * cos + halves exchanged * sin.

    The first half of the heads turns by the note's ``number``, the second by its onset in hops.
    """
    by_note, by_time = angle_rates(size // 2)
    angle = np.stack(([number * by_note] * (heads // 2) + [hop * by_time] * (heads - heads // 2)) * 2)[:, None]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.concatenate([cos, cos], -1), np.concatenate([-sin, sin], -1)
