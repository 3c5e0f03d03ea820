"""The note model at play: it hears notes, and plans the next one.

Runs once a note, not once a hop. A note is run through the graph when its timing is known: a heard note when the next
one is heard or an answer begins, a planned note when the next plan is asked for. So hearing is teacher forcing,
planning is sampling, and one ring of keys and values serves both.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import match, score
from .edges import Edges, Size
from .graph import StepGraph
from .key import Key
from .pitches import FORBIDDEN, Pitches, PitchWishes
from .sampling import (
    BREATH_AFTER_S,
    BREATH_HOPS,
    TAIL,
    Guarding,
    Leanings,
    LoopBrake,
    breath_leaning,
    chances,
    chosen,
    habit_leaning,
    pace_leaning,
    pitch_leaning,
)
from .score import Note

DEFAULT_LEANINGS = Leanings()
_HEADS, _SIZE = Size("heads"), Size("half of a head", times=2)
_TURNS = (_HEADS._replace(times=2), 1, _SIZE)
_FRESH = (_HEADS, 1, _SIZE)
EDGES = Edges(
    {
        "token": (9,), "cos": _TURNS, "sin": _TURNS, "mask": (score.WINDOW,),
        "noise": (score.IOIS + score.ARTICULATIONS + score.NOTES,), "ioi_bias": (score.IOIS,),
        "articulation_bias": (score.IOIS, score.ARTICULATIONS), "pitch_bias": (score.NOTES,),
        "sharpness": (2,), "tail": (1,), "top_p": (1,), "match_nats": (2,),
        "keys_*": (_HEADS, _SIZE, score.WINDOW), "values_*": (_HEADS, score.WINDOW, _SIZE),
    },
    {"ioi": (1,), "articulation": (1,), "pitch": (1,), "logits": (1, score.IOIS + score.ARTICULATIONS + score.NOTES),
     "keys_*_new": _FRESH, "values_*_new": _FRESH},
    frozenset({"token", "ioi", "articulation", "pitch"}),
)  # fmt: skip
_SILENT = -1e9
_FORCED = 1e6
_LONGEST = score.LONGEST_IOI - 1
MOTIF = 4  # notes of the performer's that a phrase may begin with
QUOTES = 0.8  # share of phrases that do, at novelty 0.5
START_NATS = 3.0  # towards the very note that the motif began on
ANOTHER_NATS = -12.0  # against the very note that gives way: its repetition would not be heard for an answer to what has changed
_SMALL_STEP = 5  # semitones; the first note of an answer stays this near to where the performer stopped


@dataclass
class _Memory:
    """All that is remembered beside the graph's keys and values, the key, and the brake."""

    seed: int = 0
    draws: int = 0  # notes sampled since the seed was set
    runs: int = 0  # notes run through the graph, ever
    model_hop: float = 0.0  # onset of the newest run note in model time: waits are clipped to what the model knows
    pitches: list[int] = field(default_factory=list)  # classes of the last WINDOW run notes
    iois: list[int] = field(default_factory=list)  # wait bins after them; the newest is set when the next note is run
    theirs: list[bool] = field(default_factory=list)  # whether the performer sang them
    own: list[int] = field(default_factory=list)  # semitones of the instrument's own last notes
    own_hops: list[int] = field(default_factory=list)  # and their waits
    heard_hops: list[int] = field(default_factory=list)  # waits of the performer's last notes
    last: Note | None = None  # newest run note
    pending: Note | None = None  # the note after it, not yet run
    pending_class: int = 0
    planned: bool = False  # the pending note is a plan (so it has not sounded), not a heard note
    anchor: int = 62
    since_breath: float = 0.0  # seconds
    phrases: list[float] = field(default_factory=list)  # seconds that the performer's last phrases lasted, breath to breath
    phrase: float = 0.0  # and the one they are in
    quoted: int = -1  # number of the run note of theirs that the pending note takes up, -1: none
    quoted_for: int = 0  # notes since a motif was taken up


