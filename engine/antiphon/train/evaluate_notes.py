"""Judge the exported note model at play: key, register, motifs, pace, breath, loops.

python -m antiphon.train.evaluate_notes --graph .work/export/notes.onnx --data MELODIES
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..model import score
from ..model.notes import NoteModel
from ..model.pitches import PitchWishes
from ..model.sampling import Leanings
from ..model.score import Note
from . import melodies
from .music import MAJOR, MINOR

_STEPS = {0: (0, 2, 4, 5, 7, 9, 11), 1: (0, 2, 3, 5, 7, 8, 10, 11)}


def krumhansl_scale(notes: list[Note]) -> set[int]:
    """Pitch classes of the best major or minor key; a judge that shares nothing with `antiphon.model.key`."""
    weight = np.zeros(12)
    for note in notes:
        weight[round(note.pitch) % 12] += note.sounding_hops
    best = max(
        (
            (np.corrcoef(weight, np.roll(profile, tonic))[0, 1], tonic, mode)
            for mode, profile in ((0, MAJOR), (1, MINOR))
            for tonic in range(12)
        ),
        key=lambda found: found[0],
    )
    return {(best[1] + step) % 12 for step in _STEPS[best[2]]}


def grams(notes: list[Note], length: int = 3) -> list[tuple]:
    """Runs of intervals."""
    intervals = np.diff([round(note.pitch) for note in notes])
    return [tuple(intervals[i : i + length]) for i in range(len(intervals) - length + 1)]


def longest_loop_s(notes: list[Note]) -> float:
    """Longest time for which pitches and waits (within one bin) repeat exactly at one lag of up to 64 notes."""
    pitch = np.array([round(note.pitch) for note in notes])
    onset = np.array([note.onset_hop for note in notes])
    wait = np.diff(onset, prepend=onset[0])
    bins = score.ioi_bin(wait)
    longest = 0
    for lag in range(1, min(64, len(notes) - 1) + 1):
        run = 0
        for n in range(lag + 1, len(notes)):
            same = pitch[n] == pitch[n - lag] and abs(int(bins[n]) - int(bins[n - lag])) <= 1
            run = run + wait[n] if same else 0
            longest = max(longest, run)
    return longest * score.HOP_S


def prompt_and_truth(batch, row: int, prompt_notes: int, rng: np.random.Generator) -> tuple[list[Note], list[Note]]:
    """Notes of a held-out performance, in a tuning of its own, cut into prompt and true continuation."""
    tuning = rng.uniform(-0.4, 0.4)
    onset = np.concatenate([[0], np.cumsum(batch["hops"][row])])
    notes = []
    for n, pitch in enumerate(batch["pitch"][row]):
        wait = int(batch["hops"][row][n])
        sounding = max(2, round(wait * score.ARTICULATION[batch["articulation"][row][n]]))
        notes.append(Note(int(onset[n]), float(pitch + score.NOTE_LO + tuning), sounding, -20.0, wait))
    return notes[:prompt_notes], notes[prompt_notes:]


def answer(
    model: NoteModel, prompt: list[Note], seed: int, leanings: Leanings, notes: int | None = None, seconds: float = 0.0
) -> list[Note]:
    """Play a prompt to the model and let it answer 0.3 s after the last note."""
    model.reset(seed)
    for note in prompt:
        model.push(note)
    begin = prompt[-1].onset_hop + prompt[-1].sounding_hops + 15
    out = [model.begin(begin, leanings)]
    while len(out) < notes if notes else out[-1].onset_hop - begin < seconds / score.HOP_S:
        out.append(model.next(leanings))
    return out


def tuning_of(notes: list[Note]) -> float:
    """Offset of the notes from the piano's semitones, -0.5..0.5: circular mean by length."""
    return float(np.angle(sum(n.sounding_hops * np.exp(2j * np.pi * n.pitch) for n in notes)) / (2 * np.pi))


