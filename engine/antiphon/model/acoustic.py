"""The acoustic language model at play: hears every hop, and performs planned notes in the sound of whom it heard.

Model process only, one thread. All chance comes from the noise this class supplies to the graph, so a seed repeats a run.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import gestures
from .gestures import BEND_OFFSETS, BENDS, LATENT, LOUDNESS_CLASSES, TRAITS
from .graph import StepGraph
from .tokens import REST

NEVER = -1e9
MEMORY_HOPS = 500
"""Hops in which something sounded that traits are drawn from: 10 s."""
TRAITS_EVERY = 10
RELEASE_HOPS = 5
"""Hops at the end of a note in which its level is free to fall."""
REST_FALL = 2
"""Loudness classes (1.5 dB) that a release or a rest falls by in every hop, at least: a noisy room gave rests full of loud breath."""
SETTLED_HOPS, SETTLED_BEND = 8, 1.5
"""Hops after which a note has arrived, and semitones that it then stays within until its end is near."""
LOUDNESS_HEAT, BEND_HEAT, TIMBRE_HEAT = 0.9, 1.1, (0.8, 0.75, 0.7, 0.65, 0.6, 0.6)
"""Sampling temperatures at `temperature` 1, timbre per level. Loudness and bend below 1 gave half the true vibrato; fine codes hold hardly more than noise."""
LOUDNESS_TAIL, BEND_TAIL, TIMBRE_TAIL = 5.0, 6.0, (3.5, 3.0, 3.0, 2.5, 2.0, 2.0)
"""Classes this many nats below the best are never chosen."""
HABIT_GRIP = (0.6, 0.4, 0.2)
"""How strongly the coarse codes heard are preferred, per level: keeps the answer in the performer's own sound."""
_RARE = 0.004
_LEAST_SPREAD, _MOST_NATS = 3.0, 8.0


@dataclass(frozen=True)
class Hop:
    """What the decoder needs for one hop: codes `(levels,)`, loudness class, pitch `(2,)` in MIDI semitones per 10 ms (0 unvoiced)."""

    codes: np.ndarray
    loudness: int
    pitch: np.ndarray