class NoteModel:
    """Plans notes in the performer's key, register, tempo and motifs. Model process only; about 0.4 ms a note.

    ``push`` heard notes in order; ``begin(now_hop)`` returns the first note of an answer, sounding at once; ``next()``
    the one after it, to be asked for when its onset has come (or, to look ahead, before); ``push`` again when the
    performer is back. A plan that was not asked for has not sounded, and is dropped by ``push``.
    """

    def __init__(self, place: StepGraph | str | Path, seed: int = 0, guard: Guarding | None = None):
        self._graph, self._guard = StepGraph.at(place, EDGES), guard
        self._heads, self._size = self._graph.inputs["keys_0"].shape[:2]
        self._layers = sum(name.startswith("keys_") for name in self._graph.inputs)
        self._key, self._brake = Key(), LoopBrake()
        self.pitches = Pitches(self._key)
        """Which pitches may be taken, and how they are tuned; `ask` says what is wanted of them."""
        self._stretch = 1.0
        self._before: tuple | None = None  # what `undo` needs
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Forget everything, and start the chances anew from ``seed``."""
        self._memory = _Memory(seed=seed)
        self._key.reset()
        self._brake.reset()
        self._graph.inputs["mask"][:] = _SILENT
        for layer in range(self._layers):
            self._graph.inputs[f"keys_{layer}"][:] = 0
            self._graph.inputs[f"values_{layer}"][:] = 0

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        ring = {name: self._graph.inputs[name].copy() for name in self._ring_names()}
        return {
            "memory": copy.deepcopy(self._memory),
            "key": self._key.state(),
            "brake": self._brake.state(),
            "ring": ring,
            "before": copy.deepcopy(self._before),
        }

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        self._memory = copy.deepcopy(state["memory"])
        self._key.set_state(state["key"])
        self._brake.set_state(state["brake"])
        self._before = copy.deepcopy(state["before"])
        for name in self._ring_names():
            self._graph.inputs[name][:] = state["ring"][name]

    def _ring_names(self) -> list[str]:
        return ["mask", "token", "cos", "sin"] + [f"{kind}_{layer}" for layer in range(self._layers) for kind in ("keys", "values")]

    def reseed(self, seed: int) -> None:
        """Start the chances anew from ``seed``; nothing heard is forgotten."""
        self._memory.seed, self._memory.draws = seed, 0

    def ask(self, wishes: PitchWishes, stretch: float = 1.0) -> None:
        """Say what is wanted of pitch from now on, and how many times as long a planned wait really lasts. Not remembered: ask
        at every hop of an answer."""
        self.pitches.ask(wishes)
        self._stretch = stretch

    def fit(self, note: Note) -> Note:
        """Give the note that may be begun now: itself, or where wishes changed since it was planned, with the nearest pitch."""
        return dataclasses.replace(note, pitch=self.pitches.fit(note.pitch))

    @property
    def key(self) -> Key:
        """The performer's tuning, scale and register, as heard so far."""
        return self._key

    def push(self, note: Note) -> None:
        """Hear a finished note of the performer."""
        memory = self._memory
        if memory.planned:
            memory.pending, memory.planned = None, False
        semitone = self._key.hear(note.pitch, note.sounding_hops)
        memory.anchor = self._key.anchor()
        if memory.pending is not None:
            wait = max(2, note.onset_hop - memory.pending.onset_hop)
            memory.heard_hops = (memory.heard_hops + [wait])[-16:]
            memory.phrase += wait * score.HOP_S
            if wait - memory.pending.sounding_hops >= BREATH_HOPS:
                memory.phrases, memory.phrase = (memory.phrases + [memory.phrase])[-5:], 0.0
            self._run(note.onset_hop)
        memory.pending = note
        memory.pending_class = int(np.clip(semitone - score.NOTE_LO, 0, score.NOTES - 1))
        memory.own.clear()

    def begin(self, now_hop: int, leanings: Leanings = DEFAULT_LEANINGS) -> Note:
        """Begin an answer: return its first note, which sounds from ``now_hop`` on. `open` and `next` in one."""
        self.open(now_hop, leanings)
        return self.next(leanings)

    def open(self, now_hop: int, leanings: Leanings = DEFAULT_LEANINGS) -> Note:
        """Choose the pitch of an answer's first note, which sounds from ``now_hop`` on. At most one run of the graph.

        The note's length is left to `next`, which returns the same note with it: an answer that must begin now can ask
        for it a hop later. With nothing heard yet it begins in the middle of a singer's range. Called during an
        answer, it moves the next planned note to ``now_hop``.
        """
        memory = self._memory
        self.pitches.refresh()
        self._brake.rest()
        memory.phrase, memory.quoted = 0.0, -1
        memory.own.clear()
        memory.own_hops.clear()
        memory.since_breath = 0.0
        if memory.pending is None:
            middle = self.pitches.nearest(self._key.anchor() + self.pitches.shift)
            memory.pending, memory.pending_class, memory.planned = Note(now_hop, self.pitches.sound(middle), 2), middle, True
        elif memory.planned:
            memory.pending = dataclasses.replace(memory.pending, onset_hop=now_hop)
        else:
            near = np.arange(score.NOTES) - memory.pending_class
            leap = -0.35 * np.maximum(0, np.abs(near) - _SMALL_STEP)
            self._plan(now_hop, self._run(now_hop, leanings, leap))
        return memory.pending

    def next(self, leanings: Leanings = DEFAULT_LEANINGS) -> Note:
        """Return the next note of the answer, with how long it sounds and how long until the one after it. One run."""
        memory = self._memory
        assert memory.planned, "next() before begin()"
        self._remember()
        memory.own = (memory.own + [memory.pending_class + score.NOTE_LO])[-12:]
        following = self._run(None, leanings)
        planned = memory.last
        memory.own_hops = (memory.own_hops + [planned.wait_hops])[-12:]
        rest_hops = planned.wait_hops - planned.sounding_hops
        memory.since_breath = 0.0 if rest_hops >= BREATH_HOPS else memory.since_breath + planned.wait_hops * score.HOP_S
        self._plan(planned.onset_hop + planned.wait_hops, following)
        return planned

    def undo(self) -> None:
        """Take back the last `next`: its note will not sound. Once only, and nothing else in between."""
        assert self._before is not None, "undo() before next()"
        memory, brake, inputs, slot, ring = self._before
        self._memory, self._before = memory, None
        self._brake.set_state(brake)
        for name, value in inputs.items():
            self._graph.inputs[name][:] = value
        for layer, (keys, values) in enumerate(ring):
            self._graph.inputs[f"keys_{layer}"][:, :, slot] = keys
            self._graph.inputs[f"values_{layer}"][:, slot] = values

    def _remember(self) -> None:
        """Keep what `undo` needs: all that a run changes."""
        memory, inputs = self._memory, self._graph.inputs
        lists = {name: list(value) for name, value in vars(memory).items() if isinstance(value, list)}
        slot = memory.runs % score.WINDOW
        ring = [(inputs[f"keys_{n}"][:, :, slot].copy(), inputs[f"values_{n}"][:, slot].copy()) for n in range(self._layers)]
        kept = {name: inputs[name].copy() for name in ("token", "cos", "sin", "mask")}
        self._before = dataclasses.replace(memory, **lists), self._brake.state(), kept, slot, ring

    def renew(self, now_hop: int, leanings: Leanings = DEFAULT_LEANINGS, pitch: float | None = None,
              given_up: float | None = None) -> Note:
        """Cut the note that sounds short, and choose anew what follows it, at ``now_hop``: return that note, as `open` does.

        For wishes that changed: what was planned, was by the old ones. ``pitch``: do not choose, it is this one; ``given_up``: of a
        plan that was undone for this. One run.
        """
        memory, inputs = self._memory, self._graph.inputs
        assert memory.planned and memory.last is not None, "renew() before next()"
        last = memory.last
        wait = max(2, now_hop - last.onset_hop)
        if pitch is None:
            # The very run that chose what is now dropped, once more, with its length known and other leanings.
            slot = (memory.runs - 1) % score.WINDOW
            memory.pending, memory.pending_class = last, memory.pitches[-1]
            inputs["mask"][slot] = _SILENT
            another = np.zeros(score.NOTES)
            another[memory.pitches[-1]] = ANOTHER_NATS
            if given_up is not None:
                another[self.pitches.nearest(given_up)] = ANOTHER_NATS
            self._lean(last.onset_hop + wait, leanings, another)
            self._choose()
            inputs["mask"][slot] = 0.0
            following = int(self._graph.outputs["pitch"][0])
        else:
            following = self.pitches.nearest(pitch)
        sounding = min(last.sounding_hops, wait)
        memory.last = dataclasses.replace(last, sounding_hops=sounding, wait_hops=wait)
        if memory.own_hops:
            memory.own_hops[-1] = wait
        self._plan(last.onset_hop + wait, following)
        return memory.pending

    def _plan(self, onset_hop: int, note_class: int) -> None:
        """Write down what comes after the note just run."""
        self._memory.pending = Note(onset_hop, self.pitches.sound(note_class), 2)
        self._memory.pending_class, self._memory.planned = note_class, True

    def _run(self, next_hop: int | None, leanings: Leanings | None = None, extra: np.ndarray | None = None) -> int:
        """Run the pending note through the graph and return the class chosen to follow it.

        ``next_hop``: onset of the following note, where it is known; None: choose the timing too.
        """
        memory, inputs, outputs = self._memory, self._graph.inputs, self._graph.outputs
        note, pitch = memory.pending, memory.pending_class
        interval, ioi_before, articulation_before = score.NO_INTERVAL, score.NO_IOI, score.NO_ARTICULATION
        if memory.last is not None:
            wait = int(np.clip(note.onset_hop - memory.last.onset_hop, 2, _LONGEST))
            ioi_before = int(score.ioi_bin(wait))
            articulation_before = int(score.articulation_bin(max(2, min(memory.last.sounding_hops, wait)), wait))
            interval = int(score.interval_index(pitch - memory.pitches[-1]))
            memory.model_hop += wait
            memory.iois[-1] = ioi_before
            self._brake.take(pitch, wait)
        memory.pitches = (memory.pitches + [pitch])[-score.WINDOW :]
        memory.iois = (memory.iois + [score.NO_IOI])[-score.WINDOW :]
        memory.theirs = (memory.theirs + [not memory.planned])[-score.WINDOW :]
        theirs = np.array(memory.theirs) if leanings is not None else None  # as it was trained, while it listens
        found = self._quotation(pitch) if leanings is not None else None
        found = found or match.longest_suffix(np.array(memory.pitches), np.array(memory.iois), theirs)
        away = int(np.clip(pitch + score.NOTE_LO - memory.anchor, -score.LEAP, score.LEAP)) + score.LEAP
        inputs["token"][:] = score.token(pitch, interval, away, ioi_before, articulation_before, found)
        inputs["cos"][:], inputs["sin"][:] = score.turns(memory.runs, memory.model_hop, self._heads, self._size)
        if leanings is None:
            within_bin = 0.0
            self._graph.run()
        else:
            within_bin = self._lean(next_hop, leanings, extra)
            self._choose()

        slot = memory.runs % score.WINDOW
        for layer in range(self._layers):
            inputs[f"keys_{layer}"][:, :, slot] = outputs[f"keys_{layer}_new"][:, 0]
            inputs[f"values_{layer}"][:, slot] = outputs[f"values_{layer}_new"][:, 0]
        inputs["mask"][slot] = 0.0
        memory.runs += 1
        if next_hop is None:
            note = self._time(note, int(outputs["ioi"][0]), int(outputs["articulation"][0]), within_bin)
        memory.last, memory.pending, memory.planned = note, None, False
        return int(outputs["pitch"][0])

    def _lean(self, next_hop: int | None, leanings: Leanings, extra: np.ndarray | None) -> float:
        """Fill noise, leanings and temperatures of the coming run; return a further chance, 0..1."""
        memory, inputs = self._memory, self._graph.inputs
        self.pitches.refresh()
        inputs["noise"][:], within_bin = chances(memory.seed, memory.draws, len(inputs["noise"]))
        memory.draws += 1
        inputs["sharpness"][:] = leanings.sharpness()
        inputs["match_nats"][:] = leanings.match_nats(int(inputs["token"][7]), any(memory.theirs))
        inputs["tail"][:], inputs["top_p"][:] = TAIL, leanings.top_p
        pitch = pitch_leaning(self.pitches, self._key.anchor(), leanings, np.array(memory.own)) + self._brake.leaning()
        if next_hop is not None or memory.since_breath > self._phrase_s(leanings):
            pitch += self._take_up(within_bin, leanings)
        if extra is not None:
            pitch += extra
        inputs["pitch_bias"][:] = pitch + self.pitches.nats
        heard = [hops / leanings.density for hops in memory.heard_hops]
        usual, asked = self._usual_hops() / leanings.density, leanings.phrase_length > 0
        breath = breath_leaning(memory.since_breath, usual, self._phrase_s(leanings), asked)
        inputs["ioi_bias"][:], inputs["articulation_bias"][:] = breath
        inputs["ioi_bias"] += pace_leaning(heard, memory.own_hops) + habit_leaning(heard, memory.own_hops)
        if next_hop is not None:
            wait = int(np.clip(next_hop - memory.pending.onset_hop, 2, _LONGEST))
            inputs["ioi_bias"][score.ioi_bin(wait)] = _FORCED
            sounding = max(2, min(memory.pending.sounding_hops, wait))
            inputs["articulation_bias"][:, score.articulation_bin(sounding, wait)] = _FORCED
        return within_bin

    def _choose(self) -> None:
        """Run the graph on what `_lean` has filled, with the notes closed to it that the guard forbids."""
        memory, bias = self._memory, self._graph.inputs["pitch_bias"]
        if self._guard is None:
            return self._graph.run()
        closed = self._guard.forbidden(memory.pitches, memory.iois, memory.theirs, self.pitches.allowed)
        if not closed:
            return self._graph.run()
        open_bias = bias.copy()
        bias[list(closed)] += FORBIDDEN
        self._graph.run()
        inputs, logits = self._graph.inputs, self._graph.outputs["logits"][0, -score.NOTES :]
        wanted = logits * inputs["sharpness"][1] + open_bias
        first = chosen(wanted, inputs["noise"][-score.NOTES :], float(inputs["top_p"][0]))
        if first in closed:
            self._guard.hit(first)

    def _take_up(self, chance: float, leanings: Leanings) -> np.ndarray:
        """A phrase begins with the next note: let it take up a motif of the performer's, or none. Nats for its pitch."""
        memory, nats = self._memory, np.zeros(score.NOTES)
        share, first = QUOTES * (2 - 2 * leanings.novelty), memory.runs + 1 - len(memory.pitches)
        starts = [n for n in range(len(memory.theirs) - MOTIF) if all(memory.theirs[n : n + MOTIF])]
        memory.quoted = -1
        if starts and chance < share:
            start = starts[int(chance / share * len(starts))]
            memory.quoted, memory.quoted_for = first + start, 0
            nats[memory.pitches[start]] += START_NATS
        return nats

    def _quotation(self, pitch: int) -> tuple[int, int, int] | None:
        """What follows in the motif that was taken up, as the match model would say it; None once it has been left."""
        memory = self._memory
        place = memory.quoted - (memory.runs + 1 - len(memory.pitches))
        if memory.quoted < 0 or place < 0 or place + 1 >= len(memory.theirs) or not memory.theirs[place + 1]:
            memory.quoted = -1
            return None
        if memory.quoted_for and pitch - memory.pitches[-2] != memory.pitches[place] - memory.pitches[place - 1]:
            memory.quoted = -1
            return None
        memory.quoted += 1
        memory.quoted_for += 1
        interval = score.interval_index(memory.pitches[place + 1] - memory.pitches[place])
        return int(interval), int(memory.iois[place]), min(2 + memory.quoted_for, score.LONGEST_MATCH)

    def _phrase_s(self, leanings: Leanings) -> float:
        """How long to go on without a breath, in planned seconds: as asked, or as the performer does, as far as is known."""
        if leanings.phrase_length:
            return leanings.phrase_length / self._stretch
        least, usual, most = BREATH_AFTER_S
        return float(np.clip(np.median(self._memory.phrases), least, most)) if self._memory.phrases else usual

    def _usual_hops(self) -> float:
        """Median wait of the last notes."""
        waits = [score.IOI_CENTRE[ioi] for ioi in self._memory.iois[-17:-1] if ioi != score.NO_IOI]
        return float(np.median(waits)) if waits else 18.0

    @staticmethod
    def _time(note: Note, ioi: int, articulation: int, within_bin: float) -> Note:
        """Turn the chosen bins into hops; where in a wide bin is ``within_bin``, 0..1."""
        wait = int(score.IOI_EDGES[ioi]) + int(within_bin * score.IOI_WIDTH[ioi])
        sounding = max(2, round(wait * float(score.ARTICULATION[articulation])))
        return Note(note.onset_hop, note.pitch, min(sounding, wait), note.loudness_db, wait)
