"""Where the time of a hop goes: the chain as the worker steps it, with a clock around each of its stages.

Nothing in the instrument knows of it: the methods of one chain's objects are replaced, on those objects alone, by ones that
look at the clock before and after. A stage's time is its own: what it spends in another stage is that one's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from antiphon.chain import Chain, guard_of
from antiphon.kernels import Resampler
from antiphon.latency import HOP, MODEL_RATE
from antiphon.marking import Marking
from antiphon.params import REGISTRY
from antiphon.perform import Performer

STAGES = {
    "resampler": "from the device's rate to the model's, and back",
    "tokenizer": "spectra of the hop and the network that says what it is",
    "encoder": "the codec's: what the hop's timbre is, while the performer is listened to",
    "note model": "what comes next, around its graph: once a note, not once a hop",
    "note model, graph": "its network",
    "acoustic model": "how the performer would sing it, around its two graphs",
    "memory graph": "the acoustic model's network that every hop is told to",
    "tokens graph": "the one that chooses loudness, bend and codes",
    "guard": "whether what comes next would quote what was learned from",
    "decoder": "network and sound",
    "mark": "the watermark",
    "rest": "the state machine, notes, timing, the status: all that is in no other stage",
}
"""What a hop's time is told apart into; the sum of all is the whole step."""
NETWORKS = ("tokenizer", "encoder", "note model, graph", "memory graph", "tokens graph", "decoder")
_ROOM = 1e-3
"""Of full scale, the room while it answers: at -80 dB the tokenizer would sleep, which it does on no stage."""
_KEY = bytes(32)  # what the mark is keyed by costs the same whatever it is


class Stopwatch:
    """Clocks around methods of objects, nested ones too. One thread."""

    def __init__(self):
        self._own: dict[str, int] = {}
        self._inside = 0
        self.calls = 0

    def around(self, owner: object, method: str, stage: str) -> None:
        """Have each call of this method of this object counted to a stage."""
        call, clock, own = getattr(owner, method), time.perf_counter_ns, self._own
        own.setdefault(stage, 0)

        def timed(*arguments, **named):
            outer, self._inside = self._inside, 0
            began = clock()
            try:
                return call(*arguments, **named)
            finally:
                took = clock() - began
                own[stage] += took - self._inside
                self._inside = outer + took
                self.calls += 1

        setattr(owner, method, timed)

    def lap(self) -> dict[str, int]:
        """Nanoseconds of each stage since the last lap."""
        lap = dict(self._own)
        for stage in self._own:
            self._own[stage] = 0
        self.calls = 0
        return lap

    def cost_ns(self, calls: int = 2000) -> float:
        """What one clock costs: the median of as many calls of nothing."""

        class Nothing:
            def nothing(self):
                pass

        took, nothing = np.zeros(calls), Nothing()
        Stopwatch().around(nothing, "nothing", "nothing")
        for call in range(calls):
            began = time.perf_counter_ns()
            nothing.nothing()
            took[call] = time.perf_counter_ns() - began
        return float(np.median(took))


@dataclass
class Hop:
    """One hop: nanoseconds to its voice, in all, and in each stage; how many clocks there were; whether it was an answer's, and
    the first of one."""

    voice_ns: int
    whole_ns: int
    stages: dict[str, int] = field(repr=False)
    clocks: int
    answering: bool
    begins: bool = False


