"""Constants and shapes that every stage of the model shares.

The hierarchy follows AudioLM (Borsos et al. 2022): semantic tokens (here: notes, so that a musician can steer them),
acoustic tokens (loudness, fine pitch and residual-VQ timbre codes, one set a hop), then a streaming decoder.
"""

from ..latency import HOP, MODEL_RATE  # noqa: F401  (named here for every stage of the model)

NOTE_LO = 33
"""Lowest note the note model can name, as a MIDI note number (55 Hz)."""

NOTES = 76
"""Number of notes: `NOTE_LO` .. `NOTE_LO + NOTES - 1` (108, a high whistle). Class `NOTES` is the rest."""

REST = NOTES
"""Class index of 'no note sounds'."""

STROKE = NOTES + 1
"""Class index of a stroke: a tap, a clap, a beatboxed drum; sound without a pitch that begins at once and dies away."""
