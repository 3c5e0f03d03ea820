"""Whether answers quote the melodies that the model was trained on, with the guard and without.

    python bench/quotations.py [--prompts 100] [--lines 1000] [--seconds 15] [--bundle hum] [--quick] [--dry-run]

played   `--prompts` training melodies, 5 s of each from a random note on, played by a synthesiser of eight partials into the
         whole chain, which hears them and answers for `--seconds`. Of each answer the longest quotation that ends in it
lines    the same of `--lines` melodies whose notes are handed to the note model, 16 of them, for answers of 60 notes, with
         what the guard changes in the music: nats that the network gives to the pitches played, share of them in the prompt's scale
own      the prompts of `lines` again, each registered as the player's own: how many of its continuations are still closed
cost     microseconds a note that the guard takes, beside the graph it works for; wall time, and the thread's own; a bare call is
         one at the same place that does nothing, as the interpreter's own share

Quotations are found here in another way than the guard's: among all places that share four intervals, those are followed that go
on alike. All figures are notes in a row, in any key; `in rhythm` those whose waits go alike as well, but for the wait
before the answer and the last note's onset; `any` those in whatever rhythm. `ones` are those of one melody: no formula (more than
two tune families have it), scale, repetition, or two intervals in turn. With the guard at 8 notes and 12 intervals no run of one
melody's may reach 8 notes in rhythm or 13 in any.

What this does not measure: likeness that is not note for note.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

import numpy as np

from antiphon.chain import Chain, guard_of
from antiphon.model import score
from antiphon.model.bundle import Bundle
from antiphon.model.notes import NoteModel
from antiphon.model.sampling import Leanings
from antiphon.model.score import Note
from antiphon.model.tokens import HOP, MODEL_RATE
from antiphon.params import REGISTRY
from antiphon.perform import Performer
from antiphon.provenance.guard import COMMON, LOOSE, Guard
from antiphon.provenance.quotes import OCTAVE, START, WIDEST, Melody, Quotes, codes_of, words_of
from record import note, record, summary

PROMPT_S, QUARTER_S = 5.0, 0.55
_LEAST = 4  # intervals


class Counting:
    """A guard that notes how long it takes; `closed` says whether anything is closed at all."""

    def __init__(self, guard: Guard, closed: bool = True):
        self.guard, self.closed = guard, closed
        self.wall, self.own, self.bare, self.shut, self.asked = [], [], [], 0, 0

    def forbidden(self, *line):
        own = time.thread_time_ns()
        self._nothing(*line)
        self.bare.append((time.thread_time_ns() - own) / 1000)
        wall, own = time.perf_counter_ns(), time.thread_time_ns()
        found = self.guard.forbidden(*line)
        self.own.append((time.thread_time_ns() - own) / 1000)
        self.wall.append((time.perf_counter_ns() - wall) / 1000)
        self.asked += 1
        self.shut += bool(found)
        return found if self.closed else []

    @staticmethod
    def _nothing(pitches, iois, theirs, allowed):
        """What a call costs on this machine just now, that slices three lists and does no more."""
        return pitches[-13:], iois[-13:], theirs[-13:]

    def hit(self, note_class):
        self.guard.hit(note_class)


def prompt_of(quotes: Quotes, rng: np.random.Generator, notes: int = 16) -> tuple[np.ndarray, np.ndarray, int]:
    """Pitches and waits in quarter notes of some notes in a row of one melody, in a singer's range, and the work's number."""
    while True:
        first = int(rng.integers(len(quotes.waits) - notes))
        codes, waits = quotes.codes[first : first + notes].astype(int), 2.0 ** (quotes.waits[first : first + notes] / OCTAVE)
        if (codes[1:] == START).any() or waits.max() > 4 or len(set(codes[1:])) < 4:
            continue
        pitches = np.concatenate([[0], np.cumsum(codes[1:] - WIDEST - 1)])
        return pitches + 62 - round(float(np.median(pitches))), waits, int(quotes.of[first])


def longest_quotation(quotes: Quotes, pitches: np.ndarray, hops: np.ndarray, whose: np.ndarray) -> dict[str, int]:
    """The longest run of notes that some melody has too and that ends in a note of the answer's.

    `pitches` (n,) in semitones, `hops` (n,) waits after them, `whose` (n,) bool: the performer's. In any rhythm and in rhythm,
    of anyone's and of one melody's.
    """
    codes, best = codes_of(pitches).astype(int), dict.fromkeys(("any", "any ones", "in rhythm", "in rhythm ones"), 0)
    words, log = words_of(codes_of(pitches)), OCTAVE * np.log2(np.maximum(hops, 1))
    slack = OCTAVE * np.log2(1 + 1 / np.maximum(hops, 1))
    for i in range(_LEAST, len(pitches)):
        if whose[i]:
            continue
        rest = 5 * (12 - _LEAST)
        low = int(words[i]) >> rest << rest
        low, high = np.searchsorted(quotes.words, [low, low + (1 << rest)])
        ends = quotes.ends[low:high].astype(np.int64)
        for rhythm in (False, True):
            alive, before, off = ends, None, 0.0
            for back in range(i):
                alive_codes = quotes.codes[alive - back]
                keep = (alive_codes == codes[i - back]) & (alive_codes != START)
                if rhythm and whose[i - back] == whose[i - back - 1] and back:  # the wait that led to the last note is not compared
                    slower = quotes.waits[alive - back - 1] - log[i - back - 1]
                    if before is not None:
                        keep &= np.abs(slower - before) <= LOOSE + off + slack[i - back - 1]
                    before, off = slower, slack[i - back - 1]
                alive = alive[keep]
                before = before[keep] if before is not None else None
                if len(alive) == 0:
                    break
                run, name = back + 2, "in rhythm" if rhythm else "any"
                best[name] = max(best[name], run)
                families = len(np.unique(quotes.families[quotes.of[alive]])) if len(alive) < 5000 else COMMON + 1
                if families <= COMMON and not _plain(codes[i - back : i + 1]):
                    best[f"{name} ones"] = max(best[f"{name} ones"], run)
    return best


def _plain(codes: np.ndarray) -> bool:
    steps = codes - WIDEST - 1
    in_turn = len(steps) < 3 or bool((steps[2:] == steps[:-2]).all())
    return in_turn or set(steps) <= {1, 2} or set(steps) <= {-1, -2}


def sound_of(pitches: np.ndarray, waits_s: np.ndarray) -> np.ndarray:
    """A synthesiser: eight partials, 15 ms of attack, 60 ms of release, (frames,) float32."""
    out = np.zeros(int((waits_s.sum() + 0.3) * MODEL_RATE), np.float32)
    onset = 0.0
    for pitch, wait in zip(pitches, waits_s, strict=True):
        frames = int(0.92 * wait * MODEL_RATE)
        t = np.arange(frames) / MODEL_RATE
        hertz = 440.0 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * hertz * t) / k**1.5 for k in range(1, 9))
        tone *= np.minimum(1, t / 0.015) * np.minimum(1, (t[-1] - t) / 0.06) if frames > 1 else 0
        first = int(onset * MODEL_RATE)
        out[first : first + frames] += 0.12 * tone[: len(out) - first].astype(np.float32)
        onset += wait
    return out


def played(chain: Chain, prompt: np.ndarray, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play a prompt to the chain and let it answer: pitches, onsets in hops and whose, of all notes in order."""
    chain.reset(seed)
    values = np.array(REGISTRY.step_defaults())
    REGISTRY.put(values, "yield", False)
    REGISTRY.put(values, "answer_s", 600.0)
    REGISTRY.put(values, "seed", seed)
    heard, own, hop, notes = [], [], 0, 0
    hops = prompt[: len(prompt) // HOP * HOP].reshape(-1, HOP)
    silence = np.zeros(HOP, np.float32)
    for n in range(len(hops) + round(seconds * MODEL_RATE / HOP)):
        if n == len(hops):
            values[REGISTRY.step_index("trigger")] += 1
        chain.step(hops[n] if n < len(hops) else silence, values)
        hop += 1
        if n > len(hops):  # the notes of the performer that ended are all told by now
            if chain.status["notes_played"] > notes:
                notes = chain.status["notes_played"]
                own.append((float(n), chain.status["note_pitch"]))
        heard += [(hop - ago, pitch) for ago, _, pitch, _ in chain.ended if pitch > 0]
    heard = [one for one in heard if one[0] < len(hops)]
    everything = [(*one, True) for one in sorted(heard)] + [(*one, False) for one in own]
    onset, pitch, theirs = (np.array(column) for column in zip(*everything, strict=True))
    return pitch, onset, theirs.astype(bool)


def line_of(model: NoteModel, pitches: np.ndarray, waits: np.ndarray, seed: int, notes: int) -> tuple:
    """Hand a prompt to the note model and take an answer: classes, waits in hops, whose, nats of the answer's pitches."""
    model.reset(seed)
    hops = np.maximum(4, np.round(waits * QUARTER_S / score.HOP_S)).astype(int)
    onset = np.concatenate([[0], np.cumsum(hops)])
    for pitch, at, wait in zip(pitches, onset, hops, strict=False):
        model.push(Note(int(at), float(pitch), int(wait) - 1))
    leanings, nats, own = Leanings(), [], []
    model.open(int(onset[-1]), leanings)
    for _ in range(notes):
        sung = model.next(leanings)
        own.append((sung.pitch, sung.wait_hops))
        logits = model._graph.outputs["logits"][0, -score.NOTES :].astype(float)
        chosen = int(model._graph.outputs["pitch"][0])
        nats.append(float(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[chosen]))
    pitch = np.concatenate([pitches, [one for one, _ in own]])
    return pitch, np.concatenate([hops, [wait for _, wait in own]]), np.arange(len(pitch)) < len(pitches), nats


def spread(values: list[int]) -> dict:
    """A distribution of whole numbers, for a record."""
    found = np.array(values)
    return {"mean": round(float(found.mean()), 2), "p50": int(np.median(found)), "p90": int(np.quantile(found, 0.9)),
            "max": int(found.max()), "count": {int(v): int((found == v).sum()) for v in np.unique(found)}}  # fmt: skip


def by_kind(found: list[dict[str, int]]) -> dict:
    return {kind: spread([one[kind] for one in found]) for kind in found[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--quick", action="store_true", help="a tenth of it")
    parser.add_argument("--dry-run", action="store_true", help="write no record")
    options = parser.parse_args()
    if options.quick:
        options.prompts, options.lines = max(1, options.prompts // 10), max(1, options.lines // 10)
    bundle = Bundle.open(options.bundle)
    began = time.perf_counter()
    guard = guard_of(bundle)
    load_s, quotes = time.perf_counter() - began, guard.quotes
    settings = {"bundle": bundle.digest()[:12], "guard_notes": 8, "guard_intervals": 12, "common": COMMON}

    def told(name: str, figures: dict, unit: str = "notes", clock: str = "none") -> None:
        record("quotations", name, figures, unit=unit, clock=clock, settings=settings, write=not options.dry_run)

    rng = np.random.default_rng(5)
    prompts = [prompt_of(quotes, rng) for _ in range(options.prompts)]
    for name, watched in (("played, no guard", Guard(Quotes.empty(), score.IOI_CENTRE)), ("played, guard", guard)):
        chain = Chain(bundle, Performer(), 1, guard=watched)
        found, notes, hits = [], 0, 0
        for n, (pitches, waits, _) in enumerate(prompts):
            keep = max(8, int(np.searchsorted(np.cumsum(waits) * QUARTER_S, PROMPT_S)))
            sound = sound_of(pitches[:keep], waits[:keep] * QUARTER_S)
            pitch, onset, theirs = played(chain, sound, options.seconds, n + 1)
            found.append(longest_quotation(quotes, pitch, np.append(np.diff(onset), 1), theirs))
            notes += int((~theirs).sum())
            hits += int(chain.status["guard_hits"])
        told(name, {"answers": len(found), "notes": notes, "hits": hits, **by_kind(found)})
        note(f"{name}: {len(found)} answers")

    rng = np.random.default_rng(6)
    prompts = [prompt_of(quotes, rng) for _ in range(options.lines)]
    for name, closed in (("lines, no guard", False), ("lines, guard", True)):
        guard.reset()
        counting = Counting(guard, closed)
        model = NoteModel(bundle.graph("notes"), 1, counting)
        found, nats, inside = [], [], []
        for n, (pitches, waits, _) in enumerate(prompts):
            pitch, hops, theirs, some = line_of(model, pitches, waits, n + 1, 60)
            found.append(longest_quotation(quotes, pitch, hops, theirs))
            nats += some
            scale = {int(p) % 12 for p in pitches}
            inside += [round(p) % 12 in scale for p in pitch[~theirs]]
        told(name, {"answers": len(found), "notes": counting.asked, "notes with something closed": counting.shut,
                    "hits": guard.hits, "unavoidable": guard.unavoidable, "nats a pitch": round(float(np.mean(nats)), 4),
                    "in the prompt's pitches": round(float(np.mean(inside)), 4), **by_kind(found)})  # fmt: skip
        note(f"{name}: {len(found)} answers")
        if closed:
            clock = "around Guard.forbidden, on the thread that plans notes, each after a run of the note graph"
            told("cost", {**summary(counting.wall), "thread": summary(counting.own),
                          "a bare call": summary(counting.bare), "load_s": round(load_s, 3)}, "us", clock)

    _own(told, bundle, quotes, prompts[: max(1, options.lines // 10)])
    return 0


def _own(told, bundle: Bundle, quotes: Quotes, prompts: list) -> None:
    """The player's own: with the work of each prompt registered as theirs, its own next notes are open again."""
    found = {}
    for name, own in (("not registered", None), ("registered", False), ("registered as own", True)):
        closed = asked = 0
        for pitches, waits, work in prompts:
            which = quotes if own is None else quotes.joined([_registered(quotes, work, own)])
            guard = Guard(which, score.IOI_CENTRE)
            allowed = np.ones(score.NOTES, bool)
            classes = (pitches - score.NOTE_LO).tolist()
            bins = score.ioi_bin(np.maximum(4, np.round(waits * QUARTER_S / score.HOP_S))).tolist()
            for n in range(8, len(classes)):  # the work's own next note, after every beginning of 8 notes or more
                shut = guard.forbidden(classes[:n], [*bins[: n - 1], score.NO_IOI], [True] * n, allowed)
                asked += 1
                closed += classes[n] in shut
        found[name] = {"next notes of the work": asked, "closed": closed}
    told("own", found)


def _registered(quotes: Quotes, work: int, own: bool) -> Melody:
    notes = np.flatnonzero(quotes.of == work)
    pitches = 60 + np.concatenate([[0], np.cumsum(quotes.codes[notes[1:]].astype(int) - WIDEST - 1)])
    return Melody(replace(quotes.works[work], family=-1, own=own, key=1 << 32), pitches, 2.0 ** (quotes.waits[notes] / OCTAVE))


if __name__ == "__main__":
    sys.exit(main())
