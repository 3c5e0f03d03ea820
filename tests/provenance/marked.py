"""Marked sounds for the tests of the mark: made by formula, and real recordings where they are at hand."""

import functools
from pathlib import Path

import numpy as np
import soundfile
from sung import melody, sound

from antiphon.kernels import Resampler
from antiphon.provenance.mark import HOP, RATE, Mark, Payload

KEY = b"k" * 32
KEYS = [("test", KEY)]
PAYLOAD = Payload(0xABCDEF, 479_123)
CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"


@functools.lru_cache(maxsize=4)
def sung(seconds=16, seed=1):
    """A sung melody with breaths, (frames,) float32 at 48 kHz, over the floor of a room."""
    return sound(melody(float(seconds), seed), float(seconds)).astype(np.float32)


def marked(plain, key=KEY, payload=PAYLOAD):
    """What comes out of a `Mark` for whole hops of a sound."""
    mark = Mark(key, payload)
    return np.concatenate([mark.step(hop) for hop in plain[: len(plain) // HOP * HOP].reshape(-1, HOP)])


@functools.lru_cache(maxsize=2)
def marked_sung(seconds=16, seed=1):
    """That melody, marked."""
    return marked(sung(seconds, seed))


@functools.lru_cache(maxsize=16)
def clip(name):
    """A real recording as mono at 48 kHz."""
    plain, rate = soundfile.read(CLIPS / name, dtype="float32", always_2d=True)
    return retimed(np.ascontiguousarray(plain.mean(1)), rate, RATE)


def retimed(plain, rate_in, rate_out):
    """A sound of one rate at another."""
    if rate_in == rate_out:
        return plain
    resampler = Resampler(rate_in, rate_out)
    out = np.array(resampler.process(np.concatenate([plain, np.zeros(resampler.taps, np.float32)])))
    return out[resampler.delay_frames :][: len(plain) * rate_out // rate_in]
