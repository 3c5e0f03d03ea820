"""One hop of everything: hear it, decide, and answer. The heart of the model process, and of the freewheel driver.

    microphone -> tokenizer -> notes heard -> note model (what comes next, and when)
             \\-> encoder: codes of timbre ->  acoustic model (how this performer would sing it) -> decoder -> voice

Every hop is heard, in every mode, so an answer can begin at the next hop with no prompt to read again.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from functools import partial

import numpy as np

from .model.acoustic import AcousticModel
from .model.bundle import Bundle
from .model.codec import Decoder, Encoder
from .model.level import InputGain
from .model.notes import NoteModel
from .model.sampling import Leanings
from .model.score import Note
from .model.segment import Segmenter
from .model.strikes import Strikes
from .model.strokes import KINDS, Stroke, Strokes
from .model.timbre import LATENT
from .model.tokenizer import Frame, Tokenizer
from .model.tokens import HOP
from .params import REGISTRY, Registry
from .perform import Action, Performer

QUIET_DB = -120.0
_TIMBRE_HOPS = 200  # of the past, after a restart
_UNKNOWN = -1  # hops a note has left, where nobody knows
_UNVOICED = np.zeros(2)
_MIXED, _STROKES_ONLY = 0.35, 0.85  # shares of strokes in what was heard from which they are answered too, and alone
_ONSET = 0.5  # probability at which the performer's state machine is told of an onset
_LEANINGS = tuple(field.name for field in fields(Leanings))  # rows of the table and nats of the note model share names
END_REASONS = ("", "time", "yield", "told", "panic")
"""Why the last answer ended; the status carries the index."""


def build(name: str, seed: int, check: bool = True) -> Chain:
    """Load a bundle into a chain. `check` reads and verifies every byte of it first. Raises BundleError."""
    bundle = Bundle.open(name)
    if check:
        bundle.require_sound()
    return Chain(bundle, Performer(), seed)


class Chain:
    """The whole instrument for one hop of 960 frames at 48 kHz. Model process only; one thread at a time.

    A hop is done in two parts: `step` makes the voice, which is due soon, and `settle` does what that voice did not need
    (learning the performer's timbre, planning the note after this one) and may come any time before the next `step`.

    Deterministic: the same seed, sound and values give the same voice, bit for bit, whenever `settle` is called.
    `state`, `set_state` and `reset` treat all that it remembers as a value; constant cost and constant memory per hop.
    """

    def __init__(self, bundle: Bundle, performer: Performer, seed: int = 1, registry: Registry = REGISTRY):
        self.performer = performer
        self._tokenizer = Tokenizer(bundle.graph("tokenizer"))
        self._segmenter = Segmenter()
        self._strokes, self._strikes = Strokes(), Strikes()
        self._encoder = Encoder(bundle.graph("encoder"))
        self._notes = NoteModel(bundle.graph("notes"), seed)
        self._acoustic = AcousticModel(bundle.graph("memory"), bundle.graph("tokens"), seed)
        self._decoder = Decoder(bundle.graph("decoder"), seed)
        self._level = InputGain()
        self._rows = {path: registry.step_index(path) for path in ("mode", "seed", *_LEANINGS)}
        self._heat = 1.0 / float(registry.resolve("temperature").default)
        self._silence, self._nothing = np.zeros(HOP, np.float32), np.zeros(LATENT, np.float32)
        self._put_off: Callable[[], None] | None = None
        self.status: dict[str, float] = {}
        self.reset(seed)

    def reset(self, seed: int = 1) -> None:
        """Forget everything: the performance, the room and the chances."""
        self._put_off = None
        self.performer.reset()
        self._tokenizer.reset()
        self._encoder.reset()
        self._level.reset()
        self._forget(seed)

    def _forget(self, seed: int) -> None:
        """Forget the performance, keep the room."""
        self._segmenter.reset()
        self._strokes.reset()
        self._strikes.reset()
        self._notes.reset(seed)
        self._acoustic.reset(seed)
        self._decoder.reset(seed)
        self._hop = 0  # hops heard since the segmenter began; the clock of all notes
        self._pitch_before = 0.0
        self._plan: Note | None = None
        self._coming: Note | None = None  # the plan from the next hop on, where it changes there
        self._beat: Stroke | None = None  # the stroke that sounds, or sounded last; None: no strokes are answered
        self._beat_coming: Stroke | None = None  # the one after it, as soon as that is near
        self._beats = 0
        self._seed, self._answers_of_seed = seed, 0
        self._voice_db, self._pitch_played = QUIET_DB, 0.0
        self._notes_heard = 0
        self._end = 0
        self._voice_gain = 1.0

    _FIELDS = ("_hop", "_pitch_before", "_plan", "_coming", "_beat", "_beat_coming", "_beats", "_seed", "_answers_of_seed",
               "_voice_db", "_pitch_played", "_notes_heard", "_end", "_voice_gain")
    _STAGES = ("performer", "_tokenizer", "_segmenter", "_strokes", "_strikes", "_encoder", "_notes", "_acoustic", "_decoder",
               "_level")

    def state(self) -> dict:
        """Return a copy of all that is remembered."""
        self.settle()
        stages = {name: getattr(self, name).state() for name in self._STAGES}
        return {**stages, **{name: getattr(self, name) for name in self._FIELDS}}

    def set_state(self, state: dict) -> None:
        """Go on from what `state` returned."""
        self._put_off = None
        for name in self._STAGES:
            getattr(self, name).set_state(state[name])
        for name in self._FIELDS:
            setattr(self, name, state[name])

    def prime(self, mic: np.ndarray, params: np.ndarray, behind: int = 0) -> None:
        """Hear (hops, 960) float32 of the past without a sound, after a restart; `behind` hops come after these.

        The performer waits meanwhile, so it goes stage by stage, which keeps each one's weights in the cache, and the
        performer's timbre is learned from the last 4 s alone. Notes are heard from the beginning.
        """
        self.settle()
        frames = [self._tokenizer.step(hop) for hop in mic]
        first = 0
        for index, (hop, frame) in enumerate(zip(mic, frames, strict=True)):
            if not self._answering:
                self._strikes.hear(self._hop, hop)
            action, ended = self._understand(frame, params, priming=True)
            self._keep(ended)
            if action.end:
                self._finish(action)
            if action.reset:  # panic is heeded while catching up too
                self._forget(int(params[self._rows["seed"]]))
                first = index + 1
        first = max(first, len(frames) + behind - _TIMBRE_HOPS)
        for index, (hop, frame) in enumerate(zip(mic, frames, strict=True)):
            if index >= first and not self._answering:
                self._listen(hop, frame)
            else:  # long ago, or in the middle of an answer
                self._let_by(hop, frame)

    def resume(self, status: dict[str, float]) -> None:
        """Take over from a chain whose process ended while it played, from the status it left."""
        self.performer.resume(status)

    def step(self, mic: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Hear one hop (960,) float32 and return the voice that follows it, (960,) float32, valid until the next step.

        `params` holds the step rows of the parameter table as doubles, in table order.
        """
        self.settle()
        frame = self._tokenizer.step(mic)
        action, ended = self._understand(frame, params, priming=False)
        if action.answering:
            leanings = self._leanings(params)
            self._keep(ended)
            voice = self._answer(action, params, leanings)
            self._let_by(mic, frame)
            self._put_off = partial(self._look_ahead, leanings)
        else:
            voice = self._silence
            self._put_off = partial(self._learn, ended, mic.copy(), frame)
        self._voice_db = _level_db(voice)
        if action.end:
            self._finish(action)
        if action.reset:
            self.settle()
            self._forget(int(params[self._rows["seed"]]))
        self._report(frame, action, params)
        return voice

    def settle(self) -> None:
        """Do what the last step put off. The next step does it first, where nobody has by then."""
        put_off, self._put_off = self._put_off, None
        if put_off:
            put_off()

    def resound(self, mic: np.ndarray) -> np.ndarray:
        """Sound a hop again from what is heard of it, (960,) float32 each: the codec alone, to judge it by. No `step` beside it."""
        pitch = self._control_pitch(self._tokenizer.step(mic))
        _, loudness = self._encoder.step(mic, pitch)
        return self._decoder.step(self._encoder.coded, loudness, pitch)

    def _understand(self, frame: Frame, params: np.ndarray, priming: bool) -> tuple[Action, list[Note]]:
        """Ask what to do in the hop after this one, and which of the performer's notes ended."""
        ended = self._segmenter.step(frame)
        self._strokes.step(frame.colour)
        self._hop += 1
        answering = self._answering
        action = self.performer.step(frame.loudness_db, frame.voiced, frame.onset > _ONSET, params, self._voice_db, priming)
        return action, [] if answering else ended  # those may be our own voice, back through the room

    def _keep(self, notes: list[Note]) -> None:
        for note in notes:
            if note.pitch > 0:
                self._notes.push(note)
                self._strokes.note()
            else:
                kind = self._strokes.push(note.onset_hop, note.loudness_db)
                if self._strokes.fresh:
                    self._strikes.forget(kind)
                self._strikes.keep(kind, note.onset_hop)
        self._notes_heard += len(notes)

    def _learn(self, notes: list[Note], mic: np.ndarray, frame: Frame) -> None:
        """Take in a hop in which the performer alone may have sounded."""
        self._strikes.hear(self._hop - 1, mic)
        self._keep(notes)
        self._listen(mic, frame)

    def _listen(self, mic: np.ndarray, frame: Frame) -> None:
        """Teach the acoustic model one hop of the performer."""
        pitch = self._control_pitch(frame)
        self._level.step(frame.loudness_db, frame.voiced)
        codes, loudness = self._encoder.step(mic * np.float32(self._level.gain), pitch)
        self._acoustic.listen(pitch, loudness, self._encoder.latent, codes)

    def _let_by(self, mic: np.ndarray, frame: Frame) -> None:
        """Learn nothing from a hop: what sounds during an answer may be our own voice, back through the room."""
        self._encoder.skip(mic * np.float32(self._level.gain))
        self._pitch_before = frame.pitch

    def _control_pitch(self, frame: Frame) -> np.ndarray:
        """Pitch at the two control frames of a hop, (2,) semitones: halfway from the last hop's, then this one's."""
        before, now = self._pitch_before, frame.pitch
        self._pitch_before = now
        glides = before > 0 and now > 0 and abs(now - before) < 2.0
        return np.array([(before + now) / 2 if glides else now, now], np.float32)

    def _leanings(self, params: np.ndarray) -> Leanings:
        return Leanings(**{path: float(params[self._rows[path]]) for path in _LEANINGS})

    @property
    def _answering(self) -> bool:
        return self._plan is not None or self._beat is not None

    def _look_ahead(self, leanings: Leanings) -> None:
        """Plan the note that begins in the next hop, if one does; of the first note, say how long it lasts. Strokes likewise.

        An answer that ends right there leaves a planned note in the note model's past that did not sound.
        """
        plan, beat = self._plan, self._beat
        if plan is not None and self._hop + 1 >= plan.onset_hop + plan.wait_hops:
            self._coming = self._notes.next(leanings)
        if beat is not None and self._beat_coming is None and self._hop + 1 >= beat.onset_hop + beat.wait_hops:
            self._beat_coming = self._strokes.next(leanings)

    def _answer(self, action: Action, params: np.ndarray, leanings: Leanings) -> np.ndarray:
        """Sound one hop of the plan, at the gain the state machine asks for: notes, strokes, or both."""
        if action.begin:
            self._begin(int(params[self._rows["seed"]]), leanings)
        elif self._coming is not None:
            self._plan = self._coming
        self._coming = None
        latent, loudness, pitch = self._nothing, 0, _UNVOICED
        if self._plan is not None:
            plan, elapsed = self._plan, self._hop - self._plan.onset_hop
            sounding = elapsed < plan.sounding_hops
            remaining = (plan.sounding_hops if sounding else plan.wait_hops) - elapsed if plan.wait_hops else _UNKNOWN
            note = plan.pitch if sounding else 0.0
            played = self._acoustic.play(note, elapsed == 0, remaining, leanings.temperature * self._heat)
            latent, loudness, pitch = played.latent, played.loudness, played.pitch
        self._pitch_played = float(pitch[1])
        voice = self._decoder.step(latent, loudness, pitch) * np.float32(self._voice_gain)
        struck = self._strike()
        return action.shape(voice if struck is None else voice + struck)

    def _strike(self) -> np.ndarray | None:
        """The stroke that sounds now, (960,) float32; None where there is none."""
        if self._beat_coming is not None and self._hop >= self._beat_coming.onset_hop:
            self._beat, self._beat_coming = self._beat_coming, None
            self._beats += 1
        beat = self._beat
        if beat is None or self._hop < beat.onset_hop or not self._strikes.knows(beat.kind):
            return None
        return self._strikes.sound(beat.kind, self._beats, self._hop - beat.onset_hop)

    def _begin(self, seed: int, leanings: Leanings) -> None:
        """Take everything heard so far into account, draw the chances of this answer, and open its plans.

        The first answer of a seed is that seed's alone; the ones after it are other chances of the same seed. Strokes are answered
        by strokes, notes by notes, and a mixture by both.
        """
        if not self._answering:
            self._keep(self._segmenter.flush())
            self._decoder.rest()
        if seed != self._seed:
            self._seed, self._answers_of_seed = seed, 0
        chance = seed + 1_000_003 * self._answers_of_seed
        self._answers_of_seed += 1
        self._voice_gain = 1.0 / self._level.gain
        self._notes.reseed(chance)
        self._acoustic.begin(chance)
        share = self._strokes.share() if any(map(self._strikes.knows, range(KINDS))) else 0.0
        self._beat_coming, self._beats = None, 0
        self._beat = self._strokes.begin(self._hop, chance, leanings) if share >= _MIXED else None
        # wait_hops 0: not known yet
        self._plan = self._notes.open(self._hop, leanings) if share < _STROKES_ONLY else None

    def _finish(self, action: Action) -> None:
        """End an answer. What the segmenter was following is the performer's only if the performer is why it ended."""
        self._plan = self._coming = self._beat = self._beat_coming = None
        self._end = END_REASONS.index(action.end)
        if action.end != "yield":
            self._segmenter.flush()

    def _report(self, frame: Frame, action: Action, params: np.ndarray) -> None:
        self.status.update(
            self.performer.status(),
            mode=float(params[self._rows["mode"]]), pitch_heard=frame.pitch, loudness_heard_db=frame.loudness_db,
            voiced=float(frame.voiced), pitch_played=self._pitch_played if action.answering else 0.0,
            loudness_played_db=self._voice_db, end_reason=float(self._end), seed=float(self._seed),
            notes_heard=float(self._notes_heard),
        )  # fmt: skip


def _level_db(sound: np.ndarray) -> float:
    power = float(np.dot(sound, sound)) / len(sound)
    return 10.0 * math.log10(power) if power > 1e-12 else QUIET_DB
