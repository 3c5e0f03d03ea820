"""What a benchmark gives the instrument to hear."""

from __future__ import annotations

import numpy as np

from antiphon.audio.phrase import hummed_phrase
from antiphon.audiofile import read
from antiphon.kernels import Resampler


def phrase(path: str | None, samplerate: int) -> np.ndarray:
    """A sound file's first channel, or the built-in hummed phrase: (frames,) float32 at `samplerate`."""
    if path is None:
        return hummed_phrase(samplerate)[:, 0]
    file = read(path)
    return Resampler(file.samplerate, samplerate).process(np.ascontiguousarray(file.sound[:, 0])).copy()
