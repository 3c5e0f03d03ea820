"""Chains without a model: for machines without a bundle, and for tests that need every frame predictable."""

from __future__ import annotations

import math

import numpy as np

from ..latency import HOP

_MEMORY_HOPS = 500
_QUIET_DB = -120.0


class EchoChain:
    """Answer with the performer's own last phrase: the interface of the real chain, no model in it.

    The performer (see `perform.Performer`) is handed in, so that `model` need not import `perform`. Deterministic;
    one thread at a time.
    """

    def __init__(self, performer, seed: int = 1):
        self.performer = performer
        self.status: dict[str, float] = {}
        self.reset(seed)

    def reset(self, seed: int = 1) -> None:
        """Forget everything heard."""
        self._phrase: list[np.ndarray] = []
        self._held: list[np.ndarray] = []
        self._answer = np.zeros(0, np.float32)
        self._at = 0
        self._level_db = _QUIET_DB
        self._voice_db = _QUIET_DB
        self._in_phrase = False
        self.performer.reset()
        self.status = {"seed": float(seed)}

    def prime(self, mic: np.ndarray, params: np.ndarray, behind: int = 0) -> None:
        """Hear (hops, 960) float32 of the past."""
        for hop in mic:
            self._hear(hop, params, priming=True)

    def resume(self, status: dict[str, float]) -> None:
        """Take over from a chain whose process ended."""
        self.performer.resume(status)

    def step(self, mic: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Hear one hop and give the voice beside it, (960,) float32."""
        action = self._hear(mic, params, priming=False)
        if action.reset:
            self._phrase, self._held, self._in_phrase = [], [], False
        if action.begin:
            heard = self._held if self._in_phrase else self._phrase
            self._answer, self._at = np.concatenate(heard or [np.zeros(HOP, np.float32)]), 0
        voice = self._play(action) if action.answering else np.zeros(HOP, np.float32)
        self._voice_db = _level_db(voice)
        self._say()
        return voice

    def settle(self) -> None:
        """Nothing is put off."""

    def _hear(self, mic: np.ndarray, params: np.ndarray, priming: bool):
        level_db = _level_db(mic)
        onset = level_db > self._level_db + 10.0 and level_db > -60.0
        self._level_db = level_db
        action = self.performer.step(level_db, level_db > -55.0, onset, params, self._voice_db, priming=priming)
        in_phrase = self.performer.detector.in_phrase
        if in_phrase:
            if not self._in_phrase:
                self._held = []
            self._held = [*self._held[-_MEMORY_HOPS + 1 :], mic.copy()]
        elif self._in_phrase:
            self._phrase, self._held = self._held, []
        self._in_phrase = in_phrase
        return action

    def _play(self, action) -> np.ndarray:
        positions = (self._at + np.arange(HOP)) % len(self._answer)
        self._at += HOP
        return action.shape(self._answer[positions])

    def _say(self) -> None:
        self.status.update(
            loudness_heard_db=self._level_db,
            loudness_played_db=self._voice_db,
            **self.performer.status(),
            voiced=float(self._level_db > -55.0),
        )


class ThroughChain:
    """Answer every hop with itself: the voice is the microphone, late by exactly what the latency sum says."""

    def __init__(self) -> None:
        self.status: dict[str, float] = {}

    def reset(self, seed: int = 1) -> None:
        """Nothing to forget."""

    def prime(self, mic: np.ndarray, params: np.ndarray, behind: int = 0) -> None:
        """Nothing to learn."""

    def resume(self, status: dict[str, float]) -> None:
        """Nothing to take over."""

    def step(self, mic: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Give back what was heard."""
        self.status["loudness_heard_db"] = _level_db(mic)
        return mic

    def settle(self) -> None:
        """Nothing is put off."""


def _level_db(sound: np.ndarray) -> float:
    power = float(np.dot(sound, sound)) / len(sound)
    return 10.0 * math.log10(power) if power > 1e-12 else _QUIET_DB