class Player:
    """A chain with mark and resamplers, stepped as the worker does, of a `Bundle` or what stands in for one. One thread."""

    def __init__(self, bundle, seed: int = 1, samplerate: int = MODEL_RATE):
        self.chain = chain = Chain(bundle, Performer(), seed, guard=guard_of(bundle))
        self.mark = Marking(_KEY)
        self.into, self.out_of = Resampler(samplerate, MODEL_RATE, 1), Resampler(MODEL_RATE, samplerate, 1)
        self._rate, self._hops, self._taken = samplerate, 0, 0
        self._pending = np.zeros(0, np.float32)
        self.watch = watch = Stopwatch()
        notes, acoustic = chain._notes, chain._acoustic
        for stage, owner, *methods in (
            ("resampler", self.into, "process"), ("resampler", self.out_of, "process"),
            ("tokenizer", chain._tokenizer, "step"),
            ("encoder", chain._encoder, "step", "skip"),
            ("note model", notes, "push", "open", "next", "begin", "renew", "undo"),
            ("note model, graph", notes._graph, "run"),
            ("acoustic model", acoustic, "listen", "play"),
            ("memory graph", acoustic._graph, "run"), ("tokens graph", acoustic._choice, "run"),
            ("guard", chain._guard, "ask", "forbidden", "hit"),
            ("decoder", chain._decoder, "step"),
            ("mark", self.mark, "step"),
        ):  # fmt: skip
            for method in methods:
                watch.around(owner, method, stage)

    def device_frames(self) -> int:
        """How many frames of the device the next hop takes, as the worker counts them."""
        return ((self._hops + 1) * HOP - 1) * self._rate // MODEL_RATE + 1 - self._taken

    def hear(self, mono: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Resample and hear a hop, `device_frames()` of it, float32; returns the marked voice at the device's rate."""
        self._taken += len(mono)
        self._hops += 1
        heard = self.into.process(mono)
        if len(self._pending) or len(heard) != HOP:
            heard = np.concatenate((self._pending, heard))
            heard, self._pending = heard[:HOP], heard[HOP:]
        marked = self.mark.step(self.chain.step(heard, params))
        return self.out_of.process(np.ascontiguousarray(marked, np.float32))

    def step(self, mono: np.ndarray, params: np.ndarray) -> Hop:
        """A hop with the clock running, and what it can put off done after its voice."""
        before = self.chain.performer.answering
        self.watch.lap()
        began = time.perf_counter_ns()
        self.hear(mono, params)
        made = time.perf_counter_ns()
        self.chain.settle()
        done = time.perf_counter_ns()
        clocks, stages = self.watch.calls, self.watch.lap()
        stages["rest"] = done - began - sum(stages.values())
        after = self.chain.performer.answering
        return Hop(made - began, done - began, stages, clocks, before or after, after and not before)


def params_of(turn: int, hops: int):
    """Parameters of each hop of a turn: listened in the first half, an answer in the second; values as the mailbox has them.

    In the last hop the answer is told to end, so that the next turn begins by listening.
    """
    params = np.array(REGISTRY.step_defaults())
    REGISTRY.put(params, "mode", "hold")
    REGISTRY.put(params, "phrase_gap_s", REGISTRY.resolve("phrase_gap_s").maximum)
    trigger = REGISTRY.step_index("trigger")
    for hop in range(hops):
        params[trigger] = turn + (hop >= hops // 2)  # a count of triggers
        if hop == hops - 1:
            REGISTRY.put(params, "mode", "listen")
        yield params


def in_time(hops: Iterable, period_s: float):
    """Hand on each of `hops` when it is due, one every `period_s` seconds; the process sleeps in between."""
    due = time.perf_counter()
    for hop in hops:
        due += period_s
        time.sleep(max(0.0, due - time.perf_counter()))
        yield hop


def play_turn(player: Player, turn: int, heard: np.ndarray, hops: int, period_s: float, seed: int = 1,
              after_hop: Callable[[], None] = lambda: None) -> list[Hop]:
    """One turn: the player hears `heard`, (frames,) float32 at the device's rate, for half of it, and answers in a quiet room.

    Returns what each hop took. `after_hop` is called behind each, before the process sleeps.
    """
    rng, found = np.random.default_rng([seed, turn]), []
    at = turn * (hops // 2) * player.device_frames()
    for params in in_time(params_of(turn, hops), period_s):
        frames = player.device_frames()
        if len(found) < hops // 2:
            mono = np.take(heard, np.arange(at, at + frames), mode="wrap")
        else:
            mono = (_ROOM * rng.standard_normal(frames)).astype(np.float32)
        at += frames
        found.append(player.step(mono, params))
        after_hop()
    return found


def warm_up(player: Player, heard: np.ndarray, hops: int = 25) -> None:
    """Hear some hops as fast as they come, and answer in some, as a worker hears the past before it opens the voice: what is done
    once is done."""
    play_turn(player, 0, heard, 2 * hops, 0.0)
    player.chain.reset(1)
    player.mark.set_state(Marking(_KEY).state())
