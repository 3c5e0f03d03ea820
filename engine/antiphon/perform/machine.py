"""The musical state machine: what the instrument does in the next hop, and why."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..params import REGISTRY, Registry
from .bleed import SILENT_DB, Bleed
from .phrase import PhraseDetector

STATES = ("waiting", "hearing", "answering")
REFUSALS = ("", "mode listen", "nothing heard yet", "nothing is kept there", "no answer yet", "a protected voice")
"""Why a trigger, a recall, a regeneration or the storing of a voice did nothing."""
WAITING, HEARING, ANSWERING = range(3)

FADE_IN_FRAMES = 240  # 5 ms at the model's 48 kHz: short enough to leave an attack, long enough not to click
_END_HOPS = 10  # an answer that has had its time fades over its last 200 ms
_AWAY_HOPS = 5  # after a trigger in the middle of a phrase, this much silence before a new beginning counts as one
_BOUNCE_HOPS = 5  # a second trigger within 100 ms is the pedal bouncing
_ECHO_HOPS = 25  # what made it yield and was over in half a second, was its own voice ringing on
_HEARD_HOPS = 5  # voiced hops that make "something was heard", however quiet


class Action(NamedTuple):
    """What the chain does in the hop after the one just heard.

    answering    make voice in this hop (also while fading out)
    begin        an answer begins in this hop: take the seed, plan the first note
    gain_from, gain_to, ramp_frames
                 the voice's gain goes in a straight line from one to the other over `ramp_frames` and stays there;
                 the chain applies it, so that every beginning and end is free of clicks
    end          why the voice falls silent at the end of this hop: "time", "yield", "told", "panic"; else empty
    reset        panic: when this hop is made, forget everything that was heard
    refused      a trigger that did nothing, and why: "mode listen", "nothing heard yet"; else empty
    """

    answering: bool = False
    begin: bool = False
    gain_from: float = 0.0
    gain_to: float = 0.0
    ramp_frames: int = 0
    end: str = ""
    reset: bool = False
    refused: str = ""

    def shape(self, voice: np.ndarray) -> np.ndarray:
        """Put the gain on one hop of voice, (frames,) float32; returns a new array."""
        gain = np.full(len(voice), self.gain_to, np.float32)
        ramp = min(self.ramp_frames, len(voice))
        gain[:ramp] = self.gain_from + (self.gain_to - self.gain_from) * (
            np.arange(1, ramp + 1, dtype=np.float32) / max(self.ramp_frames, 1)
        )
        return voice * gain


_SILENCE = Action()


class Performer:
    """Decide hop by hop between listening and answering. Model process only; about 10 microseconds a step.

    mode listen   never answers; a trigger is refused. Listening goes on in every mode.
    mode answer   answers when a phrase has ended or on a trigger, for `answer_s`, or until the performer begins again.
    mode hold     (also while one of the rows `hold` and `freeze` is on) begins in the same way, does not yield and has no end of its own: it goes on until the mode is changed
                  to listen (ends in the next hop), to answer (plays the rest of `answer_s`, if any is left) or panic.

    A trigger before anything was heard is refused: there is no voice or key to answer in. A trigger during an answer
    begins it anew at the next hop, with the next chances of the seed. A trigger in the middle of a phrase begins at
    once, and only a new beginning of the performer's, after 100 ms of silence, makes it yield. Panic wins over a
    trigger in the same hop. A row that changes in the middle of an answer counts from the next hop on.

    The whole of it is a value: `state()`, `set_state()`, `reset()`.
    """

    def __init__(self, registry: Registry = REGISTRY, hop_s: float = 0.02, hop_frames: int = 960):
        self._hop_s, self._hop_frames = hop_s, hop_frames
        index = registry.step_index
        self._rows = tuple(
            map(
                index,
                ("mode", "hold", "freeze", "trigger", "panic", "answer_s", "phrase_gap_s", "phrase_margin", "yield", "yield_margin"),
            )
        )
        choices = registry.resolve("mode").choices
        self._listen, self._hold = choices.index("listen"), choices.index("hold")
        self.reset()

    def reset(self) -> None:
        """Forget everything, the room included."""
        self.detector = PhraseDetector()
        self.bleed = Bleed()
        self.hop = 0
        self.answers = 0
        self.refused, self.refusal = 0, 0  # triggers that did nothing; why the last one did, an index into REFUSALS
        self._counts: tuple[float, float] | None = None
        self._resumed = False
        self._forget()

    def state(self) -> dict:
        """Copy all that it remembers."""
        return copy.deepcopy({name: value for name, value in vars(self).items() if name not in self._FIXED})

    def set_state(self, state: dict) -> None:
        """Go on from a copy."""
        vars(self).update(copy.deepcopy(state))

    _FIXED = ("_hop_s", "_hop_frames", "_rows", "_listen", "_hold")

    @property
    def answering(self) -> bool:
        """Whether voice is being made."""
        return self._elapsed >= 0

    @property
    def heard(self) -> bool:
        """Whether anything was performed since the start or the last panic."""
        return self._heard_hops >= _HEARD_HOPS

    @property
    def stage(self) -> int:
        """WAITING, HEARING or ANSWERING (see STATES)."""
        return ANSWERING if self.answering else HEARING if self.detector.in_phrase else WAITING

    def step(
        self,
        loudness_db: float,
        voiced: bool,
        onset: bool,
        params: Sequence[float],
        voice_db: float = SILENT_DB,
        priming: bool = False,
        called: bool = False,
        done: bool = False,
        endless: bool = False,
    ) -> Action:
        """Take one hop of the microphone in and say what to do in the next.

        `loudness_db` (re full scale), `voiced`, `onset` are the tokenizer's; `params` the step rows' doubles in table
        order; `voice_db` the level of the voice written for the hop just past. `priming`: the sound is history,
        re-heard after a restart; nothing begins. `called`: an answer is asked for that needs nothing heard (a recall);
        `done`: what was answered with is over; `endless`: it knows its own end, `answer_s` does not count.
        """
        mode, holds, frozen, trigger, panic, answer_s, gap_s, margin_db, yields, yield_margin_db = (params[i] for i in self._rows)
        self.hop += 1
        if (holds or frozen) and mode != self._listen:
            mode = self._hold
        fired, panicked = self._fired(trigger, panic)
        if panicked:
            return self._panic()

        voiced, onset = bool(voiced), bool(onset)
        if not loudness_db > SILENT_DB:  # NaN too
            loudness_db = SILENT_DB
        bleed_db = self.bleed.step(loudness_db, voice_db)
        if bleed_db > SILENT_DB:
            bleed_db += yield_margin_db
        heard = self.detector.step(loudness_db, voiced, onset, margin_db, gap_s / self._hop_s, bleed_db)
        if heard.ended and self._yielded_db is not None and self.detector.length_hops < _ECHO_HOPS:
            heard = heard._replace(ended=False, mistaken=True)
        self._remember(heard, loudness_db, voiced)
        if priming:
            return _SILENCE
        resumed, self._resumed = self._resumed and mode == self._hold, False
        if self.answering:
            return self._stop("time") if done and not (fired or called) else self._go_on(mode, fired or called, heard, math.inf if endless else answer_s, yields)
        if not (fired or called or resumed or heard.ended):
            return _SILENCE
        if mode == self._listen:
            return Action(refused=self.refuse(1)) if fired or called else _SILENCE
        if not (self.heard or called):
            return Action(refused=self.refuse(2)) if fired else _SILENCE
        return self._begin(answer_s, mode)

    def status(self) -> dict[str, float]:
        """Say what a player wants to see, in fields of the status mailbox."""
        return {
            "state": float(self.stage), "phrase": float(self.detector.in_phrase), "answers": float(self.answers),
            "noise_floor_db": self.detector.floor_db, "refused": float(self.refused), "refusal": float(self.refusal),
        }  # fmt: skip

    def resume(self, status: dict[str, float]) -> None:
        """Take over from a performer whose process has ended, from what it last said in `status` of itself.

        What goes on until told goes on: in hold, an answer begins as soon as the past has been heard again.
        """
        self._resumed = int(status["state"]) == ANSWERING

    def refuse(self, why: int) -> str:
        """Count something asked for that is not done, and why: an index into REFUSALS."""
        self.refused, self.refusal = self.refused + 1, why
        return REFUSALS[why]

    def _fired(self, trigger: float, panic: float) -> tuple[bool, bool]:
        """Compare the counts with those last seen; what was counted before the first step is history."""
        before, self._counts = self._counts, (trigger, panic)
        if before is None:
            return False, False
        self._since_trigger += 1
        fired = trigger != before[0] and self._since_trigger >= _BOUNCE_HOPS
        if fired:
            self._since_trigger = 0
        return fired, panic != before[1]

    def _remember(self, heard, loudness_db: float, voiced: bool) -> None:
        if self._heard_hops < _HEARD_HOPS:
            if heard.present and self.detector.worth_answering():
                self._heard_hops = _HEARD_HOPS
            elif voiced and loudness_db > -75.0:
                self._heard_hops += 1
        self._away_hops = 0 if heard.present else self._away_hops + 1
        if self._away_hops >= _AWAY_HOPS:
            self._may_yield = True
        if heard.mistaken and self._yielded_db is not None:
            self.bleed.correct(self._yielded_db)
        if heard.mistaken or heard.ended:
            self._yielded_db = None
        self._last_db = loudness_db

    def _begin(self, answer_s: float, mode: float) -> Action:
        gain_from = self._gain
        self._elapsed = 0
        self._gain = 1.0
        self._may_yield = self._away_hops >= _AWAY_HOPS
        self.answers += 1
        if mode != self._hold and self._left(answer_s) <= 1:  # an answer of one hop still has to come to rest
            return self._stop("time", begin=True)
        self._elapsed = 1
        return Action(True, True, gain_from, 1.0, FADE_IN_FRAMES if gain_from < 1.0 else 0)

    def _go_on(self, mode: float, fired: bool, heard, answer_s: float, yields: float) -> Action:
        if mode == self._listen:
            return self._stop("told", refused=self.refuse(1) if fired else "")
        if fired:
            return self._begin(answer_s, mode)
        goal = 1.0
        if mode != self._hold:
            if yields and self._may_yield and heard.present:
                self._yielded_db = self.bleed.over_voice_db(self._last_db)
                return self._stop("yield")
            left = self._left(answer_s)
            if left <= 1:
                return self._stop("time")
            goal = min(1.0, (left - 1) / _END_HOPS)
        gain_from, self._gain = self._gain, goal
        self._elapsed += 1
        return Action(True, False, gain_from, goal, 0 if gain_from == goal else self._hop_frames)

    def _left(self, answer_s: float) -> int:
        return math.inf if answer_s == math.inf else math.ceil(answer_s / self._hop_s - 1e-6) - self._elapsed

    def _stop(self, why: str, begin: bool = False, refused: str = "") -> Action:
        gain_from, self._gain, self._elapsed = self._gain, 0.0, -1
        return Action(True, begin, gain_from, 0.0, self._hop_frames, why, False, refused)

    def _panic(self) -> Action:
        action = self._stop("panic") if self.answering else _SILENCE
        self._forget()
        return action._replace(reset=True)

    def _forget(self) -> None:
        """Forget the performance, and keep the room."""
        self.detector.forget_phrase()
        self.bleed.forget_voice()
        self._elapsed = -1
        self._gain = 0.0
        self._since_trigger = _BOUNCE_HOPS
        self._heard_hops = 0
        self._away_hops = _AWAY_HOPS
        self._may_yield = True
        self._yielded_db: float | None = None
        self._last_db = SILENT_DB
