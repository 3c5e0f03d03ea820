"""What the player asks of the model, read from the doubles of the params mailbox, and what has changed or happened since."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from .line import LineWishes
from .model.acoustic import Manner
from .model.codec import colouring
from .model.pitches import PitchWishes
from .model.sampling import Leanings
from .model.timing import TimeWishes
from .params import Registry

_MOVED = 0.1  # share of a fader's way from which on a change is answered at once; less is heard from the next note on
_FORGIVEN = 0.004  # of it, a hop: what is turned slowly is no event, and is heard in the notes to come
_ON_THE_GRID = 0.5  # from this grip on notes are wanted on the beat, and not around it
_PATIENCE = 10  # hops that a note which was asked for waits for something to give way to it
_TRIGGERS = ("regenerate", "recall", "keep", "store_voice", "play_note")


class Wishes:
    """The step rows as the chain uses them. `take` once a hop; costs a few microseconds where nothing changed, else about 200.

    State: the doubles last taken, what was answered of them, and the counts of triggers.
    """

    def __init__(self, registry: Registry):
        self._registry = registry
        self._renews = [row for row in registry.step_rows if row.renews]
        self.reset()

    def reset(self) -> None:
        """Nothing was asked yet."""
        self._doubles = np.zeros(0)
        self._answered: dict[str, object] = {}  # of each row that renews, the value that was answered
        self._places: dict[str, float] = {}  # of those with a fader, where it stood, or has slowly come to
        self._counts: dict[str, int] | None = None
        self.happened: dict[str, int] = {}
        """Triggers since the last `take`, with their numbers."""
        self.renewing = self.reseeded = False
        """Whether a row that `renews` has changed and was not answered yet; the seed."""
        self._note_asked, self._note_waits = 0, 0
        self._read(np.array(self._registry.step_defaults()))

    def take(self, doubles: np.ndarray) -> None:
        """Take the doubles as they are at this hop."""
        self._note_waits = max(0, self._note_waits - 1)
        self._forgive()
        if len(doubles) == len(self._doubles) and (doubles == self._doubles).all():
            self.happened = {}
            return
        first = not len(self._doubles)
        self._doubles = np.array(doubles)
        self._read(self._doubles)
        self._count()
        if first:
            self.renewed()
        self.renewing = self.renewing or any(self._moved(row) for row in self._renews)

    def glance(self, doubles: np.ndarray) -> None:
        """Take the values alone, while the past is heard again: what has changed and happened is for the next `take`."""
        self._read(np.asarray(doubles))
        self.happened = {}

    def renewed(self) -> None:
        """What was asked so far is answered."""
        self._answered = {row.path: self._get(row.path) for row in self._renews}
        self._places = {}
        self.renewing = False
        self._note_waits = 0

    @property
    def note_asked(self) -> int:
        """The pitch (MIDI) that was asked for as the next note and did not begin yet; 0: none."""
        return self._note_asked if self._note_waits else 0

    def _get(self, path: str):
        return self._registry.get(self._doubles, path)

    def _read(self, doubles: np.ndarray) -> None:
        registry = self._registry
        values = {row.path: registry.get(doubles, row.path) for row in registry.step_rows if row.kind != "trigger"}

        def some(kind, **others):
            return kind(**{field.name: values[field.name] for field in fields(kind) if field.name not in others}, **others)

        pitch = some(PitchWishes)
        self.line = LineWishes(some(Leanings), pitch, some(TimeWishes))
        self.manner = some(Manner, in_tune=_in_tune(pitch), prompt=values["grid_grip"] >= _ON_THE_GRID, apart=False)
        self.colour = colouring(values["breath"], values["brightness"])
        self.mode = registry.resolve("mode").choices.index(values["mode"])
        self.guard = values["guard_notes"], values["guard_intervals"]
        self.freeze, self.recall_as = values["freeze"], values["recall_as"]
        self.reseeded = self.reseeded or bool(self._answered) and values["seed"] != self.seed
        self.seed = values["seed"]

    def _count(self) -> None:
        """Find out which triggers have happened; what was counted before the first hop is history."""
        registry, before = self._registry, self._counts
        self._counts = {path: int(self._get(path)) for path in _TRIGGERS}
        self.happened = {}
        for path in _TRIGGERS if before is not None else ():
            if self._counts[path] != before[path]:
                row = registry.resolve(path)
                self.happened[path] = int(self._doubles[registry.step_index(path) + 1]) if row.numbered else 1
        if "play_note" in self.happened:
            self._note_asked, self._note_waits = self.happened["play_note"], _PATIENCE

    def _moved(self, row) -> bool:
        before, now = self._answered.get(row.path), self._get(row.path)
        if before == now or row.kind in ("enum", "list", "bool"):
            return before != now
        if row.path == "seed" or (row.zero and not (before and now)):
            return True
        return abs(row.position(now) - self._places.setdefault(row.path, row.position(before))) >= _MOVED - 1e-9

    def _forgive(self) -> None:
        """Let where faders were answered come slowly to where they are."""
        for path, place in self._places.items():
            away = self._registry.resolve(path).position(self._get(path)) - place
            self._places[path] = place + min(max(away, -_FORGIVEN), _FORGIVEN)

    _FIELDS = ("_doubles", "_answered", "_places", "_counts", "happened", "renewing", "reseeded", "_note_asked", "_note_waits")

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        return {name: getattr(self, name).copy() if name in ("_doubles", "_places") else getattr(self, name) for name in self._FIELDS}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned."""
        for name in self._FIELDS:
            setattr(self, name, state[name])
        self._places = dict(self._places)
        if len(self._doubles):
            self._read(self._doubles)
            self.reseeded = state["reseeded"]


def _in_tune(pitch: PitchWishes) -> float:
    """How exactly settled notes keep to their pitch, 0..1: as firm as the scale or the chord is held."""
    if pitch.tune_to == "off":
        return 0.0
    grip = max(pitch.scale_grip, pitch.chord_grip if pitch.chord else 0.0)
    return 1.0 if pitch.tune_to == "440" else max(0.0, 2 * grip - 1)
