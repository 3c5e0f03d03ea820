"""Judge the exported tokenizer and the live segmenter: held-out renders, and real clips against an independent tracker.

    python -m antiphon.train.evaluate_tokenizer --graph .work/export/tokenizer.onnx --clips CLIPS \
        --renders .work/render .work/render-strokes --seeds .work/render/seeds.npz

Clips with human note labels (``NAME.notesA1.csv``, ``NAME.notesA2.csv``: onset s, pitch Hz, length s) are scored
against them as in MIREX: a note is right if its onset is within 50 ms and its pitch within 50 cents. Clips are never
trained on.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from ..model.score import HOP_S
from ..model.tokenizer import LOOK_AHEAD_HOPS, Tokenizer
from ..model.tokens import HOP, MODEL_RATE, NOTE_LO, REST, STROKE
from .clips import human_notes, read
from .hearing import f_score, hear, judge
from .tokenizer import Shards, spoil


def read_clip(path: Path) -> np.ndarray:
    """Read a clip as whole hops of mono float32 at 48 kHz, peak at 0.5. Raises UsageError as `clips.read`."""
    sound = read(path).astype(np.float32)
    sound = np.concatenate([sound, np.zeros(-len(sound) % HOP, np.float32)])
    return sound / (2 * np.abs(sound).max() + 1e-9)


def judge_renders(tokenizer: Tokenizer, shards: Shards, clips: int, spoilt: bool) -> dict[str, float]:
    """Held-out renders, clean or spoilt: note, fine pitch, voicing, F of notes and of strokes (50 ms), and what was none of either.

    `false_strokes_a_minute` are those of clips without strokes, `false_notes_a_minute` those of clips without notes.
    """
    rows, rng = [], np.random.default_rng(7)
    for which in range(min(clips, len(shards.where))):
        cut = shards.cut(which, 0, shards.where[which][0]["f0"].shape[1] // 2)
        sound = spoil(cut["sound"][None], rng)[0] if spoilt else cut["sound"]
        pitch, note, _, notes = hear(tokenizer, sound)
        voiced = cut["pitch"] > 0
        named, last = (cut["note"] != REST) & (cut["note"] >= 0), len(note) - 1
        spoken, begun = bool((cut["onset"] < 0).any()), np.flatnonzero(cut["onset"] > 0)
        struck = [k for k in begun if STROKE in cut["note"][k : k + 2]]
        truth = [(k - LOOK_AHEAD_HOPS, cut["note"][min(k + 3, last)]) for k in begun if k not in struck]
        truth = [(k * HOP_S, c + NOTE_LO) for k, c in truth if 0 <= c < REST]
        beaten = [((k - LOOK_AHEAD_HOPS) * HOP_S, 0.0) for k in struck]
        heard = [(n.onset_hop * HOP_S, n.pitch) for n in notes if n.pitch > 0]
        strokes = [(n.onset_hop * HOP_S, 0.0) for n in notes if not n.pitch > 0]
        minutes = len(note) * HOP_S / 60
        rows.append(
            {
                "note": np.mean((note == cut["note"])[named]) if named.any() else np.nan,
                "within_50_cents": np.mean((np.abs(pitch - cut["pitch"]) < 0.5)[voiced]) if voiced.any() else np.nan,
                "voiced_where_silent": np.mean((pitch > 0)[~voiced]) if (~voiced).sum() > 5 else np.nan,
                "onset_f": f_score(heard, truth, None) if truth else np.nan,
                "note_f": f_score(heard, truth, 80) if truth else np.nan,
                "stroke_f": f_score(strokes, beaten, None) if beaten else np.nan,
                "false_strokes_a_minute": np.nan if beaten else len(strokes) / minutes,
                "false_notes_a_minute": np.nan if truth or spoken else len(heard) / minutes,
            }
        )
    columns = {name: [row[name] for row in rows if np.isfinite(row[name])] for name in rows[0]}
    return {name: round(float(np.mean(column)), 3) for name, column in columns.items() if column}


def judge_seeds(tokenizer: Tokenizer, table: Path, each: int = 20) -> dict[str, float]:
    """Recorded notes of the instruments kept from training, one at a time: how often one note is heard as one, at its pitch."""
    from . import seeds

    of = {name: [] for name in seeds.HELD_OUT_INSTRUMENTS}
    for seed in seeds.load_labels(table):
        of.get(seed.instrument, []).append(seed)
    figures, rng = {}, np.random.default_rng(0)
    for name, notes in of.items():
        counts, right = [], []
        for which in rng.permutation(len(notes))[:each]:
            note = notes[which]
            sound = soundfile.read(note.path, dtype="float32", always_2d=True)[0][max(0, note.begin - 2400) : note.end + 9600, 0]
            sound = sound[: 4 * MODEL_RATE] * (0.1 / note.level)
            sound[-4800:] *= np.linspace(1, 0, min(len(sound), 4800))
            sound = np.pad(sound, (MODEL_RATE // 2, MODEL_RATE // 2 + -len(sound) % HOP))
            heard = [n.pitch for n in hear(tokenizer, (sound + 1e-4 * rng.standard_normal(len(sound))).astype(np.float32))[3]]
            counts.append(len(heard))
            right.append(any(abs(pitch - note.pitch) < 0.5 for pitch in heard))
        if counts:
            figures |= {f"{name}, notes a note": np.mean(counts), f"{name}, right": np.mean(right)}
            figures.setdefault("one note is one", []).append(np.mean(np.array(counts) == 1))
    figures["one note is one"] = np.mean(figures["one note is one"])
    return {name: round(float(value), 3) for name, value in figures.items()}


def judge_clip(tokenizer: Tokenizer, path: Path) -> dict[str, object]:
    """One real clip against swift-f0 where that is sure, and against humans where they labelled it."""
    labels = tuple(human_notes(file) for file in sorted(path.parent.glob(path.stem + ".notes*.csv")))
    figures = judge(tokenizer, read_clip(path), labels)
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graph", required=True, type=Path)
    parser.add_argument("--renders", type=Path, nargs="*", default=(), help="folders with held-*.npz")
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--seeds", type=Path, help="the renders' table of labelled seeds, seeds.npz")
    parser.add_argument("--count", type=int, default=48, help="held-out clips of each folder")
    args = parser.parse_args()
    tokenizer = Tokenizer(args.graph)
    figures: dict[str, object] = {}
    for folder in args.renders:
        held = Shards(folder, "held")
        figures[f"held-out of {folder.name}"] = judge_renders(tokenizer, held, args.count, spoilt=False)
        figures[f"held-out of {folder.name}, spoilt"] = judge_renders(tokenizer, held, args.count, spoilt=True)
    if args.seeds:
        figures["notes of held-out instruments"] = judge_seeds(tokenizer, args.seeds)
    if args.clips:
        figures |= {path.stem: judge_clip(tokenizer, path) for path in sorted(args.clips.glob("*.wav"))}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
