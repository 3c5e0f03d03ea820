"""The streaming codec: a hop of sound to codes, codes to a hop of sound. Model process only, one thread."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from ..kernels import Bank
from .graph import StepGraph
from .tokens import HOP, MODEL_RATE

FRAME = HOP // 2
WINDOW, SHORT_WINDOW = 2048, 512
SILENCE_DB = -120.0
JUMP = 2.0 ** (1.5 / 12)
"""A change of frequency beyond this ratio is a new note and not a glide, as in training."""


class Encoder:
    """Turns hops into codes of timbre and a loudness class. No look-ahead: windows end with the hop.

    State: the graph's, and the last `WINDOW - FRAME` frames heard.
    """

    def __init__(self, path: str | Path):
        self._graph = StepGraph(path)
        self._heard = np.zeros(WINDOW - FRAME + HOP, np.float32)
        # Full scale 1 gives a peak of one half in the magnitudes, whatever the window: as in training.
        self._shapes = {w: _hann(w) / _hann(w).sum() for w in (WINDOW, SHORT_WINDOW)}
        self.latent = self._graph.outputs["latent"]
        """Quantised latent of the last hop, `(32,) float32`; a view."""
        self.loudness_db = SILENCE_DB
        """Level of the last hop in dB rms, full scale square 0."""

    def step(self, hop: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, int]:
        """Encode a hop `(960,) float32` with its pitch `(2,)` (MIDI semitones per 10 ms, 0 unvoiced).

        Returns codes `(levels,) int64` (a view, valid until the next step) and the loudness class 0..47 (0 silent).
        """
        self.skip(hop)
        inputs = self._graph.inputs
        for name, window in (("spectrum", WINDOW), ("short", SHORT_WINDOW)):
            for frame in range(2):
                end = len(self._heard) - FRAME * (1 - frame)
                inputs[name][frame] = np.abs(np.fft.rfft(self._heard[end - window:end] * self._shapes[window]))
        self.loudness_db = float(10 * np.log10(np.mean(np.square(hop, dtype=np.float64)) + 1e-12))
        inputs["loudness_db"][0] = self.loudness_db
        inputs["pitch"][:] = pitch
        self._graph.run()
        return self._graph.outputs["codes"], int(self._graph.outputs["loudness"][0])

    def skip(self, hop: np.ndarray) -> None:
        """Let a hop go by that need not be encoded: the spectra of the hops after it are right, the network has a gap."""
        self._heard[:-HOP] = self._heard[HOP:]
        self._heard[-HOP:] = hop

    def reset(self) -> None:
        """Forget everything heard."""
        self._graph.reset()
        self._heard[:] = 0

    def state(self) -> dict[str, np.ndarray]:
        """A copy of the State."""
        return {**self._graph.state(), "heard": self._heard.copy()}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take a State that `state` returned."""
        self._heard[:] = state["heard"]
        self._graph.set_state(state)


class Decoder:
    """Sounds codes: the graph gives the amplitudes of 128 harmonics and the shape of the noise at two control frames a
    hop; the bank (C) and the noise are made here. Loudness class 0 is exactly silent.

    State: the graph's, the bank's phase and amplitudes, the tail of the last noise window and the noise generator. A change of level or pitch is a ramp over 10 ms, so no join between hops can click.
    """

    def __init__(self, path: str | Path, seed: int = 0):
        self._graph = StepGraph(path)
        self._window = np.sin((np.arange(2 * FRAME) + 0.5) * (np.pi / (2 * FRAME))).astype(np.float32)
        self._tail = np.zeros(FRAME, np.float32)
        self._bank = Bank(MODEL_RATE, JUMP)
        self._out = np.zeros(HOP, np.float32)
        self._random = np.random.Generator(np.random.PCG64(seed))

    def step(self, codes: np.ndarray, loudness: int, pitch: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
        """Sound one hop: codes `(levels,)`, loudness class, pitch `(2,)` (MIDI semitones per 10 ms, 0 unvoiced).

        Returns `(960,) float32`, a view valid until the next step. `noise (2, 960)` of unit deviation replaces the generator's.
        """
        inputs = self._graph.inputs
        inputs["codes"][:] = codes
        inputs["loudness"][0] = loudness
        inputs["pitch"][:] = pitch
        self._graph.run()
        if noise is None:
            noise = self._random.standard_normal((2, 2 * FRAME), np.float32)
        pieces = np.fft.irfft(np.fft.rfft(noise) * self._graph.outputs["noise"], n=2 * FRAME) * self._window
        for frame in range(2):
            hertz = 440.0 * 2.0 ** ((float(pitch[frame]) - 69.0) / 12.0) if pitch[frame] > 0 else 0.0
            self._bank.process(hertz, self._graph.outputs["levels"][frame], self._out[frame * FRAME : (frame + 1) * FRAME])
        self._out[:FRAME] += self._tail + pieces[0, :FRAME]
        self._out[FRAME:] += pieces[0, FRAME:] + pieces[1, :FRAME]
        self._tail[:] = pieces[1, FRAME:]
        return self._out

    def rest(self) -> None:
        """Return to silence; the noise goes on. Clips begin so in training."""
        self._graph.reset()
        self._bank.reset()
        self._tail[:] = 0

    def reset(self, seed: int = 0) -> None:
        """Return to silence, with the noise of `seed`."""
        self.rest()
        self._random = np.random.Generator(np.random.PCG64(seed))

    def state(self) -> dict:
        """A copy of the State."""
        return {**self._graph.state(), "bank": self._bank.state(), "tail": self._tail.copy(), "random": self._random.bit_generator.state}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._graph.set_state(state)
        self._bank.set_state(state["bank"])
        self._tail[:] = state["tail"]
        self._random.bit_generator.state = state["random"]


def _hann(count: int) -> np.ndarray:
    """Periodic Hann window, as torch makes it."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)).astype(np.float32)
