"""Where a performer's phrase begins and ends, in a room that is never silent."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from .bleed import SILENT_DB

FLOOR_START_DB = -60.0
FLOOR_MIN_DB = -80.0  # below this is dither, and nobody's noise
FLOOR_MAX_DB = -30.0  # above this is a performer who holds a note into a clipping input, not a room
_SECOND = 50  # hops
_HUM_SECONDS, _HUM_SPREAD_DB = 8, 2.0
_UNDER_DB, _UNDER_SPREAD_DB, _UNDER_HOPS = 20.0, 1.0, 75
_RISE_DB = 0.6  # a hop: a fan that is switched on is part of the room within about 2 s
_RISE_EVERY, _STEADY_DB, _RUMBLE_DB = 5, 1.5, 10.0
_FALL = 0.2  # of the way, a hop
_ONSET_HOPS = 12
_STAY_DB = 4.0
_BREATH_DB = 18.0  # unvoiced sound this far below the phrase is breath, not performance
_ATTACK_DB = 10.0
_PHRASE_VOICED_HOPS, _PHRASE_ONSETS = 8, 2


class Heard(NamedTuple):
    """One hop as the detector understands it. `ended` is only ever set for a phrase worth answering;
    `mistaken` says instead that what had begun turned out to be a knock, a breath or the room."""

    present: bool
    began: bool
    ended: bool
    mistaken: bool


@dataclass(slots=True)
class PhraseDetector:
    """Follow the room's noise floor and find phrases above it; advanced once a hop of 20 ms.

    The floor falls at once and rises on evidence only: a second of steady unvoiced sound without onsets (fan, hiss),
    eight seconds of any tone within 2 dB (mains hum), or 1.5 s of a tone within 1 dB that lies 20 dB below the phrase
    before it (the same hum, uncovered). A held, swelling or fading note is none of these, so it stays a phrase.
    A phrase begins with a voiced hop, an onset or a jump of 10 dB above floor + margin; breath is none of these.
    It is worth answering if it held 160 ms of voiced sound or two onsets, and if its peak is still above
    floor + margin when it ends: a noise that the floor has risen to was never a phrase.

    `floor_db` is the room, `level_db` the phrase's loudest hop sinking by 1 dB a second, `length_hops` the phrase from
    its first to its last hop that was performed.
    """

    floor_db: float = FLOOR_START_DB
    in_phrase: bool = False
    level_db: float = SILENT_DB
    length_hops: int = 0
    _power: float = 0.0
    _before_db: float | None = None  # so that the first hop of all is no jump
    _room_hops: int = 0
    _since_onset: int = _ONSET_HOPS
    _recent: deque = field(default_factory=lambda: deque(maxlen=_UNDER_HOPS))
    _seconds: deque = field(default_factory=lambda: deque(maxlen=_HUM_SECONDS))
    _second_hops: int = 0
    _second_low: float = math.inf
    _second_high: float = -math.inf
    _peak_db: float = SILENT_DB
    _voiced_hops: int = 0
    _onsets: int = 0
    _silent_hops: int = 0

    def step(
        self,
        loudness_db: float,
        voiced: bool,
        onset: bool,
        margin_db: float,
        gap_hops: float,
        bleed_db: float = SILENT_DB,
    ) -> Heard:
        """Take one hop in.

        `loudness_db` re full scale (NaN and -inf mean no sound), `bleed_db` the level up to which the sound may be the
        instrument's own, `gap_hops` the silence that ends a phrase.
        """
        loudness_db = loudness_db if loudness_db > SILENT_DB else SILENT_DB  # False for NaN too
        self._since_onset = 0 if onset else self._since_onset + 1
        self._follow_floor(loudness_db, voiced, own_voice=bleed_db > SILENT_DB)
        threshold_db = max(self.floor_db + margin_db, bleed_db)
        rise_db = 0.0 if self._before_db is None else loudness_db - self._before_db
        self._before_db = loudness_db
        if not self.in_phrase:
            if loudness_db > threshold_db and (voiced or onset or rise_db > _ATTACK_DB):
                self._begin(loudness_db, voiced, onset or not voiced)
                return Heard(True, True, False, False)
            return Heard(False, False, False, False)

        stay_db = max(self.floor_db + max(margin_db - _STAY_DB, 2.0), bleed_db)
        self.level_db = max(self.level_db - 1.0 / _SECOND, loudness_db)
        present = loudness_db > stay_db and (
            voiced or self._since_onset < _ONSET_HOPS or loudness_db > self.level_db - _BREATH_DB
        )
        if present:
            self.length_hops += 1 + self._silent_hops
            self._peak_db = max(self._peak_db, loudness_db)
            self._voiced_hops += voiced
            self._onsets += onset or rise_db > _ATTACK_DB
            self._silent_hops = 0
            return Heard(True, False, False, False)
        self._silent_hops += 1
        was_the_room = self._peak_db <= self.floor_db + margin_db
        if self._silent_hops < gap_hops and not was_the_room:
            return Heard(False, False, False, False)
        self.in_phrase = False
        worth = self.worth_answering() and not was_the_room
        return Heard(False, False, worth, not worth)

    def worth_answering(self) -> bool:
        """Say whether the phrase so far is more than a knock or a breath."""
        return self._voiced_hops >= _PHRASE_VOICED_HOPS or self._onsets >= _PHRASE_ONSETS

    def forget_phrase(self) -> None:
        """Drop the phrase that is going on; keep what is known of the room."""
        self.in_phrase = False
        self._voiced_hops = self._onsets = 0

    def _begin(self, loudness_db: float, voiced: bool, onset: bool) -> None:
        self.in_phrase, self.length_hops = True, 1
        self.level_db = self._peak_db = loudness_db
        self._voiced_hops, self._onsets, self._silent_hops = int(voiced), int(onset), 0

    def _follow_floor(self, loudness_db: float, voiced: bool, own_voice: bool) -> None:
        self._power += 0.18 * (10.0 ** (min(loudness_db, 20.0) / 10.0) - self._power)  # 100 ms
        smooth_db = max(10.0 * math.log10(self._power + 1e-12), SILENT_DB)
        if smooth_db < self.floor_db:
            self.floor_db = max(self.floor_db + _FALL * (smooth_db - self.floor_db), FLOOR_MIN_DB)
        if own_voice:  # what is in the microphone now says nothing about the room
            self._room_hops = 0
            self._recent.clear()
            self._seconds.clear()
            self._start_second()
            return
        recent = self._recent
        recent.append(smooth_db)
        room_like = not voiced and self._since_onset > _ONSET_HOPS
        self._room_hops = min(self._room_hops + 1, _SECOND) if room_like else max(self._room_hops - 3, 0)
        if self._room_hops == _SECOND and self._second_hops % _RISE_EVERY == 0:
            levels = list(recent)
            half = len(levels) // 2
            # A chord that rings is unvoiced too; unlike a fan it is softer half a second later.
            low_db = min(levels)
            sinking = abs(sum(levels[:half]) - sum(levels[-half:])) > _STEADY_DB * half
            if not sinking and max(levels) - low_db < _RUMBLE_DB:
                self._raise_floor(min(low_db, self.floor_db + _RISE_DB * _RISE_EVERY))
        if len(recent) == _UNDER_HOPS and smooth_db < self.level_db - _UNDER_DB:
            low_db = min(recent)
            if max(recent) - low_db < _UNDER_SPREAD_DB:
                self._raise_floor(low_db)
        self._second_low = min(self._second_low, smooth_db)
        self._second_high = max(self._second_high, smooth_db)
        self._second_hops += 1
        if self._second_hops == _SECOND:
            self._seconds.append((self._second_low, self._second_high))
            self._start_second()
            if len(self._seconds) == _HUM_SECONDS:
                low_db = min(low for low, _ in self._seconds)
                if max(high for _, high in self._seconds) - low_db < _HUM_SPREAD_DB:
                    self._raise_floor(low_db)

    def _start_second(self) -> None:
        self._second_hops, self._second_low, self._second_high = 0, math.inf, -math.inf

    def _raise_floor(self, floor_db: float) -> None:
        self.floor_db = max(self.floor_db, min(floor_db, FLOOR_MAX_DB))
