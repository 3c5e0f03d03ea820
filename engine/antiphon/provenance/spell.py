"""Read the payload along a track of the mark, by an installation's key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import code
from .code import Payload
from .pattern import CODE_BITS, secret
from .track import Layer, band_hidden, noise_hidden

_LAWFUL = 2.0**48  # payloads with a right proof
_WINDOW, _STRIDE = 1024, 512
_CHANCE = 1e-8


@dataclass(frozen=True)
class Spelled:
    """A payload that was read from rows `first` to `last` of a track, by the key called `key_id`; `z` says how surely."""

    payload: Payload
    key_id: str
    first: int
    last: int
    z: float


def read(noise: Layer | None, bands: Layer | None, keys: list[tuple[str, bytes]], tried: float = 1) -> list[Spelled]:
    """Read the payloads of a track whose layers have the same rows: of all of it, then of windows of 20 s.

    There may be several: another take may begin while the pattern goes on.
    Of a wrong payload with a right proof, P(z >= t) <= 2^48 x what was tried x exp(-t^2 / 2), whatever the sound; that is held
    below 1e-8. `tried` says in how many such calls. About 10 ms for each key and window.
    """
    count = len((noise or bands).path.starts)
    windows = [(0, count)]
    if count > _WINDOW:
        windows += [(at, min(at + _WINDOW, count)) for at in range(0, count - _STRIDE, _STRIDE)]
    least = np.sqrt(2 * np.log(_LAWFUL * len(windows) * max(1, len(keys)) * tried / _CHANCE))
    found: dict[tuple[Payload, str], Spelled] = {}
    for key_id, key in keys:
        hidden = ([noise_hidden(noise, secret(key))] if noise else []) + ([band_hidden(bands, secret(key))] if bands else [])
        for first, last in windows:
            parts = [one.sums(first, last, CODE_BITS) for one in hidden]
            evidence, square = sum(value for value, _ in parts), sum(square for _, square in parts)
            if not square > 0:
                continue
            payload = code.payload_of(code.decode(evidence / np.sqrt(square)), key)
            if payload is None:
                continue
            z = float(code.code_signs(payload, key) @ evidence / np.sqrt(square))
            at = (payload, key_id)
            if z >= least and (at not in found or z > found[at].z):
                found[at] = Spelled(payload, key_id, first, last, z)
    return list(found.values())
