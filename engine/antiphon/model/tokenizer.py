"""The frame tokenizer: what does each hop of the microphone sound like?

``FrontEnd`` turns sound into two log-frequency spectra a hop: a long window for low notes and fine pitch, a short one
for onsets. Both windows fall steeply at their new end, so that the latest milliseconds count.
``Tokenizer`` runs the trained network on them, one hop at a time.

Pitch, voicing and loudness are of the hop just heard. Note and onset are of the hop before it: LOOK_AHEAD_HOPS = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .graph import StepGraph
from .tokens import HOP, MODEL_RATE, NOTE_LO, NOTES

BINS_PER_NOTE = 3
PITCHES = NOTES * BINS_PER_NOTE  # fine pitch classes; class PITCHES means unvoiced
BIN_PITCH = NOTE_LO + np.arange(PITCHES) / BINS_PER_NOTE
LOWEST_BIN = NOTE_LO - 12  # MIDI note of the spectra's first bin: the octave below, for the subharmonic
SPECTRUM = 108 * BINS_PER_NOTE  # bins, 27.5 Hz .. 14 kHz
LOOK_AHEAD_HOPS = 1
QUIET_DB = -75.0  # below this nothing is heard
FLOOR = 1e-5

_LONG, _LONG_FALL = 4096, 640
_SHORT, _SHORT_FALL = 2048, 320


class _Spectrum:
    """Asymmetric window, FFT of twice its length, triangular bins on a log-frequency axis."""

    def __init__(self, size: int, fall: int):
        rise = size - fall
        up = np.sin(np.pi / 2 * (np.arange(rise) + 0.5) / rise) ** 2
        down = np.cos(np.pi / 2 * (np.arange(fall) + 0.5) / fall) ** 2
        window = np.concatenate([up, down])
        self.size, self.points = size, 2 * size
        self.window = (2 * window / window.sum()).astype(np.float32)
        frequency = np.arange(size + 1) * MODEL_RATE / self.points
        centre = 440.0 * 2.0 ** ((LOWEST_BIN + np.arange(SPECTRUM) / BINS_PER_NOTE - 69) / 12)
        reach = np.maximum(centre * (2 ** (1 / 12 / BINS_PER_NOTE) - 1), MODEL_RATE / self.points)
        lines, weights, starts = [], [], []
        for f, bandwidth in zip(centre, reach, strict=False):
            triangle = np.maximum(0.0, 1.0 - np.abs(frequency - f) / bandwidth)
            inside = np.flatnonzero(triangle)
            starts.append(sum(map(len, lines)))
            lines.append(inside)
            weights.append(triangle[inside] / triangle[inside].sum())
        self.lines, self.starts = np.concatenate(lines), np.array(starts)
        self.weights = np.concatenate(weights).astype(np.float32)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """(..., size) float32 -> (..., SPECTRUM) float32, natural log of amplitude."""
        magnitude = np.abs(np.fft.rfft(frames * self.window, n=self.points, axis=-1)).astype(np.float32)
        return np.log(np.add.reduceat(magnitude[..., self.lines] * self.weights, self.starts, axis=-1) + np.float32(FLOOR))


class FrontEnd:
    """Log-frequency spectra of hops. The trainer and the live instrument run this same code.

    ``spectra(sound)`` for a whole recording equals ``step`` hop by hop, bit for bit.
    """

    def __init__(self):
        self._long, self._short = _Spectrum(_LONG, _LONG_FALL), _Spectrum(_SHORT, _SHORT_FALL)
        self._past = np.zeros(_LONG, np.float32)

    def reset(self) -> None:
        """Forget all sound."""
        self._past[:] = 0

    def state(self) -> np.ndarray:
        """Return a copy of the remembered sound, (4096,) float32."""
        return self._past.copy()

    def set_state(self, state: np.ndarray) -> None:
        """Take what `state` returned."""
        self._past[:] = state

    def step(self, hop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take (960,) float32, return the long and the short spectrum, each (SPECTRUM,) float32. About 0.2 ms."""
        self._past[:-HOP] = self._past[HOP:]
        self._past[-HOP:] = hop
        return self._long(self._past), self._short(self._past[-_SHORT:])

    def spectra(self, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take (frames,) float32 of whole hops, return both spectra, each (hops, SPECTRUM)."""
        padded = np.concatenate([np.zeros(_LONG - HOP, np.float32), sound])
        windows = np.lib.stride_tricks.sliding_window_view(padded, _LONG)[::HOP]
        return self._long(windows), self._short(windows[:, -_SHORT:])


@dataclass(slots=True)
class Frame:
    """What one hop sounded like. ``note_post`` and ``onset`` are of the hop before (LOOK_AHEAD_HOPS)."""

    pitch: float  # MIDI semitones, 0.0 when unvoiced
    voiced: bool
    onset: float  # probability that a note began
    loudness_db: float  # RMS, dB of full scale
    note_post: np.ndarray  # (NOTES + 1,) probabilities, the last is rest
    pitch_post: np.ndarray  # (PITCHES + 1,) probabilities, the last is unvoiced


class Tokenizer:
    """Hear one hop at a time. Model process only; about 0.5 ms a hop."""

    def __init__(self, path: str | Path):
        self._graph = StepGraph(path)
        self._front = FrontEnd()

    def reset(self) -> None:
        """Forget everything heard."""
        self._front.reset()
        self._graph.reset()

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {"past": self._front.state(), "graph": self._graph.state()}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self._front.set_state(state["past"])
        self._graph.set_state(state["graph"])

    def step(self, hop: np.ndarray) -> Frame:
        """Hear (960,) float32 at 48 kHz and say what it is."""
        graph = self._graph
        graph.inputs["long"][0], graph.inputs["short"][0] = self._front.step(hop)
        graph.run()
        loudness_db = 10.0 * float(np.log10(np.dot(hop, hop) / HOP + 1e-12))
        pitch_post = graph.outputs["pitch_post"][0].copy()
        pitch = read_pitch(pitch_post) if loudness_db > QUIET_DB else 0.0
        return Frame(
            pitch,
            pitch > 0,
            float(graph.outputs["onset"][0]),
            loudness_db,
            graph.outputs["note_post"][0].copy(),
            pitch_post,
        )


def read_pitch(post: np.ndarray) -> float:
    """Read a pitch from (PITCHES + 1,) probabilities: mean over the bins around the best, 0.0 when unvoiced wins."""
    if post[PITCHES] > 0.5:
        return 0.0
    best = int(post[:PITCHES].argmax())
    low, high = max(0, best - 2), min(PITCHES, best + 3)
    weights = post[low:high]
    return float(np.dot(weights, BIN_PITCH[low:high]) / weights.sum())
