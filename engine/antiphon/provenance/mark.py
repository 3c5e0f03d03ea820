"""The mark that everything generated carries: put on hop by hop, with no delay, below what can be heard.

Two layers lie on the sound x: x + A(x) + B(x). A raises and lowers bands of x by small keyed amounts: it survives speed,
pitch and clock drift. B is keyed noise in the shape of x: it is stronger and carries most of the payload. Of both, one half
is the same in everything made with Antiphon, by a published key, and tells presence and place; the other half, by the
installation's key, spells the payload. detect.py finds both again.
"""

from __future__ import annotations

import functools

import numpy as np

from ..kernels import Fft
from .code import Payload, code_signs
from .pattern import BANDS, HOP, PERIOD, PUBLIC_KEY, RATE, ceiling, masking, presence, secret, shares

__all__ = ["HOP", "PUBLIC_KEY", "RATE", "Mark", "Payload"]

_LARGEST = 0.22, 0.3  # relative amplitude of a band's mark, and of its noise
_FLOOR = np.float32(10 ** (-34 / 20))
_OWN = np.float32(0.3)  # of the band's own restlessness: what changes anyway hides a change
_FOLLOW = np.float32(0.15)
_CEILING = 1.0, 1.5  # times the ceiling by pitch: noise between noisy partials is heard less than partials that waver
_MASKED = np.float32(0.25)  # of what other bands mask: the ear hears this share first, and a band's own hides more for less
_TAPER = 160
PIECES = 8
"""Of 2.5 ms each: how finely the mark follows the sound's envelope within a hop."""
_SILENT = 1e-12 * HOP


