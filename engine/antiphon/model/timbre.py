"""What the codec's networks are told and what they are asked: bands, classes of loudness, codebooks, features of a hop.

Shared by the trainer and the instrument. The features are computed in C (ap_timbre.h, ap_rvq.h); one thread at a time.
"""
from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..errors import BundleError
from ..kernels import Spectrum, ffi, lib, pointer
from .edges import LEVELS, fits, say
from .tokens import HOP, MODEL_RATE

FRAME = HOP // 2
WINDOW, SHORT_WINDOW = 2048, 512
MEL_BANDS, SHORT_BANDS, HEARD_HARMONICS, PITCH_FEATURES = 80, 32, 40, 5
HEARD = 2 * (MEL_BANDS + SHORT_BANDS + HEARD_HARMONICS + PITCH_FEATURES) + 1
"""Features of a hop heard."""
LATENT, CODES = 32, 256
PLANNED = LATENT + 2 * PITCH_FEATURES + 2
"""Features of a hop to be sounded."""
LOUDNESS_CLASSES, LOUDNESS_FLOOR_DB, LOUDNESS_STEP_DB = 48, -72.0, 1.5
CODEBOOKS = "codebooks.npy"
"""File beside the graphs: `(levels, 256, 32) float32`, finite."""
_SHAPE = (LEVELS, CODES, LATENT)


