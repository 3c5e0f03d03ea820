"""A stage for the tests of perform/, simulated hop by hop (20 ms): a performer, a room, a leaking loudspeaker."""

import math
from collections import deque

import numpy as np

from antiphon.params import REGISTRY

HOPS = 50
QUIET = (-70.0, False, False)


def params(**values):
    """Step rows' doubles, with some of them changed; counts by their names."""
    doubles = REGISTRY.step_defaults()
    for path, value in values.items():
        row = REGISTRY.resolve(path.rstrip("_"))  # `yield` is a word of the language
        at = REGISTRY.step_index(row.path)
        doubles[at : at + row.width] = [float(value)] if row.kind == "trigger" else row.encode(value)
    return doubles


def note(k, level_db=-20.0):
    """Hop k of a sung phrase."""
    return (level_db + math.sin(k * 0.7), True, k % 15 == 0)


def sing(performer, seconds, values=None, **keywords):
    """Let somebody sing; give the actions."""
    values = values or params()
    return [performer.step(*note(k), values, **keywords) for k in range(int(seconds * HOPS))]


def rest(performer, seconds, values=None, voice_db=-120.0):
    """Let nobody sing."""
    values = values or params()
    return [performer.step(*QUIET, values, voice_db) for _ in range(int(seconds * HOPS))]


def begins(actions):
    """At which hops an answer begins."""
    return [k for k, action in enumerate(actions) if action.begin]


def ends(actions):
    """Why and when answers ended."""
    return [(action.end, k) for k, action in enumerate(actions) if action.end]


class Stage:
    """A loudspeaker `coupling_db` before the microphone, `delay_hops` away, in a room that rings."""

    def __init__(self, performer, coupling_db, delay_hops=3, tail_db_per_hop=2.0, seed=0):
        self.performer, self.coupling_db, self.tail = performer, coupling_db, tail_db_per_hop
        self.rng = np.random.default_rng(seed)
        self.way = deque([-120.0] * delay_hops, delay_hops)
        self.leak_db, self.voice_db, self.k = -120.0, -120.0, 0
        self.actions = []

    def go(self, seconds, singing_db=None, values=None):
        """Play for a time; the voice is a melody of notes with rests between."""
        values = values or params()
        for _ in range(int(seconds * HOPS)):
            self.k += 1
            self.leak_db = max(self.way[0] + self.coupling_db + self.rng.normal(0, 1.5), self.leak_db - self.tail)
            self.way.append(self.voice_db)
            sources = [-70.0, self.leak_db] + ([note(self.k, singing_db)[0]] if singing_db is not None else [])
            mic_db = 10 * math.log10(sum(10 ** (db / 10) for db in sources))
            tonal = mic_db > -60
            action = self.performer.step(mic_db, tonal, tonal and self.k % 15 == 0, values, self.voice_db)
            self.actions.append(action)
            sounding = self.k % 25 < 20
            self.voice_db = -22.0 + 2 * math.sin(self.k * 0.3) if action.answering and sounding else -120.0
        return self.actions[-int(seconds * HOPS) :]
