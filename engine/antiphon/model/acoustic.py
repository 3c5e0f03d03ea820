"""The acoustic language model at play: hears every hop, and performs planned notes in the sound of whom it heard.

Model process only, one thread. All chance comes from the noise this class supplies to the graph, so a seed repeats a run.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..params.table import VOICES
from . import gestures
from .edges import LEVELS, Edges, Size
from .gestures import BEND_OFFSETS, BENDS, LATENT, LOUDNESS_CLASSES, PLAN, TRACE, TRAITS
from .graph import StepGraph
from .moments import LEAST, Moments
from .timbre import CODEBOOKS, CODES, Codebooks
from .tokens import REST
from .traits import COARSE, Traits

_CONTEXT = (1, Size("context"))
_TOKENS, _LOGITS = LEVELS._replace(plus=2), LEVELS._replace(times=CODES, plus=LOUDNESS_CLASSES + BENDS)
MEMORY = Edges({"rows": (len(PLAN),), "told": (1, LATENT + TRACE + TRAITS)}, {"context": _CONTEXT}, frozenset({"rows"}))
TOKENS = Edges({"context": _CONTEXT, "leaning": (_LOGITS,), "noise": (_LOGITS,), "tail": (_TOKENS,)}, {"tokens": (_TOKENS,)},
               frozenset({"tokens"}))
NEVER = -1e9
TRAITS_EVERY = 10
RELEASE_HOPS = 5
"""Hops at the end of a note in which its level is free to fall."""
REST_FALL = 2
"""Loudness classes (1.5 dB) that a release falls by in every hop, at least, and a rest four times as fast: a noisy room gave
rests of loud breath."""
SETTLED_HOPS, SETTLED_BEND = 8, 1.5
"""Hops after which a note has arrived, and semitones that it then stays within until its end is near."""
GESTURE_HOPS, GESTURE_PACE = (4, 8), 0.6
"""From and to which hop of a note its level and bend become those of the performer's moment, and how much of the way a bend
goes at a leap from one moment to another."""
MOST_LOUDER = 4
"""Classes that a moment may change the level by which was chosen."""
LOUDNESS_HEAT, BEND_HEAT, TIMBRE_HEAT = 0.9, 1.1, (0.8, 0.75, 0.7, 0.65, 0.6, 0.6)
"""Sampling temperatures at `temperature` 1, timbre per level. Loudness and bend below 1 gave half the true vibrato; fine codes
hold hardly more than noise."""
LOUDNESS_TAIL, BEND_TAIL, TIMBRE_TAIL = 5.0, 6.0, (3.5, 3.0, 3.0, 2.5, 2.0, 2.0)
"""Classes this many nats below the best are never chosen."""
HABIT_GRIP = (0.6, 0.4, 0.2)
"""How strongly the coarse codes heard are preferred, per level: keeps the answer in the performer's own sound."""
_MEAN_HOPS = 8  # over which a settled note's own middle is found, which vibrato goes around
PROMPT_HOPS, PROMPT_CLASSES = 2, 12
"""First hops of a note that is prompt, and loudness classes that they may be below the loudest heard: 18 dB."""
STEP_DB = 1.5
"""Of a loudness class."""
_RARE = 0.004
_LEAST_SPREAD, _MOST_NATS = 3.0, 8.0
LOUDER = 2
"""Classes (3 dB) that an answer may be above the loudest that was heard of the performer, less one hop in a hundred."""
_LOUD, _BEND = slice(0, LOUDNESS_CLASSES), slice(LOUDNESS_CLASSES, LOUDNESS_CLASSES + BENDS)
_COARSE_CODES = slice(_BEND.stop, _BEND.stop + COARSE * CODES)


def _only(allowed):
    return np.where(allowed, 0, NEVER).astype(np.float32)


_UNVOICED = np.arange(BENDS) == 0
# Leanings of the bends, by where in a rest or note the hop is.
_AT_REST, _OPENING, _WITHIN = _only(_UNVOICED), _only(np.ones(BENDS, bool)), _only(~_UNVOICED)
_SETTLED = _only(~_UNVOICED & (np.abs(BEND_OFFSETS) <= SETTLED_BEND))