def judge(prompt: list[Note], reply: list[Note]) -> dict[str, float]:
    """Figures of one answer against its prompt."""
    tuning = tuning_of(prompt)
    prompt, reply = ([replace(n, pitch=n.pitch - tuning) for n in notes] for notes in (prompt, reply))
    scale, known = krumhansl_scale(prompt), set(grams(prompt))
    held = sum(n.sounding_hops for n in reply)
    mine = grams(reply)
    pace = lambda notes: len(notes) / max(1, sum(n.wait_hops for n in notes))  # noqa: E731
    return {
        "in_key": sum(n.sounding_hops for n in reply if round(n.pitch) % 12 in scale) / held,
        "cents_off_tuning": float(np.median([abs(n.pitch - round(n.pitch)) for n in reply]) * 100),
        "register_shift": abs(float(np.median([n.pitch for n in reply]) - np.median([n.pitch for n in prompt]))),
        "reuse": float(np.mean([g in known for g in mine])) if mine else 0.0,
        "pace": pace(reply) / pace(prompt),
        "silence": 1 - held / max(1, sum(n.wait_hops for n in reply)),
        "mean_interval": float(np.abs(np.diff([n.pitch for n in reply])).mean()) if len(reply) > 1 else 0.0,
    }


def mean_of(rows: list[dict[str, float]]) -> dict[str, float]:
    """Mean of each figure."""
    return {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graph", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--prompts", type=int, default=40)
    args = parser.parse_args()
    _, held = melodies.split(melodies.read_lines(args.data))
    batch = melodies.performances(held, args.prompts, 72, seed=17, plain=True)
    rng = np.random.default_rng(3)
    model = NoteModel(args.graph)
    figures: dict[str, object] = {}
    pairs = [prompt_and_truth(batch, row, 40, rng) for row in range(args.prompts)]
    figures["true continuation"] = mean_of([judge(prompt, truth) for prompt, truth in pairs])
    shifted = [judge(pairs[i][0], pairs[i - 1][1]) for i in range(len(pairs))]
    figures["another tune"] = mean_of(shifted)
    cases = {
        "default": Leanings(),
        "novelty 0": Leanings(novelty=0.0),
        "novelty 1": Leanings(novelty=1.0),
        "temperature 0.6": Leanings(temperature=0.6),
        "temperature 1.2": Leanings(temperature=1.2),
        "no grips": Leanings(register_grip=0.0),
    }
    for name, leanings in cases.items():
        model.ask(PitchWishes(scale_grip=0.0) if name == "no grips" else PitchWishes())
        figures[name] = mean_of(
            [judge(prompt, answer(model, prompt, i, leanings, notes=32)) for i, (prompt, _) in enumerate(pairs)]
        )
    model.ask(PitchWishes())
    short = [(prompt[-12:], None) for prompt, _ in pairs]
    figures["12-note prompts, 15 s"] = mean_of(
        [judge(prompt, answer(model, prompt, i, Leanings(), seconds=15)) for i, (prompt, _) in enumerate(short)]
    )
    long = []
    for i, (prompt, _) in enumerate(pairs[:4]):
        reply = answer(model, prompt[-16:], i, Leanings(), seconds=300)
        minutes = [[n for n in reply if m <= (n.onset_hop - reply[0].onset_hop) / 3000 < m + 1] for m in range(5)]
        shift = [float(np.median([n.pitch for n in part]) - np.median([n.pitch for n in prompt[-16:]])) for part in minutes]
        figures_300 = {
            "longest_loop_s": longest_loop_s(reply),
            "shift_last_minute": shift[-1],
            "distinct_pitches": len({round(n.pitch) for n in reply}),
        }
        long.append({**judge(prompt[-16:], reply), **figures_300})
    figures["300 s"] = mean_of(long)
    figures["300 s: longest loop"] = max(row["longest_loop_s"] for row in long)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
