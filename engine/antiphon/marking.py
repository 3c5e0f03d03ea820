"""The mark as a worker puts it on: with the installation's key, and the payload that the engine tells it by the mailbox."""

from __future__ import annotations

import os

import numpy as np

from .layout import MARK_WORDS
from .provenance import keys
from .provenance.mark import Mark, Payload

KEY_VARIABLE = "ANTIPHON_MARK_KEY"
"""How the engine hands its key to the model process: where no key can be kept, it is known to this run alone."""


class Marking:
    """Marks hop by hop; what it is told last counts from the next hop on. The worker's thread."""

    def __init__(self, key: bytes | None = None):
        self._mark = Mark(key or _key(), Payload(0, 0))

    def told(self, params: np.ndarray) -> None:
        """Take the payload from the end of the mailbox's values."""
        take, minute = (int(word) for word in params[-MARK_WORDS:])
        if (take, minute) != (self._mark.payload.take, self._mark.payload.minute):
            self._mark.carry(Payload(take, minute))

    def step(self, voice: np.ndarray) -> np.ndarray:
        """Give a hop of voice, (960,) float32 at 48 kHz, marked."""
        return self._mark.step(voice)

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return self._mark.state()

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self._mark.set_state(state)


class Unmarked:
    """For what is not generated: the microphone given back as it is (bundle "through", to measure by), and tests that count frames."""

    def told(self, params: np.ndarray) -> None:
        pass

    def step(self, voice: np.ndarray) -> np.ndarray:
        return voice

    def state(self) -> None:
        return None

    def set_state(self, state: None) -> None:
        pass


def marking(bundle: str, key: bytes | None = None) -> Marking | Unmarked:
    """Give what marks the voice of a bundle: all but "through", which gives back the performer's own sound."""
    return Unmarked() if bundle == "through" else Marking(key)


def _key() -> bytes:
    handed = os.environ.get(KEY_VARIABLE, "")
    return bytes.fromhex(handed) if len(handed) == 64 else keys.mark_key()