@dataclass(frozen=True, slots=True)
class Manner:
    """How the player wants notes to be sung; the names are rows of the parameter table. `in_tune`, 0..1: how much of what the
    middle of a settled note is off its pitch is taken back. `prompt`: a note is heard from its first hop on, with no breath before it:
    on a grid that is what counts. `apart`: nothing of the performer's own sound, also where a stored voice has no say."""

    glide: float = 1.0
    vibrato: float = 1.0
    loudness: float = 0.0
    timbre: float = 0.0
    timbre_x: float = 0.0
    timbre_y: float = 0.0
    in_tune: float = 0.0
    prompt: bool = False
    apart: bool = False

    def shares(self) -> tuple[float, ...]:
        """How much of the sound is the performer's own, and of each of the four stored voices."""
        x, y, t = self.timbre_x, self.timbre_y, self.timbre
        return 1 - t, t * (1 - x) * (1 - y), t * x * (1 - y), t * (1 - x) * y, t * x * y


PLAIN = Manner()


@dataclass(frozen=True)
class Hop:
    """What the decoder needs for one hop: latent `(32,)`, loudness class, pitch `(2,)` in MIDI semitones (0 unvoiced)."""

    latent: np.ndarray
    loudness: int
    pitch: np.ndarray


class AcousticModel:
    """Steps once a hop, `listen` while the performer sounds and `play` while the instrument answers.

    Two graphs: listening runs the memory alone, playing chooses tokens from it too. `codebooks.npy` lies beside them. State:
    the memory, the hop before, the last 10 s of sounding hops (traits), the note followed, the generator.
    """

    def __init__(self, memory: StepGraph | str | Path, tokens: StepGraph | str | Path, seed: int = 0, voices: Sequence[Moments] = ()):
        chosen: dict[str, int] = {}
        self._graph, self._choice = StepGraph.at(memory, MEMORY, chosen), StepGraph.at(tokens, TOKENS, chosen)
        levels = chosen[LEVELS.name]
        self._codebooks = Codebooks(self._choice.path.with_name(CODEBOOKS), levels)
        sizes = [LOUDNESS_CLASSES, BENDS] + [CODES] * levels
        self._heat = np.array([LOUDNESS_HEAT, BEND_HEAT, *TIMBRE_HEAT[:levels]], np.float32)
        self._heats = np.repeat(self._heat, sizes)
        self._tail = np.array([LOUDNESS_TAIL, BEND_TAIL, *TIMBRE_TAIL[:levels]], np.float32) * self._heat
        # The graph reads these very arrays.
        told = self._graph.inputs["told"][0]
        self._latent, self._trace, self._who = told[:LATENT], told[LATENT:LATENT + TRACE], told[LATENT + TRACE:]
        self._context = self._choice.inputs["context"]
        self._leaning, self._noise = self._choice.inputs["leaning"], self._choice.inputs["noise"]
        self._traits, self._moments = Traits(), Moments()
        self._stored: list[Moments | None] = [*voices, *[None] * (VOICES - len(voices))]
        """Voices that were stored: moments of others, or of earlier. Not forgotten by `reset`; None where a place is empty."""
        self.reset(seed)

    def reset(self, seed: int = 0) -> None:
        """Forget everything; chance begins again from `seed`."""
        self._graph.reset()
        self.reseed(seed)
        self._traits.reset()
        self._moments.reset()
        self._habits = np.zeros((COARSE, CODES), np.float32)
        self._level_habit = np.zeros(LOUDNESS_CLASSES, np.float32)
        self._loudest = LOUDNESS_CLASSES
        # Hops listened, age of the note now, loudness, note now (MIDI, 0 rest), note before, pitch one and two hops ago.
        self._listened = self._age = self._loudness = 0
        self._note, self._note_before, self._note_class_held = 0.0, REST, None
        self._pitch = self._pitch_earlier = self._sounded = 0.0
        self._away = self._released = 0
        self._middle = 0.0  # what the note that sounds is off its pitch in the middle
        self._latent[:] = 0
        self._who[:] = 0
        self._warmth = None

    def store_voice(self, place: int) -> bool:
        """Put the performer's sound as heard so far in the place of a stored voice, from 0; False where too little was heard."""
        if self._moments.hops < LEAST:
            return False
        self._stored[place] = self._moments.copy()
        return True

    def put_voice(self, place: int, voice: Moments) -> None:
        """Put what was stored elsewhere in the place of a stored voice, from 0."""
        self._stored[place] = voice

    def voice(self, place: int) -> Moments | None:
        """A stored voice, from 0; None where there is none."""
        return self._stored[place]

    def moments(self) -> Moments:
        """What was kept of the performer's sound: a copy."""
        return self._moments.copy()

    def reseed(self, seed: int) -> None:
        """Start chance anew, keep all that was heard."""
        self._random = np.random.Generator(np.random.PCG64(seed))

    def listen(self, pitch: np.ndarray, loudness: int, latent: np.ndarray, codes: np.ndarray,
               note: float | None = None, onset: bool = False) -> None:
        """Hear a hop: pitch `(2,)`, loudness class, latent `(32,)` and codes `(levels,)` as `codec.Encoder` gave them.

        `note` is the pitch of the note sounding (MIDI semitones with cents, 0 at rest) and `onset` whether it begins here;
        left out, the model follows the pitch itself.
        """
        now = float(pitch[1] if pitch[1] > 0 else pitch[0])
        if note is None:
            note, onset = self._follow(now)
        self._run(note, onset, -1)
        if loudness > 0 and note > 0:
            self._traits.add(latent, loudness, now - note if now > 0 else math.nan, codes)
            self._moments.add(latent, loudness, now, self._age, now - note if now > 0 else 0.0)
        else:
            self._moments.rest()
        if self._listened % TRAITS_EVERY == 0:
            self._traits.write(self._who)
        self._listened += 1
        self._remember(now if note > 0 else 0.0, loudness, latent)
        self._sounded = self._pitch

    def play(self, note: float, onset: bool, remaining: int, temperature: float = 1.0, manner: Manner = PLAIN) -> Hop:
        """Perform a hop of the planned `note` (MIDI semitones with cents, 0 for a rest), `remaining` hops before it ends, in this
        manner; `temperature` is against the trained one.

        `onset` is true at its first hop. Call `begin` before the first hop of an answer. Where a rest follows a note, the
        first `RELEASE_HOPS` hops of it are the note's release.
        """
        self._released = self._released + 1 if note <= 0 < self._note else 0
        releasing = 0 < self._released <= RELEASE_HOPS
        if releasing:
            note, remaining = self._note, RELEASE_HOPS - self._released + 1
        if temperature != self._warmth:
            self._warm(temperature)
        self._lean(note, onset, remaining, releasing)
        if manner.prompt and note > 0 and not releasing and (onset or self._age + 1 <= PROMPT_HOPS):
            self._leaning[_LOUD][: max(1, self._loudest - PROMPT_CLASSES)] = NEVER
        self._random.standard_exponential(None, np.float32, out=self._noise)
        self._noise += 1e-12
        np.log(self._noise, out=self._noise)
        self._noise *= self._chill
        self._run(note, onset, remaining)
        self._context[:] = self._graph.outputs["context"]
        self._choice.run()
        loudness, bend, *codes = self._choice.outputs["tokens"].tolist()
        self._codebooks.decode(codes)
        away = float(BEND_OFFSETS[bend])
        sung = note + away if bend > 0 and note > 0 else 0.0
        asked = loudness if manner.loudness == 0 or loudness == 0 else self._level_asked(loudness, manner)
        latent = self._voice(asked, sung, remaining, manner)
        if bend > 0 and note > 0 and not releasing and self._age >= GESTURE_HOPS[0]:
            loudness, away = self._gesture(loudness, away, note)
            asked = loudness if manner.loudness == 0 else self._level_asked(loudness, manner)
        now = note + away if bend > 0 and note > 0 else 0.0
        sounds = note + self._bent(away, manner) if now > 0 else 0.0
        before = self._sounded if self._sounded > 0 and now > 0 and abs(self._sounded - sounds) < 2 else sounds
        self._remember(now, loudness, latent)
        self._sounded = sounds
        return Hop(latent, asked, np.array([(before + sounds) / 2, sounds]))

    def _voice(self, loudness: int, sung: float, remaining: int, manner: Manner) -> np.ndarray:
        """The latent to sound: the performer's own moment, a stored voice's, or something between."""
        wanted = self._codebooks.latent
        own = self._moments.find(wanted, loudness, sung, self._age, remaining)
        if manner.apart:
            own = wanted
        if manner.timbre <= 0:
            return own
        share, *others = manner.shares()
        mixed, left = share * own, 1.0 - share
        for part, voice in zip(others, self._stored, strict=True):
            if part > 0 and voice is not None:
                mixed = mixed + part * voice.find(wanted, loudness, sung, self._age, remaining)
                left -= part
        return (mixed + left * own if left > 1e-9 else mixed).astype(np.float32)  # an empty place sounds like the performer

    def _bent(self, away: float, manner: Manner) -> float:
        """How far from its pitch the note sounds: slides and vibrato as the player wants them, its middle in tune as far as asked."""
        if self._age < GESTURE_HOPS[0]:
            self._middle = 0.0
        if self._age < GESTURE_HOPS[1]:
            bent = manner.glide * away
        else:
            bent = away if manner.vibrato == 1 else self._middle + manner.vibrato * (away - self._middle)
        if abs(away) < SETTLED_BEND:
            self._middle += (away - self._middle) / min(_MEAN_HOPS, 1 + max(0, self._age - GESTURE_HOPS[0]))
        return bent - manner.in_tune * self._middle if self._age >= GESTURE_HOPS[0] else bent

    @staticmethod
    def _level_asked(loudness: int, manner: Manner) -> int:
        return min(max(loudness + round(manner.loudness / STEP_DB), 1), LOUDNESS_CLASSES - 1)

    def _gesture(self, loudness, away, note):
        """The level and bend of a settled note: the performer's own, from the moment that sounds, where it has some."""
        own = self._moments.gesture
        if own is None:
            return loudness, away
        first, last = GESTURE_HOPS
        share = min(1.0, (self._age - first + 1) / (last - first + 1))
        theirs = own[1] if abs(own[1]) < SETTLED_BEND else 0.0  # farther away it was not yet on its note
        before = self._pitch - note if self._pitch > 0 else theirs
        if self._moments.leapt and abs(before) < SETTLED_BEND:  # a leap from one moment to another is no leap of pitch
            theirs = before + GESTURE_PACE * (theirs - before)
        louder = max(-MOST_LOUDER, min(MOST_LOUDER, own[0] - loudness))
        return max(1, round(loudness + share * louder)), away + share * (theirs - away)

    def _lean(self, note, onset, remaining, releasing):
        """Say which levels and bends may be chosen in this hop, and which are preferred."""
        levels, bends = self._leaning[_LOUD], _OPENING
        levels[:] = 0
        if note <= 0:
            bends = _AT_REST
        elif self._age + 1 > 2 or not onset:
            # A singer's consonant may open a note unvoiced; a hole in its middle is an error.
            bends = _WITHIN
            if not 0 <= remaining <= RELEASE_HOPS:
                levels[:] = self._level_leaning
                if self._age + 1 >= SETTLED_HOPS:
                    bends = _SETTLED
            levels[0] = 0 if releasing else NEVER
        self._leaning[_BEND] = bends
        levels[self._loudest + LOUDER + 1:] = NEVER
        if note <= 0 or releasing:
            levels[max(1, self._loudness - (REST_FALL if releasing else 4 * REST_FALL) + 1):] = NEVER

    def _warm(self, temperature):
        """Set the temperature: logits are not divided by it; noise, leanings and tails, which meet them, are multiplied."""
        self._warmth = temperature
        warmth = max(0.05, temperature)
        self._chill = -self._heats * np.float32(warmth)
        self._choice.inputs["tail"][:] = self._tail * warmth
        self._level_leaning = self._level_habit * (LOUDNESS_HEAT * warmth)
        self._leaning[_COARSE_CODES] = (self._habits * (self._heat[2:2 + COARSE, None] * warmth)).ravel()

    def begin(self, seed: int) -> None:
        """Prepare an answer: draw the performer's traits from all that was kept and start chance from `seed`."""
        self._traits.write(self._who)
        self._moments.begin()
        for voice in self._stored:
            if voice is not None:
                voice.begin()
        self._draw_habits()
        self.reseed(seed)

    def _draw_habits(self):
        """Lean the coarse codes towards those the performer's sound was made of, and the middle of notes towards its levels.

        Without the latter the level walks: one held-out saxophone in ten died away within a note and came back as noise.
        """
        mean, spread = self._traits.loudness()
        spread = max(_LEAST_SPREAD, spread)
        beyond = np.maximum(0, np.abs(np.arange(LOUDNESS_CLASSES) - mean) - spread)
        self._level_habit[:] = -np.minimum(_MOST_NATS, 0.5 * (beyond / (0.7 * spread)) ** 2)
        self._loudest = self._traits.loudest()
        self._habits[:] = np.array(HABIT_GRIP)[:, None] * (np.log(self._traits.use() + _RARE) - math.log(_RARE))
        self._warmth = None

    def _run(self, note, onset, remaining):
        changed = onset or (note > 0) != (self._note > 0)
        if changed:
            if note > 0 and self._note_class_held is not None:
                self._note_before = self._note_class_held
            self._age = 0
        else:
            self._age += 1
        if note > 0:
            self._note_class_held = gestures.note_number(note)
        self._note = note
        # At rest, the note before is the one that just ended.
        before = self._note_before if note > 0 else (REST if self._note_class_held is None else self._note_class_held)
        self._graph.inputs["rows"][:] = gestures.plan_rows(note, onset, self._age, remaining, before, self._loudness)
        self._trace[:] = gestures.trace_of(self._pitch, self._pitch_earlier, note)
        self._graph.run()

    def _remember(self, pitch, loudness, latent):
        self._pitch_earlier, self._pitch, self._loudness = self._pitch, pitch, loudness
        self._latent[:] = latent

    def _follow(self, pitch):
        """Guess the note from the pitch alone: a new one where the pitch stays 0.7 semitones away for three hops."""
        if pitch <= 0:
            self._away = 0
            return 0.0, False
        if self._note <= 0:
            self._away = 0
            return pitch, True
        if abs(pitch - self._note) < 0.7:
            self._away = 0
            return self._note + (pitch - self._note) / (4 + min(self._age, 20)), False
        self._away += 1
        if self._away < 3:
            return self._note, False
        self._away = 0
        return pitch, True

    _FIELDS = ("_listened", "_age", "_loudness", "_note", "_note_before", "_note_class_held", "_pitch", "_pitch_earlier", "_away",
               "_released", "_loudest", "_middle", "_sounded")
    _ARRAYS = ("_habits", "_level_habit", "_latent", "_who")

    def state(self) -> dict:
        """A copy of the State."""
        fields = {name: getattr(self, name) for name in self._FIELDS}
        arrays = {name: getattr(self, name).copy() for name in self._ARRAYS}
        parts = {"graph": self._graph.state(), "traits": self._traits.state(), "moments": self._moments.state(),
                 "stored": [voice and voice.state() for voice in self._stored],
                 "random": self._random.bit_generator.state}  # fmt: skip
        return {**parts, **fields, **arrays}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._graph.set_state(state["graph"])
        self._traits.set_state(state["traits"])
        self._moments.set_state(state["moments"])
        self._stored = [voice and Moments.of(voice) for voice in state["stored"]]
        self._random.bit_generator.state = state["random"]
        for name in self._FIELDS:
            setattr(self, name, state[name])
        for name in self._ARRAYS:
            getattr(self, name)[:] = state[name]
        self._warmth = None
