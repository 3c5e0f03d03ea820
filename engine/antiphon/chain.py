"""One hop of everything: hear it, decide, and answer. The heart of the model process, and of the freewheel driver.

    microphone -> tokenizer -> notes heard -> note model (what comes next, and when)
             \\-> encoder: codes of timbre ->  acoustic model (how this performer would sing it) -> decoder -> voice

Every hop is heard, in every mode, so an answer can begin at the next hop with no prompt to read again.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from .answers import Telling
from .beats import Beats
from .cupboard import Cupboard
from .line import Line, Now
from .model.acoustic import AcousticModel, Manner
from .model.bundle import QUOTES, Bundle
from .model.codec import Decoder, Encoder
from .model.keeping import Keeping, Kept, as_heard
from .model.level import InputGain
from .model.moments import Moments
from .model.notes import NoteModel
from .model.placement import Placement
from .model.score import HOP_S, IOI_CENTRE, Note
from .model.segment import Segmenter
from .model.strikes import Strikes
from .model.strokes import KINDS, Strokes
from .model.timbre import LATENT
from .model.timing import Timing
from .model.tokenizer import Frame, Tokenizer
from .model.tokens import HOP
from .params import REGISTRY, Registry
from .params.table import SLOTS
from .perform import Action, Performer
from .playback import Playback
from .provenance import voices, works
from .provenance.guard import Guard
from .provenance.quotes import Quotes
from .provenance.voices import Recogniser
from .units import db_to_gain
from .wishes import Wishes

QUIET_DB = -120.0
_TIMBRE_HOPS = 200  # of the past, after a restart
_UNVOICED = np.zeros(2)
_MIXED, _STROKES_ONLY = 0.35, 0.85  # shares of strokes in what was heard from which they are answered too, and alone
_ONSET = 0.5  # probability at which the performer's state machine is told of an onset
_A_WHILE = 50  # hops
_LAST_NOTES, _LAST_KEY = 4, 16  # of a phrase that is gone on from: the note model hears so many, what it is in is told by so many
_RENEW_EVERY = 10  # hops: a knob that turns and turns does not make a trill
END_REASONS = ("", "time", "yield", "told", "panic")
"""Why the last answer ended; the status carries the index."""


def build(name: str, seed: int, check: bool = True, cupboard: Path | None = None, person: str = "") -> Chain:
    """Load a bundle into a chain. `check` reads and verifies every byte of it first; `cupboard` is as Chain has it; `person` is who
    performs, and may be answered in their own voice though it is protected. Raises BundleError."""
    bundle = Bundle.open(name)
    if check:
        bundle.require_sound()
    return Chain(bundle, Performer(), seed, cupboard=cupboard, guard=guard_of(bundle),
                 protected=Recogniser(voices.read()[0], person))


def guard_of(bundle: Bundle) -> Guard:
    """The guard over the melodies that a bundle was trained on and over the player's register of works, as it is now. Raises
    BundleError."""
    learned = bundle.constant(QUOTES)
    return Guard((Quotes.load(learned) if learned else Quotes.empty()).joined(works.melodies()), IOI_CENTRE)


class Chain:
    """The whole instrument for one hop of 960 frames at 48 kHz. Model process only; one thread at a time.

    A hop is done in two parts: `step` makes the voice, which is due soon, and `settle` does what that voice did not need
    (learning the performer's timbre, planning the note after this one) and may come any time before the next `step`.

    Deterministic: the same seed, sound and values give the same voice, bit for bit, whenever `settle` is called.
    `state`, `set_state` and `reset` treat all that it remembers as a value; constant cost and constant memory per hop.
    """

    def __init__(self, bundle: Bundle, performer: Performer, seed: int = 1, registry: Registry = REGISTRY,
                 cupboard: Path | None = None, guard: Guard | None = None, protected: Recogniser | None = None):
        """`cupboard` is a folder in which slots and stored voices outlive this process: what lies there is taken up. `guard` says
        what must not be quoted; without one anything may. `protected` knows voices that nobody is answered in."""
        self.performer = performer
        self._tokenizer = Tokenizer(bundle.graph("tokenizer"))
        self._segmenter = Segmenter()
        self._strokes, self._strikes = Strokes(), Strikes()
        self._encoder = Encoder(bundle.graph("encoder"))
        self._guard = guard or Guard(Quotes.empty(), IOI_CENTRE)
        self._protected = protected or Recogniser()
        self._notes = NoteModel(bundle.graph("notes"), seed, self._guard)
        self._acoustic = AcousticModel(bundle.graph("memory"), bundle.graph("tokens"), seed, bundle.voices())
        self._decoder = Decoder(bundle.graph("decoder"), seed)
        self._timing = Timing()
        self._line, self._beats = Line(self._notes, self._timing), Beats(self._strokes, self._strikes, self._timing)
        self._placement, self._keeping = Placement(), Keeping(SLOTS)
        self._playback = Playback()
        self.telling = Telling()
        """Who collects what is played, and what has ended of it."""
        self._level = InputGain()
        self._wishes = Wishes(registry)
        self._heat = 1.0 / float(registry.resolve("temperature").default)
        self._silence, self._nothing = np.zeros(HOP, np.float32), np.zeros(LATENT, np.float32)
        self._put_off: Callable[[], None] | None = None
        self.due_s: float | None = None
        """Device time at which the hop that comes next is heard; set by whoever knows it before `step`, None: hops are counted."""
        self.status: dict[str, float] = {}
        self.ended: list[tuple[float, int, float, float]] = []
        """The performer's notes that ended since the last step began: hops since their onset, hops they sounded, pitch, loudness in dB."""
        self._cupboard = Cupboard(cupboard, self._keeping, self._acoustic) if cupboard else None
        self.reset(seed)

    def reset(self, seed: int = 1) -> None:
        """Forget everything: the performance, the room and the chances."""
        self._put_off = None
        self.performer.reset()
        self._tokenizer.reset()
        self._encoder.reset()
        self._level.reset()
        self._wishes.reset()
        self._guard.reset()
        self._forget(seed)

    def _forget(self, seed: int) -> None:
        """Forget the performance, keep the room."""
        self._segmenter.reset()
        self._strokes.reset()
        self._strikes.reset()
        self._notes.reset(seed)
        self._acoustic.reset(seed)
        self._protected.reset()
        self._apart = 0  # key of the protected voice that the answer keeps apart from; 0 none
        self._decoder.reset(seed)
        self._timing.reset()
        self._line.reset()
        self._beats.reset()
        self._placement.reset()
        self.telling.reset()
        self._playback.reset()
        self._keeping.forget()
        self._hop = 0  # hops heard since the segmenter began; the clock of all notes
        self._pitch_before = 0.0
        self._sung: tuple | None = None  # latent, loudness class and pitch of the hop that sounded last
        self._seed, self._answers_of_seed = seed, 0
        self._began: tuple | None = None  # where the last answer began: notes heard by then, states of note model and strokes
        self._renewed = -_RENEW_EVERY
        self._voice_db, self._pitch_played = QUIET_DB, 0.0
        self._notes_heard = self._notes_played = 0
        self._end = 0
        self._voice_gain = 1.0

    _FIELDS = ("_hop", "_pitch_before", "_sung",
               "_seed", "_answers_of_seed", "_began", "_renewed", "_voice_db", "_pitch_played", "_notes_heard", "_notes_played",
               "_end", "_voice_gain", "_apart")
    _STAGES = ("performer", "_tokenizer", "_segmenter", "_strokes", "_strikes", "_encoder", "_notes", "_guard", "_protected", "_acoustic",
               "_decoder", "_level", "_timing", "_line", "_beats", "_placement", "_keeping", "_playback", "_wishes", "telling")

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
        self._wishes.glance(params)
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
                self._forget(self._wishes.seed)
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
        self._protected.take_over(int(status.get("voice_match", 0)))

    def step(self, mic: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Hear one hop (960,) float32 and return the voice that follows it, (960,) float32, valid until the next step.

        `params` holds the step rows of the parameter table as doubles, in table order.
        """
        self.settle()
        self.ended = []
        frame = self._tokenizer.step(mic)
        wishes = self._wishes
        wishes.take(params)
        self._guard.ask(*wishes.guard)
        self._put_away()
        called = self._called()
        action, ended = self._understand(frame, params, False, called)
        if action.answering:
            self._keep(ended)
            voice = self._answer(action, called)
            self._let_by(mic, frame)
            self._put_off = self._look_ahead
        else:
            voice = self._silence
            self._put_off = partial(self._learn, ended, mic.copy(), frame)
        self._voice_db = _level_db(voice)
        if action.end:
            self._finish(action)
        if action.reset:
            self.settle()
            self._forget(wishes.seed)
        self._report(frame, action)
        return voice

    def settle(self) -> None:
        """Do what the last step put off. The next step does it first, where nobody has by then."""
        put_off, self._put_off = self._put_off, None
        if put_off:
            put_off()

    def moments(self) -> Moments:
        """What was kept of the performer's sound: a copy."""
        return self._acoustic.moments()

    def resound(self, mic: np.ndarray) -> np.ndarray:
        """Sound a hop again from what is heard of it, (960,) float32 each: the codec alone, to judge it by. No `step` beside it."""
        pitch = self._control_pitch(self._tokenizer.step(mic))
        _, loudness = self._encoder.step(mic, pitch)
        return self._decoder.step(self._encoder.coded, loudness, pitch)

    def _called(self) -> Kept | bool:
        """What was asked for just now that needs nothing of the performer's: what a slot keeps, the last answer again (True)."""
        happened = self._wishes.happened
        if "recall" in happened:
            kept = self._keeping.slot(happened["recall"] - 1)
            if kept is None:
                self.performer.refuse(3)
            return kept or False
        if "regenerate" in happened and self._began is None:
            self.performer.refuse(4)
        return "regenerate" in happened and self._began is not None

    def _understand(self, frame: Frame, params: np.ndarray, priming: bool, called: Kept | bool = False) -> tuple[Action, list[Note]]:
        """Ask what to do in the hop after this one, and which of the performer's notes ended."""
        ended = self._segmenter.step(frame)
        self._strokes.step(frame.colour)
        self._hop += 1
        answering = self._answering
        action = self.performer.step(frame.loudness_db, frame.voiced, frame.onset > _ONSET, params, self._voice_db, priming,
                                     bool(called), self._playback.over, self._playback.playing)
        return action, [] if answering else ended  # those may be our own voice, back through the room

    def _keep(self, notes: list[Note]) -> None:
        for note in notes:
            self._timing.hear(note.onset_hop)
            self._keeping.heard(note)
            if note.pitch > 0:
                self._notes.push(note)
                self._strokes.note()
                self.telling.hear(note.pitch)
            else:
                kind = self._strokes.push(note.onset_hop, note.loudness_db)
                if self._strokes.fresh:
                    self._strikes.forget(kind)
                self._strikes.keep(kind, note.onset_hop)
            self.ended.append((self._hop - note.onset_hop, note.sounding_hops, note.pitch, note.loudness_db))
        self._notes_heard += len(notes)

    def _learn(self, notes: list[Note], mic: np.ndarray, frame: Frame) -> None:
        """Take in a hop in which the performer alone may have sounded."""
        self._strikes.hear(self._hop - 1, mic)
        self._keeping.hear(self._hop - 1, mic, self.performer.detector.in_phrase)
        self._keep(notes)
        self._listen(mic, frame)
        if self._cupboard:
            self._cupboard.lock_up()

    def _listen(self, mic: np.ndarray, frame: Frame) -> None:
        """Teach the acoustic model one hop of the performer."""
        pitch = self._control_pitch(frame)
        self._level.step(frame.loudness_db, frame.voiced)
        codes, loudness = self._encoder.step(mic * np.float32(self._level.gain), pitch)
        self._acoustic.listen(pitch, loudness, self._encoder.latent, codes)
        if frame.voiced and loudness > 0:
            self._protected.hear(self._encoder.bands)

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

    @property
    def _answering(self) -> bool:
        return self._line.playing or self._beats.playing or self._playback.playing

    def _now_s(self) -> float:
        """Device time at which the hop is heard that is made now."""
        return self._hop * HOP_S if self.due_s is None else self.due_s

    def _look_ahead(self) -> None:
        """Plan the note that begins in the next hop, if one does; of the first note, say how long it lasts. Strokes likewise.

        An answer that ends right there leaves a planned note in the note model's past that did not sound.
        """
        leanings = self._wishes.line.leanings
        self._line.look_ahead(self._hop, leanings)
        self._beats.look_ahead(self._hop, leanings)
        if self._cupboard:
            self._cupboard.lock_up()

    def _put_away(self) -> None:
        """Keep in a slot, or store as a voice, what the player wants kept."""
        happened = self._wishes.happened
        for path, put in (("keep", self._keeping.keep), ("store_voice", self._acoustic.store_voice)):
            if path in happened:
                if path == "store_voice" and self._protected.match:
                    self.performer.refuse(5)
                elif not put(happened[path] - 1):
                    self.performer.refuse(2)
                else:
                    if path == "store_voice":
                        self.telling.store(happened[path] - 1)
                    if self._cupboard:
                        self._cupboard.put(path, happened[path] - 1)

    def _answer(self, action: Action, called: Kept | bool) -> np.ndarray:
        """Sound one hop of the answer, at the gain the state machine asks for: notes, strokes or both, or what a slot keeps."""
        wishes = self._wishes
        if action.begin:
            self._begin(called)
        if self._playback.playing:
            return action.shape(self._play_kept())
        late = 0.0
        if wishes.freeze:
            self._beats.hold()
        if wishes.freeze and self._sung is not None:
            self._line.hold()
            voice = self._decoder.step(*self._sung, colour=wishes.colour)
        else:
            now = self._sing(action)
            latent, loudness, pitch = self._nothing, 0, _UNVOICED
            if now is not None:
                late, manner = now.late, self._manner()
                played = self._acoustic.play(now.pitch, now.onset, now.left, wishes.line.leanings.temperature * self._heat, manner)
                self.telling.sound(manner.shares())
                latent, loudness, pitch = played.latent, played.loudness, played.pitch
                if loudness > 0 and now.pitch > 0:
                    self._sung = latent.copy(), loudness, np.full(2, pitch[1])
            self._pitch_played = float(pitch[1])
            voice = self._decoder.step(latent, loudness, pitch, colour=wishes.colour)
        voice, struck = voice * np.float32(self._voice_gain), self._beats.step(self._hop, wishes.freeze)
        if struck is not None:
            self.telling.sound((1.0,))
            voice = voice + struck * np.float32(db_to_gain(wishes.manner.loudness))
        voice = self._placement.step(voice, int((late if self._line.playing else self._beats.at % 1.0) * HOP))
        self._keeping.play(voice)
        return action.shape(voice)

    def _manner(self) -> Manner:
        """How notes are sung: as the player wants, but for whom an answer must not sound like: then in the stored voices alone."""
        return replace(self._wishes.manner, timbre=1.0, apart=True) if self._apart else self._wishes.manner

    def _sing(self, action: Action) -> Now | None:
        """The line's hop: first what the player has changed, then what sounds. None where strokes are answered alone."""
        wishes, hop = self._wishes, self._hop
        if not action.begin:
            self._renew()
        if not self._line.playing:
            self._timing.ask(hop, wishes.line.time, self._now_s())
            return None
        now = self._line.step(hop, wishes.line, self._now_s())
        if now.onset:
            self._notes_played += 1
            self.telling.play(now.pitch)
            self._keeping.played(Note(hop, now.pitch, 1))
        elif now.pitch > 0:
            self._keeping.sounds(hop)
        return now

    def _renew(self) -> None:
        """Answer a change of wishes at once: what sounds gives way to what comes next, chosen by the new ones."""
        wishes = self._wishes
        if wishes.reseeded:
            self._notes.reseed(wishes.seed)
            self._acoustic.reseed(wishes.seed)
            wishes.reseeded = False
        asked, since = wishes.note_asked, self._hop - self._renewed
        if not (wishes.renewing or asked):
            return
        if not asked and (since < _RENEW_EVERY or (since < _A_WHILE and self._line.age(self._hop) < _RENEW_EVERY)):
            return  # a knob that turns and turns cuts no note short that has hardly begun
        done = False
        if self._line.playing:
            pitch = None if not asked else asked + (0.0 if wishes.line.pitch.tune_to == "440" else self._notes.key.tuning)
            done = self._line.renew(self._hop, wishes.line, pitch)
        done = self._beats.renew(self._hop, wishes.line.leanings) or done
        if done:
            self._renewed = self._hop
            wishes.renewed()

    def _play_kept(self) -> np.ndarray:
        """A hop of what a slot keeps."""
        hop = self._playback.step(self._wishes.freeze, self._wishes.recall_as == "once")
        self._pitch_played = self._playback.pitch
        if self._playback.begins:
            self._notes_played += 1
            self.telling.play(self._pitch_played)
        return hop

    def _begin(self, called: Kept | bool) -> None:
        """Take everything heard so far into account, draw the chances of this answer, and open its plans.

        The first answer of a seed is that seed's alone; the ones after it are other chances of the same seed. Strokes are answered
        by strokes, notes by notes, and a mixture by both.
        """
        wishes = self._wishes
        if not self._answering:
            self._keep(self._segmenter.flush())
            self._decoder.rest()
            self._placement.reset()
        wishes.renewed()
        wishes.reseeded = False
        self._apart = self._protected.key
        self.telling.begin()
        self._sung = None
        self._playback.reset()
        self._line.reset()
        self._beats.reset()
        sung = [note for note in called.notes if note.pitch > 0] if isinstance(called, Kept) else []
        if isinstance(called, Kept) and (wishes.recall_as != "continue" or not sung):  # strokes cannot be gone on from: their sound is gone
            self._playback.begin(called)
            self._keeping.pause()
            return
        if called is True and self._began[0] == self._notes_heard:
            self._notes.set_state(self._began[1])
            self._strokes.set_state(self._began[2])
        elif isinstance(called, Kept):
            sung = as_heard(sung, self._hop, len(called.sound))
            for note in sung[-_LAST_KEY - _LAST_NOTES : -_LAST_NOTES]:
                self._notes.key.hear(note.pitch, note.sounding_hops)
            self._keep(sung[-_LAST_NOTES:])
        self._began = self._notes_heard, self._notes.state(), self._strokes.state()
        if wishes.seed != self._seed:
            self._seed, self._answers_of_seed = wishes.seed, 0
        chance = self._seed + 1_000_003 * self._answers_of_seed
        self._answers_of_seed += 1
        self._voice_gain = 1.0 / self._level.gain
        self._notes.reseed(chance)
        self._acoustic.begin(chance)
        self._keeping.begin(self._hop)
        struck = any(map(self._strikes.knows, range(KINDS))) and not self._apart  # strokes are the performer's own recorded sound
        share = self._strokes.share() if struck else 0.0
        self._timing.begin(self._hop, wishes.line.time, self._now_s())
        if share >= _MIXED:
            self._beats.begin(self._hop, chance, wishes.line.leanings)
        if share < _STROKES_ONLY:
            self._line.begin(self._hop, wishes.line, self._now_s())

    def _finish(self, action: Action) -> None:
        """End an answer. What the segmenter was following is the performer's only if the performer is why it ended."""
        self._line.reset()
        self._beats.reset()
        self._playback.reset()
        self.telling.end()
        self._end = END_REASONS.index(action.end)
        if action.end != "yield":
            self._segmenter.flush()

    def _report(self, frame: Frame, action: Action) -> None:
        plan = [(self._now_s() + (onset - self._hop) * HOP_S, pitch, hops * HOP_S) for onset, pitch, hops in self._line.plan]
        scale, tonic = map(float, self._notes.key.likeliest or (-1, -1))
        now, coming = (*plan, *[(0.0, 0.0, 0.0)] * (2 - len(plan)))
        self.status.update(
            self.performer.status(),
            mode=float(self._wishes.mode), pitch_heard=frame.pitch, loudness_heard_db=frame.loudness_db,
            voiced=float(frame.voiced), pitch_played=self._pitch_played if action.answering else 0.0,
            loudness_played_db=self._voice_db, end_reason=float(self._end), seed=float(self._seed),
            notes_heard=float(self._notes_heard), notes_played=float(self._notes_played),
            note_onset_s=now[0], note_pitch=now[1], note_length_s=now[2], next_onset_s=coming[0], next_pitch=coming[1],
            scale_heard=scale, key_heard=tonic, tempo_heard=self._timing.heard_bpm if self._notes_heard > 2 else 0.0,
            tempo=self._timing.bpm if self._line.playing else 0.0, voice_match=float(self._apart), **self._guard.status(),
        )  # fmt: skip


def _level_db(sound: np.ndarray) -> float:
    power = float(np.dot(sound, sound)) / len(sound)
    return 10.0 * math.log10(power) if power > 1e-12 else QUIET_DB