class AcousticModel:
    """Steps once a hop, `listen` while the performer sounds and `play` while the instrument answers.

    Two graphs: listening runs the memory alone, playing chooses tokens from it too. State: the memory, the hop before, the last 10 s of sounding hops (traits), the note followed, the generator.
    """

    def __init__(self, memory_path: str | Path, tokens_path: str | Path, seed: int = 0):
        self._graph, self._choice = StepGraph(memory_path), StepGraph(tokens_path)
        self._levels = len(self._choice.outputs["tokens"]) - 2
        self._cut = np.cumsum([0, LOUDNESS_CLASSES, BENDS])
        heat = np.array([LOUDNESS_HEAT, BEND_HEAT, *TIMBRE_HEAT], np.float32)
        self._sharpness = 1 / heat
        self._choice.inputs["tail"][:] = [LOUDNESS_TAIL, BEND_TAIL, *TIMBRE_TAIL]
        self.reset(seed)

    def reset(self, seed: int = 0) -> None:
        """Forget everything; chance begins again from `seed`."""
        self._graph.reset()
        self.reseed(seed)
        self._latents = np.zeros((MEMORY_HOPS, LATENT), np.float32)
        self._loudnesses = np.zeros(MEMORY_HOPS, np.int64)
        self._bends = np.full(MEMORY_HOPS, np.nan)
        self._codes = np.full((MEMORY_HOPS, len(HABIT_GRIP)), -1)
        self._habits = np.zeros(len(self._choice.inputs["bias"]), np.float32)
        self._level_habit = np.zeros(LOUDNESS_CLASSES, np.float32)
        # Sounding hops kept so far, hops listened, note now (MIDI, 0 rest), note before, age, pitch one and two hops ago, loudness.
        self._kept = self._listened = self._age = self._loudness = 0
        self._note, self._note_before, self._note_class_held = 0.0, REST, None
        self._pitch = self._pitch_earlier = 0.0
        self._away = self._released = 0
        self._latent = np.zeros(LATENT, np.float32)
        self._traits = np.zeros(TRAITS, np.float32)

    def reseed(self, seed: int) -> None:
        """Start chance anew, keep all that was heard."""
        self._random = np.random.Generator(np.random.PCG64(seed))

    def listen(self, pitch: np.ndarray, loudness: int, latent: np.ndarray, codes: np.ndarray, note: float | None = None, onset: bool = False) -> None:
        """Hear a hop: pitch `(2,)`, loudness class, latent `(32,)` and codes `(levels,)` as `codec.Encoder` gave them.

        `note` is the pitch of the note sounding (MIDI semitones with cents, 0 at rest) and `onset` whether it begins here;
        left out, the model follows the pitch itself.
        """
        now = float(pitch[1] if pitch[1] > 0 else pitch[0])
        if note is None:
            note, onset = self._follow(now)
        self._run(note, onset, -1)
        bend = now - note if now > 0 and note > 0 else np.nan
        if loudness > 0 and note > 0:
            slot = self._kept % MEMORY_HOPS
            self._latents[slot], self._loudnesses[slot], self._bends[slot] = latent, loudness, bend
            self._codes[slot] = codes[:len(HABIT_GRIP)]
            self._kept += 1
        if self._listened % TRAITS_EVERY == 0:
            self._draw_traits()
        self._listened += 1
        self._remember(now if note > 0 else 0.0, loudness, latent)

    def play(self, note: float, onset: bool, remaining: int, temperature: float = 1.0) -> Hop:
        """Perform a hop of the planned `note` (MIDI semitones with cents, 0 for a rest), `remaining` hops before it ends.

        `onset` is true at its first hop. Call `begin` before the first hop of an answer. Where a rest follows a note, the
        first `RELEASE_HOPS` hops of it are the note's release.
        """
        self._released = self._released + 1 if note <= 0 < self._note else 0
        releasing = 0 < self._released <= RELEASE_HOPS
        if releasing:
            note, remaining = self._note, RELEASE_HOPS - self._released + 1
        inputs = self._choice.inputs
        uniform = self._random.random(len(inputs["noise"]), np.float32)
        inputs["noise"][:] = -np.log(-np.log(uniform + 1e-12) + 1e-12)
        inputs["sharpness"][:] = self._sharpness / max(0.05, temperature)
        bias = inputs["bias"]
        bias[:] = self._habits
        bends = bias[self._cut[1]:self._cut[2]]
        if note <= 0:
            bends[1:] = NEVER
        elif self._age + 1 > 2 or not onset:
            # A singer's consonant may open a note unvoiced; a hole in its middle is an error.
            bends[0] = NEVER
            if not 0 <= remaining <= RELEASE_HOPS:
                bias[:LOUDNESS_CLASSES] = self._level_habit
                if self._age + 1 >= SETTLED_HOPS:
                    bends[np.abs(BEND_OFFSETS) > SETTLED_BEND] = NEVER
            bias[0] = 0 if releasing else NEVER
        if note <= 0 or releasing:
            bias[max(1, self._loudness - REST_FALL + 1):LOUDNESS_CLASSES] = NEVER
        self._run(note, onset, remaining)
        inputs["context"][:] = self._graph.outputs["context"]
        self._choice.run()
        tokens = self._choice.outputs["tokens"]
        loudness, bend = int(tokens[0]), int(tokens[1])
        now = note + float(BEND_OFFSETS[bend]) if bend > 0 and note > 0 else 0.0
        before = self._pitch if self._pitch > 0 and now > 0 and abs(self._pitch - now) < 2 else now
        self._remember(now, loudness, self._choice.outputs["latent_chosen"])
        return Hop(tokens[2:].copy(), loudness, np.array([(before + now) / 2, now]))

    def begin(self, seed: int) -> None:
        """Prepare an answer: draw the performer's traits from all that was kept and start chance from `seed`."""
        self._draw_traits()
        self._draw_habits()
        self.reseed(seed)

    def _draw_habits(self):
        """Lean the coarse codes towards those the performer's sound was made of, and the middle of notes towards its levels.

        Without the latter the level walks: one held-out saxophone in ten died away within a note and came back as noise.
        """
        count = min(self._kept, MEMORY_HOPS)
        levels = self._loudnesses[:count] if count else np.array([LOUDNESS_CLASSES / 2])
        spread = max(_LEAST_SPREAD, float(levels.std()))
        beyond = np.maximum(0, np.abs(np.arange(LOUDNESS_CLASSES) - levels.mean()) - spread)
        self._level_habit[:] = -np.minimum(_MOST_NATS, 0.5 * (beyond / (0.7 * spread)) ** 2)
        start = self._cut[2]
        size = (len(self._habits) - start) // self._levels
        for level, grip in enumerate(HABIT_GRIP):
            share = np.bincount(self._codes[:count, level], minlength=size) / max(1, count)
            self._habits[start + level * size:start + (level + 1) * size] = grip * (np.log(share + _RARE) - np.log(_RARE))

    def _run(self, note, onset, remaining):
        note_class = int(gestures.note_class(note))
        changed = onset or (note > 0) != (self._note > 0)
        if changed:
            if note > 0 and self._note_class_held is not None:
                self._note_before = self._note_class_held
            self._age = 0
        else:
            self._age += 1
        if note > 0:
            self._note_class_held = note_class
        self._note = note
        # At rest, the note before is the one that just ended.
        before = self._note_before if note > 0 else (REST if self._note_class_held is None else self._note_class_held)
        inputs = self._graph.inputs
        inputs["plan"][:] = note_class, int(onset), gestures.age_class(self._age), gestures.remain_class(remaining), before
        inputs["loudness"][0] = self._loudness
        inputs["latent"][:] = self._latent
        inputs["trace"][:] = gestures.trace(self._pitch, self._pitch_earlier, note)
        inputs["who"][:] = self._traits
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

    def _draw_traits(self):
        count = min(self._kept, MEMORY_HOPS)
        if count < 5:
            return
        order = np.arange(self._kept - count, self._kept) % MEMORY_HOPS
        with np.errstate(all="ignore"):
            self._traits[:] = gestures.traits(self._latents[order], self._loudnesses[order], self._bends[order])

    _FIELDS = ("_kept", "_listened", "_age", "_loudness", "_note", "_note_before", "_note_class_held", "_pitch", "_pitch_earlier", "_away", "_released")
    _ARRAYS = ("_latents", "_loudnesses", "_bends", "_codes", "_habits", "_level_habit", "_latent", "_traits")

    def state(self) -> dict:
        """A copy of the State."""
        fields = {name: getattr(self, name) for name in self._FIELDS}
        arrays = {name: getattr(self, name).copy() for name in self._ARRAYS}
        return {"graph": self._graph.state(), "random": self._random.bit_generator.state, **fields, **arrays}

    def set_state(self, state: dict) -> None:
        """Take a State that `state` returned."""
        self._graph.set_state(state["graph"])
        self._random.bit_generator.state = state["random"]
        for name in self._FIELDS:
            setattr(self, name, state[name])
        for name in self._ARRAYS:
            getattr(self, name)[:] = state[name]
