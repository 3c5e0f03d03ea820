"""How loud the instrument's own voice is in the microphone."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SILENT_DB = -120.0
_AUDIBLE_DB = -60.0  # a voice below this teaches nothing about the room
_HOLD_HOPS = 12  # 240 ms: device latency out and in again, plus the way through the room
_TAIL_DB_PER_HOP = 1.0  # after that a room lets go by 50 dB a second or faster (RT60 of 1.2 s)
_LEARN_HOPS = 50
_FALL_FIRST_DB, _FALL_DB, _RISE_DB = 1.5, 0.06, 0.2
_COUPLING_MIN_DB, _COUPLING_MAX_DB = -60.0, 6.0


@dataclass(slots=True)
class Bleed:
    """Expect the level of the voice in the microphone from the level just played.

    `coupling_db` is microphone level minus voice level. It starts at 0 dB, the cautious end (loudspeaker before the
    microphone), is learned downwards within half a second of the first answer, and from then on moves slowly, so that
    a performer who joins in is not taken for a louder room: upwards by 10 dB a second at most, downwards by 3.
    """

    coupling_db: float = 0.0
    _voice: deque = field(default_factory=lambda: deque(maxlen=_HOLD_HOPS))
    _heard: deque = field(default_factory=lambda: deque(maxlen=_HOLD_HOPS))
    _recent_db: float = SILENT_DB
    _taught: int = 0

    def step(self, loudness_db: float, voice_db: float) -> float:
        """Give the expected level of the voice in this hop of microphone, dB; `SILENT_DB` where there is none.

        `loudness_db` is the microphone's level in the hop, `voice_db` that of the voice last written, as played.
        """
        self._voice.append(voice_db)
        self._heard.append(loudness_db)
        self._recent_db = max(max(self._voice), self._recent_db - _TAIL_DB_PER_HOP)
        if self._recent_db <= _AUDIBLE_DB:
            return SILENT_DB
        expected_db = self._recent_db + self.coupling_db
        if len(self._voice) == _HOLD_HOPS and min(self._voice) > _AUDIBLE_DB:
            self._learn(max(self._heard) - self._recent_db)
        return expected_db

    def correct(self, observed_db: float) -> None:
        """Take over a coupling that was mistaken for the performer, so that the mistake is made once."""
        self.coupling_db = min(max(self.coupling_db, observed_db), _COUPLING_MAX_DB)

    def over_voice_db(self, loudness_db: float) -> float:
        """Give how far a microphone level lies above what was just played, dB."""
        return loudness_db - self._recent_db

    def forget_voice(self) -> None:
        """Forget what was played; keep what was learned about the room."""
        self._voice.clear()
        self._heard.clear()
        self._recent_db = SILENT_DB

    def _learn(self, observed_db: float) -> None:
        fall = _FALL_FIRST_DB if self._taught < _LEARN_HOPS else _FALL_DB
        change = min(max(observed_db - self.coupling_db, -fall), _RISE_DB)
        self.coupling_db = min(max(self.coupling_db + change, _COUPLING_MIN_DB), _COUPLING_MAX_DB)
        self._taught += 1
