"""The streaming codec: a hop of sound to codes, codes to a hop of sound. Model process only, one thread."""
from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..kernels import Voice, ffi, lib, pointer
from .edges import Edges
from .graph import StepGraph
from .timbre import CODEBOOKS, HEARD, LATENT, PITCH_FEATURES, PLANNED, Codebooks, Heard, bands, class_db, loudness_class
from .tokens import HOP

SILENCE_DB = -120.0
_NEPER = math.log(10) / 20  # a decibel, in the logarithms that the network speaks
_BANDS = lib.AP_VOICE_BANDS
_TILT_FROM_HZ, _TILT_OCTAVES = 500.0, 4.0  # brightness turns the spectrum above this frequency, over so many octaves at most
ENCODER = Edges({"features": (1, HEARD)}, {"latent": (1, LATENT)})
DECODER = Edges({"hop": (1, PLANNED), "pitches": (1, 2 * PITCH_FEATURES), "timbre": (2, 2 * LATENT)},
                {"raw": (2, lib.AP_VOICE_RAW)})


class Encoder:
    """Turns hops into codes of timbre and a loudness class. No look-ahead: windows end with the hop.

    The graph is the network alone; what it is told and the search for codes are in C. `codebooks.npy` lies beside it.
    State: the graph's, and the last 2048 - 480 frames heard.
    """

    def __init__(self, place: StepGraph | str | Path):
        self._graph = StepGraph.at(place, ENCODER)
        self._codebooks = Codebooks(self._graph.path.with_name(CODEBOOKS))
        self._heard = Heard(self._graph.inputs["features"])
        self.latent = self._graph.outputs["latent"][0]
        """Latent of the last hop, before codes were found for it, `(32,) float32`; a view."""
        self.coded = self._codebooks.latent
        """What its codes say of it, `(32,) float32`; a view."""
        self.bands = bands(self._graph.inputs["features"])
        """Mel bands of its two control frames, `(2, 80) float32`; a view."""
        self.loudness_db = SILENCE_DB
        """Level of the last hop in dB rms, full scale square 0."""

    def step(self, hop: np.ndarray, pitch: np.ndarray) -> tuple[np.ndarray, int]:
        """Encode a hop `(960,) float32` with its pitch `(2,)` (MIDI semitones per 10 ms, 0 unvoiced).

        Returns codes `(levels,) int64` (a view, valid until the next step) and the loudness class 0..47 (0 silent).
        """
        self.loudness_db = self._heard.step(hop, pitch)
        self._graph.run()
        self._codebooks.encode(self.latent)
        return self._codebooks.codes, loudness_class(self.loudness_db)

    def skip(self, hop: np.ndarray) -> None:
        """Let a hop go by that need not be encoded: the spectra of the hops after it are right, the network has a gap."""
        self._heard.skip(hop)

    def reset(self) -> None:
        """Forget everything heard."""
        self._graph.reset()
        self._heard.reset()

    def state(self) -> dict[str, np.ndarray]:
        """A copy of the State."""
        return {**self._graph.state(), "heard": self._heard.state()}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take a State that `state` returned."""
        self._heard.set_state(state["heard"])
        self._graph.set_state(state)


def colouring(breath_db: float, brightness_db: float) -> np.ndarray | None:
    """What is added to the decoder's numbers for more breath (dB of the noise) and brightness (dB an octave above 500 Hz),
    (AP_VOICE_RAW,) float32; None where nothing is."""
    if breath_db == 0 and brightness_db == 0:
        return None
    # Bands are even on log(1 + f / 500).
    nepers = np.arange(_BANDS) * math.log(1 + 24_000 / 500) / (_BANDS - 1)
    octaves = np.clip(np.log2(np.maximum(500 * np.expm1(nepers), _TILT_FROM_HZ) / _TILT_FROM_HZ), 0, _TILT_OCTAVES)
    raw = np.zeros(lib.AP_VOICE_RAW, np.float32)
    raw[:_BANDS] = raw[-_BANDS:] = brightness_db * octaves * _NEPER
    raw[-_BANDS:] += breath_db * _NEPER
    return raw


class Decoder:
    """Sounds latents: the graph says what 128 harmonics and the noise are like at two control frames a hop, `kernels.Voice`
    makes them. Loudness class 0 is exactly silent.

    State: the graph's and the voice's. A change of level or pitch is a ramp over 10 ms, so no join between hops can click.
    """

    def __init__(self, place: StepGraph | str | Path, seed: int = 0):
        self._graph = StepGraph.at(place, DECODER)
        self._told = [ffi.from_buffer("float *", self._graph.inputs[name]) for name in DECODER.inputs]
        self._voice = Voice(seed)
        self._out = np.zeros(HOP, np.float32)

    def step(self, latent: np.ndarray, loudness: int, pitch: np.ndarray, noise: np.ndarray | None = None,
             colour: np.ndarray | None = None) -> np.ndarray:
        """Sound one hop: latent `(32,) float32`, loudness class, pitch `(2,)` (MIDI semitones per 10 ms, 0 unvoiced), `colouring`.

        Returns `(960,) float32`, a view valid until the next step. `noise (2, 481) complex64`, spectra of 960 frames of
        unit deviation, replaces the generator's.
        """
        level_db, first, last = class_db(loudness), float(pitch[0]), float(pitch[1])
        lib.ap_timbre_planned(pointer(latent, LATENT, "latent"), first, last, level_db, self._voice.level_db, *self._told)
        self._graph.run()
        if colour is not None:
            self._graph.outputs["raw"] += colour
        self._voice.process(self._graph.outputs["raw"], first, last, level_db, loudness > 0, self._out, noise)
        return self._out

    def rest(self) -> None:
        """Return to silence; the noise goes on. Clips begin so in training."""
        self._graph.reset()
        self._voice.reset()

    def reset(self, seed: int = 0) -> None:
        """Return to silence, with the noise of `seed`."""
        self.rest()
        self._voice.seed(seed)

    def state(self) -> dict:
        """A copy of the State."""
        return {**self._graph.state(), "voice": self._voice.state()}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._graph.set_state(state)
        self._voice.set_state(state["voice"])