class Tables:
    """What is the same for every mark. Do not write to it.

    `window` (2 HOP,): over the hop before and this one, a slow rise and a short fall. `edge` (HOP,). `ramp` (8, HOP): from the
    hop's eight pieces to its frames. `lines`, `long` and `short_lines`, `short`: lines of the transforms of 2 HOP and of 1024
    frames that lie in some band, and their shares. `inside`, `spread`: the lines that get a mark, and their gains by band.
    """

    def __init__(self):
        fall = np.cos(np.pi / 2 * (np.arange(_TAPER) + 0.5) / _TAPER) ** 2
        rise = np.sin(np.pi / 2 * (np.arange(HOP) + 0.5) / HOP) ** 2
        self.window = np.concatenate([rise, np.ones(HOP - _TAPER), fall]).astype(np.float32)
        self.edge = np.concatenate([fall[::-1], np.ones(HOP - 2 * _TAPER), fall]).astype(np.float32)
        self.short_window = np.hanning(HOP + 2)[1:-1].astype(np.float32)
        long = shares(2 * HOP)
        self.lines, self.long = _occupied(long)
        self.short_lines, self.short = _occupied(shares(1024))
        self.inside = slice(self.lines.start - 1, self.lines.stop + 1)
        smooth = np.stack([np.convolve(band, (0.25, 0.5, 0.25), "same") for band in long.T])
        self.spread = np.ascontiguousarray(smooth[:, self.inside], np.float32)
        self.masking, self.ceiling = masking(), ceiling()
        # Of two noises that together have the power 1, each has a half.
        self.noise_norm = (1 / np.sqrt(2 * (self.window.astype(np.float64) ** 2).sum() * long.sum(0))).astype(np.float32)
        at = np.clip((np.arange(HOP) + 0.5) * PIECES / HOP - 0.5, 0, PIECES - 1)
        piece = np.minimum(at.astype(int), PIECES - 2)
        self.ramp = np.zeros((PIECES, HOP), np.float32)
        self.ramp[piece, np.arange(HOP)] = 1 - (at - piece)
        self.ramp[piece + 1, np.arange(HOP)] = at - piece

    def amounts(self, energy: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the amplitude of the bands' and of the noise's mark relative to each band: (..., BANDS) float32 each.

        `energy` (..., BANDS) of the bands, `change` (..., BANDS) how restless each is.
        """
        restless, masked = np.maximum(_OWN * change, _FLOOR), _MASKED * (energy @ self.masking) / energy
        found = []
        for largest, ceiling_share in zip(_LARGEST, _CEILING, strict=True):
            own = np.minimum(restless, np.float32(ceiling_share) * self.ceiling)
            found.append(np.sqrt(np.minimum(np.float32(largest**2), np.maximum(np.square(own), masked))))
        return found[0], found[1]

    def envelope(self, powers: np.ndarray) -> np.ndarray:
        """Give the sound's envelope, (..., HOP), at most 1, from the `powers` (..., 8) of a hop's pieces."""
        whole = powers.sum(-1, keepdims=True)
        return np.minimum(1, np.sqrt(powers * (PIECES / whole)) * 2) @ self.ramp


@functools.lru_cache(maxsize=1)
def tables() -> Tables:
    """Give the tables; made once."""
    return Tables()


class Mark:
    """Marks the voice, hop by hop. One thread at a time; about 0.1 ms a hop; allocates a few small arrays.

    The pattern counts on in silence, and a frame that is 0 stays 0. The same hops after the same `reset` give the same bits.
    """

    def __init__(self, key: bytes, payload: Payload):
        self._key = key
        self._public, self._secret, self._tables = presence(), secret(key), tables()
        self._fft, self._short_fft = Fft(2 * HOP), Fft(1024)
        self._frames = np.zeros(2 * HOP, np.float32)
        self._X, self._N = np.zeros(HOP + 1, np.complex64), np.zeros(HOP + 1, np.complex64)
        self._W, self._w = np.zeros(HOP + 1, np.complex64), np.zeros(2 * HOP, np.float32)
        self._short_frames, self._D = np.zeros(1024, np.float32), np.zeros(513, np.complex64)
        self._gains = np.zeros((2, BANDS), np.float32)
        self.carry(payload)
        self.reset()

    def carry(self, payload: Payload) -> None:
        """Spell `payload` from the next hop on. The pattern goes on where it is; costs about 0.2 ms."""
        word = code_signs(payload, self._key)
        self._payload = payload
        self._band_signs = self._public.band_signs + self._secret.band_signs * word[self._secret.band_slots]
        self.bits = word[self._secret.slots]
        """(PERIOD,) float32 of +-1: the sign that each hop's secret noise is given. Do not write to it."""

    @property
    def payload(self) -> Payload:
        return self._payload

    def reset(self) -> None:
        """Begin the pattern, after silence."""
        self._hop, self._bit = 0, np.float32(1)
        self._before = np.zeros(HOP, np.float32)
        self._levels: np.ndarray | None = None
        self._change = np.full(BANDS, 0.1, np.float32)

    def state(self) -> dict:
        """Give all that is remembered: numbers, None and arrays, about 5 kB."""
        return {
            "hop": self._hop, "bit": float(self._bit), "take": self._payload.take, "minute": self._payload.minute,
            "before": self._before.copy(), "levels": None if self._levels is None else self._levels.copy(),
            "change": self._change.copy(),
        }

    def set_state(self, state: dict) -> None:
        """Go on from a `state()`, its payload included."""
        self.carry(Payload(int(state["take"]), int(state["minute"])))
        self._hop, self._bit = int(state["hop"]), np.float32(state["bit"])
        self._before = np.array(state["before"], np.float32)
        self._levels = None if state["levels"] is None else np.array(state["levels"], np.float32)
        self._change = np.array(state["change"], np.float32)

    def step(self, voice: np.ndarray) -> np.ndarray:
        """Give (HOP,) float32 at 48 kHz marked, as a new array; the same frames, no delay.

        What is silent or not a number is given back as it is.
        """
        voice = np.array(voice, np.float32)
        at, self._hop = self._hop % PERIOD, self._hop + 1
        bit, self._bit = self._bit, self.bits[at]
        powers = np.square(voice).reshape(PIECES, -1).sum(1)
        power = float(powers.sum())
        if not _SILENT < power < np.inf:
            self._before, self._levels = np.nan_to_num(voice, posinf=0, neginf=0), None
            return voice
        table, inside = self._tables, self._tables.inside
        energy = self._analyse(voice)
        bands, noise = table.amounts(energy, self._change)
        self._gains[0] = self._band_signs[at] * bands
        self._gains[1] = noise * np.sqrt(energy) * table.noise_norm
        gains = self._gains @ table.spread
        frames = self._frames
        np.multiply(self._secret.noise[at - 1], bit, out=frames[:HOP])
        np.multiply(self._secret.noise[at], self._bit, out=frames[HOP:])
        frames[:HOP] += self._public.noise[at - 1]
        frames[HOP:] += self._public.noise[at]
        frames *= table.window
        self._fft.forward(frames, self._N)
        self._W[inside] = self._X[inside] * gains[0] + self._N[inside] * gains[1]
        self._fft.inverse(self._W, self._w)
        mark = self._w[HOP:]
        mark *= table.edge
        mark *= table.envelope(powers)
        mark *= voice != 0
        self._before = voice
        return voice + mark

    def _analyse(self, voice: np.ndarray) -> np.ndarray:
        """Leave the spectrum of the last two hops in `_X`, give its energy in the bands, follow how restless each band is."""
        table, frames = self._tables, self._frames
        np.multiply(self._before, table.window[:HOP], out=frames[:HOP])
        np.multiply(voice, table.window[HOP:], out=frames[HOP:])
        self._fft.forward(frames, self._X)
        lines = self._X[table.lines]
        energy = (lines.real**2 + lines.imag**2) @ table.long + np.float32(1e-12)
        np.multiply(voice, table.short_window, out=self._short_frames[:HOP])
        self._short_fft.forward(self._short_frames, self._D)
        lines = self._D[table.short_lines]
        levels = np.log((lines.real**2 + lines.imag**2) @ table.short + np.float32(1e-9))
        if self._levels is not None:
            follow(self._change, self._levels, levels)
        self._levels = levels
        return energy


def follow(change: np.ndarray, before: np.ndarray, levels: np.ndarray) -> None:
    """Let `change` (BANDS,) follow by how much the bands' levels, natural logarithms, have moved."""
    change += _FOLLOW * (np.minimum(np.abs(levels - before), 1) - change)


def _occupied(weights: np.ndarray) -> tuple[slice, np.ndarray]:
    """Cut (lines, BANDS) weights to the lines that lie in some band."""
    lines = np.flatnonzero(weights.any(1))
    inside = slice(int(lines[0]), int(lines[-1]) + 1)
    return inside, np.ascontiguousarray(weights[inside])