def mel_bands(window: int, count: int, low: float = 30.0, high: float = MODEL_RATE / 2) -> np.ndarray:
    """Triangular mel filters, `(window // 2 + 1, count) float32`, each summing to 1."""
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), count + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.arange(window // 2 + 1) * MODEL_RATE / window
    filters = np.zeros((len(bins), count), np.float32)
    for band in range(count):
        left, centre, right = edges[band:band + 3]
        filters[:, band] = np.maximum(0, np.minimum((bins - left) / max(1e-3, centre - left), (right - bins) / (right - centre)))
        if filters[:, band].sum() <= 0.2:
            filters[:, band] = np.maximum(0, 1 - np.abs(bins - centre) / (MODEL_RATE / window))
    return filters / (filters.sum(0) + np.float32(1e-8))


def loudness_class(loudness_db: float) -> int:
    """Class 0 is silence, 1..47 are steps of 1.5 dB up from -72 dB rms."""
    if loudness_db < LOUDNESS_FLOOR_DB:
        return 0
    return min(LOUDNESS_CLASSES - 1, round((loudness_db - LOUDNESS_FLOOR_DB) / LOUDNESS_STEP_DB) + 1)


def class_db(loudness: int) -> float:
    """Level in dB of a class; silence counts as 18 dB below the lowest."""
    return (loudness - 1) * LOUDNESS_STEP_DB + LOUDNESS_FLOOR_DB if loudness > 0 else LOUDNESS_FLOOR_DB - 18


class Codebooks:
    """The entries that codes name, from `codebooks.npy`. Raises `BundleError` if it is missing, no such table of finite numbers,
    or of fewer levels than `least`.

    `codes (levels,) int64` and `latent (32,) float32` are what the last call found, the same memory for life.
    """

    def __init__(self, path: str | Path, least: int = LEVELS.least):
        try:
            # Mapped, so that a header which promises more than the file holds costs nothing.
            table = np.lib.format.open_memmap(path, mode="r")
        except Exception as error:  # numpy raises half a dozen types for a file that is no table
            raise BundleError(f"constants {Path(path).name!r} can't be read ({_first_line(error)}); re-export the bundle") from error
        if table.dtype != np.float32 or not fits(table.shape, _SHAPE, {}) or len(table) < least:
            found, wanted = f"{table.dtype} {list(table.shape)}", f"float32 {say(_SHAPE, {})}, {least} to {LEVELS.most} levels"
            raise BundleError(f"constants {Path(path).name!r}: {found}, expected {wanted}; re-export the bundle")
        self.entries = np.array(table, np.float32, order="C")
        self.levels = len(self.entries)
        self.codes, self.latent = np.zeros(self.levels, np.int64), np.zeros(LATENT, np.float32)
        # As ap_rvq.h wants them.
        with np.errstate(over="ignore"):  # said below
            books = np.concatenate([-np.square(self.entries).sum(2)[:, None], 2 * self.entries.transpose(0, 2, 1)], 1)
        self._books = np.ascontiguousarray(books, np.float32)
        if not np.isfinite(self._books).all():
            raise BundleError(f"constants {Path(path).name!r}: not all numbers are finite; re-export the bundle")
        self._pointers = (ffi.from_buffer("float *", self._books), self.levels)
        self._codes, self._latent = ffi.from_buffer("int64_t *", self.codes), ffi.from_buffer("float *", self.latent)

    def encode(self, latent: np.ndarray) -> None:
        """Find the codes of a latent `(32,) float32`, and their entries' sum."""
        lib.ap_rvq_encode(*self._pointers, pointer(latent, LATENT, "latent"), self._codes, self._latent)

    def decode(self, codes: np.ndarray) -> None:
        """Take the latent of codes `(n,) int64`, the coarsest n of the levels there are."""
        self.codes[:len(codes)] = codes
        lib.ap_rvq_decode(self._pointers[0], len(codes), self._codes, self._latent)


class Heard:
    """Features of hops heard, written into `features (315,) float32` at every `step`. State: the last 2048 - 480 frames."""

    def __init__(self, features: np.ndarray):
        self._frames = np.zeros(WINDOW - FRAME + HOP, np.float32)
        self._spectra, self._shorts = np.zeros((2, WINDOW // 2 + 1), np.float32), np.zeros((2, SHORT_WINDOW // 2 + 1), np.float32)
        # Full scale 1 gives a peak of one half in the magnitudes, whatever the window: as in training.
        self._long, self._short = (Spectrum(_hann(window) / _hann(window).sum(), window) for window in (WINDOW, SHORT_WINDOW))
        self._bands = _bands(mel_bands(WINDOW, MEL_BANDS)), _bands(mel_bands(SHORT_WINDOW, SHORT_BANDS))
        told = pointer(features, HEARD, "features heard")
        self._arrays = [ffi.from_buffer("float *", self._spectra), ffi.from_buffer("float *", self._shorts), told]

    def step(self, hop: np.ndarray, pitch: np.ndarray) -> float:
        """Hear a hop `(960,) float32` with its pitch `(2,)`; returns its level in dB rms, full scale square 0."""
        self.skip(hop)
        self._long.process(self._frames, self._spectra, FRAME)
        self._short.process(self._frames[WINDOW - SHORT_WINDOW:], self._shorts, FRAME)
        loudness_db = 10 * math.log10(float(np.dot(hop, hop)) / HOP + 1e-12)
        spectra, shorts, features = self._arrays
        lib.ap_timbre_heard(self._bands[0][0], self._bands[1][0], spectra, shorts, pitch[0], pitch[1], loudness_db, features)
        return loudness_db

    def skip(self, hop: np.ndarray) -> None:
        """Let a hop go by: the spectra after it are right."""
        self._frames[:-HOP] = self._frames[HOP:]
        self._frames[-HOP:] = hop

    def reset(self) -> None:
        """Forget everything heard."""
        self._frames[:] = 0

    def state(self) -> np.ndarray:
        """A copy of the State."""
        return self._frames.copy()

    def set_state(self, state: np.ndarray) -> None:
        """Take a State that `state` returned."""
        self._frames[:] = state


def bands(features: np.ndarray) -> np.ndarray:
    """The mel bands in features heard (315 of them): of each control frame, `(2, 80) float32`, a view."""
    return features.reshape(-1)[:-1].reshape(2, -1)[:, :MEL_BANDS]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _bands(filters: np.ndarray) -> tuple:
    """Filters `(lines, bands)` as `ap_timbre_bands`, each without the zeros around it, and the memory that holds them."""
    inside = [np.flatnonzero(column) for column in filters.T]
    first = np.array([lines[0] for lines in inside], np.uint32)
    count = np.array([lines[-1] - lines[0] + 1 for lines in inside], np.uint32)
    weights = np.concatenate([filters[a:a + n, band] for band, (a, n) in enumerate(zip(first, count, strict=True))])
    arrays = [ffi.from_buffer("uint32_t *", first), ffi.from_buffer("uint32_t *", count), ffi.from_buffer("float *", weights)]
    return ffi.new("ap_timbre_bands *", [len(first), *arrays]), arrays


def _hann(count: int) -> np.ndarray:
    """Periodic Hann window, as torch makes it."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / count)).astype(np.float32)
