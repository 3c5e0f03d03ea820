"""Judge the exported tokenizer and the live segmenter: held-out renders, and real clips against an independent tracker.

    python -m antiphon.train.evaluate_tokenizer --graph .work/export/tokenizer.onnx --renders .work/render --clips CLIPS

Clips with human note labels (``NAME.notesA1.csv``, ``NAME.notesA2.csv``: onset s, pitch Hz, length s) are scored
against them as in MIREX: a note is right if its onset is within 50 ms and its pitch within 50 cents. Clips are never
trained on.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..model.score import HOP_S, Note
from ..model.segment import Segmenter
from ..model.tokenizer import LOOK_AHEAD_HOPS, Tokenizer
from ..model.tokens import HOP, MODEL_RATE, NOTE_LO, REST
from .tokenizer import Shards, spoil


def read_clip(path: Path) -> np.ndarray:
    """Read a clip as whole hops of mono float32 at 48 kHz, peak at 0.5."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = soxr.resample(sound.mean(1), rate, MODEL_RATE).astype(np.float32)
    sound = np.concatenate([sound, np.zeros(-len(sound) % HOP + 8 * HOP, np.float32)])
    return sound / (2 * np.abs(sound).max() + 1e-9)


def hear(tokenizer: Tokenizer, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Note]]:
    """Play sound to tokenizer and segmenter: pitch and note class and onset of each hop, and the notes."""
    tokenizer.reset()
    segmenter, notes, rows = Segmenter(), [], []
    for hop in sound.reshape(-1, HOP):
        frame = tokenizer.step(hop)
        notes += segmenter.step(frame)
        rows.append((frame.pitch, int(frame.note_post.argmax()), frame.onset))
    pitch, note, onset = (np.array(column) for column in zip(*rows, strict=True))
    return pitch, note, onset, notes + segmenter.flush()


def f_score(heard: list[tuple[float, float]], true: list[tuple[float, float]], cents: float | None) -> float:
    """F of notes (onset s, pitch): each true note is taken once, by the nearest onset within 50 ms."""
    free, hits = list(true), 0
    for onset, pitch in heard:
        fits = [t for t in free if abs(t[0] - onset) <= 0.05 and (cents is None or abs(t[1] - pitch) * 100 <= cents)]
        if fits:
            free.remove(min(fits, key=lambda t: abs(t[0] - onset)))
            hits += 1
    return 2 * hits / max(1, len(heard) + len(true))


def human_notes(path: Path) -> list[tuple[float, float]]:
    """Read (onset s, MIDI pitch) of a label file."""
    with path.open() as rows:
        return [(float(row[0]), 69 + 12 * np.log2(float(row[1]) / 440)) for row in csv.reader(rows)]


def independent_pitch(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """swift-f0's pitch and confidence at the middle of each hop, (hops,) each."""
    import swift_f0

    found = swift_f0.SwiftF0(threads=1, spin=False).detect(sound, MODEL_RATE)
    middle = (np.arange(len(sound) // HOP) + 0.5) * HOP_S
    times = np.asarray(found.timestamps)
    after = np.clip(np.searchsorted(times, middle), 1, len(times) - 1)
    nearest = after - (middle - times[after - 1] < times[after] - middle)
    hertz, sure = np.asarray(found.pitch_hz)[nearest], np.asarray(found.confidence)[nearest]
    return 69 + 12 * np.log2(np.maximum(hertz, 1.0) / 440), np.where(hertz > 0, sure, 0.0)


def judge_renders(tokenizer: Tokenizer, shards: Shards, clips: int, spoilt: bool) -> dict[str, float]:
    """Held-out renders: note, fine pitch, voicing, onset F (40 ms), clean or spoilt."""
    rows, rng = [], np.random.default_rng(7)
    for which in range(min(clips, len(shards.where))):
        cut = shards.cut(which, 0, shards.where[which][0]["f0"].shape[1] // 2)
        sound = spoil(cut["sound"][None], rng)[0] if spoilt else cut["sound"]
        pitch, note, _, notes = hear(tokenizer, sound)
        voiced = cut["pitch"] > 0
        named = cut["note"] != REST
        truth = [(k - LOOK_AHEAD_HOPS, cut["note"][min(k + 3, len(note) - 1)]) for k in np.flatnonzero(cut["onset"])]
        truth = [(k * HOP_S, c + NOTE_LO) for k, c in truth if c != REST]
        heard = [(n.onset_hop * HOP_S, n.pitch) for n in notes]
        rows.append(
            {
                "note": np.mean((note == cut["note"])[named]) if named.any() else np.nan,
                "within_50_cents": np.mean((np.abs(pitch - cut["pitch"]) < 0.5)[voiced]) if voiced.any() else np.nan,
                "voiced_where_silent": np.mean((pitch > 0)[~voiced]) if (~voiced).sum() > 5 else np.nan,
                "onset_f": f_score(heard, truth, None) if truth else np.nan,
                "note_f": f_score(heard, truth, 80) if truth else np.nan,
            }
        )
    return {name: round(float(np.nanmean([row[name] for row in rows])), 3) for name in rows[0]}


def judge_clip(tokenizer: Tokenizer, path: Path) -> dict[str, object]:
    """One real clip against swift-f0 where that is sure, and against humans where they labelled it."""
    sound = read_clip(path)
    pitch, _, _, notes = hear(tokenizer, sound)
    true, sure = independent_pitch(sound)
    voiced = sure > 0.9
    figures: dict[str, object] = {"notes": len(notes), "sure_hops": int(voiced.sum())}
    if voiced.sum() >= 20:
        off = np.abs(pitch - true)[voiced]
        heard = pitch[voiced] > 0
        figures |= {
            "within_50_cents": round(float(np.mean(off < 0.5)), 3),
            "within_50_cents_of_voiced": round(float(np.mean(off[heard] < 0.5)), 3),
            "octave_errors": round(float(np.mean(np.abs(off[heard] - 12) < 1)), 3),
            "median_cents": round(float(np.median(off[heard]) * 100), 1),
            "voiced": round(float(np.mean(heard)), 3),
        }
    labels = [human_notes(p) for p in sorted(path.parent.glob(path.stem + ".notes*.csv"))]
    mine = [((n.onset_hop + 0.5) * HOP_S, n.pitch) for n in notes]  # the middle of the hop
    for i, label in enumerate(labels):
        figures[f"human_{i + 1}"] = {
            "onset_f": round(f_score(mine, label, None), 3),
            "note_f": round(f_score(mine, label, 50), 3),
            "notes": len(label),
        }
    if len(labels) == 2:
        figures["humans_agree"] = round(f_score(labels[0], labels[1], 50), 3)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graph", required=True, type=Path)
    parser.add_argument("--renders", type=Path)
    parser.add_argument("--clips", type=Path)
    args = parser.parse_args()
    tokenizer = Tokenizer(args.graph)
    figures: dict[str, object] = {}
    if args.renders:
        held = Shards(args.renders, "held")
        figures["held-out renders"] = judge_renders(tokenizer, held, 32, spoilt=False)
        figures["held-out renders, spoilt"] = judge_renders(tokenizer, held, 32, spoilt=True)
    if args.clips:
        figures |= {path.stem: judge_clip(tokenizer, path) for path in sorted(args.clips.glob("*.wav"))}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
