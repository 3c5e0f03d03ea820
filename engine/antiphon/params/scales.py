"""Scales by name, in cents above the tonic; facts, the same for the table of controls, the model and the words.

Western modes are in equal temperament. Maqamat are in quarter tones as they are written down, thaats in the just ratios
of their usual tuning. Slendro is five equal steps; pelog is one usual reading of it: every gamelan has its own, which
`scale_cents` takes.
"""

from __future__ import annotations

SCALES: dict[str, tuple[float, ...]] = {
    "major": (0, 200, 400, 500, 700, 900, 1100),
    "minor": (0, 200, 300, 500, 700, 800, 1000),
    "harmonic-minor": (0, 200, 300, 500, 700, 800, 1100),
    "melodic-minor": (0, 200, 300, 500, 700, 900, 1100),
    "dorian": (0, 200, 300, 500, 700, 900, 1000),
    "phrygian": (0, 100, 300, 500, 700, 800, 1000),
    "lydian": (0, 200, 400, 600, 700, 900, 1100),
    "mixolydian": (0, 200, 400, 500, 700, 900, 1000),
    "locrian": (0, 100, 300, 500, 600, 800, 1000),
    "pentatonic": (0, 200, 400, 700, 900),
    "minor-pentatonic": (0, 300, 500, 700, 1000),
    "blues": (0, 300, 500, 600, 700, 1000),
    "whole-tone": (0, 200, 400, 600, 800, 1000),
    "octatonic": (0, 200, 300, 500, 600, 800, 900, 1100),
    "chromatic": tuple(range(0, 1200, 100)),
    "rast": (0, 200, 350, 500, 700, 900, 1050),
    "bayati": (0, 150, 300, 500, 700, 800, 1000),
    "hijaz": (0, 100, 400, 500, 700, 800, 1000),
    "saba": (0, 150, 300, 400, 700, 800, 1000),
    "bhairav": (0, 112, 386, 498, 702, 814, 1088),
    "yaman": (0, 204, 386, 590, 702, 906, 1088),
    "pelog": (0, 120, 270, 540, 675, 785, 950),
    "slendro": (0, 240, 480, 720, 960),
}
MOST_STEPS = 12
"""Of a scale: the note model thinks in the twelve semitones of an octave, and each step takes the place of one of them."""
