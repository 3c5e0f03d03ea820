"""What hearing and planning cost at the cadence of play: tokenizer and segmenter each hop, note model each note.

    python bench/note_steps.py [--graphs FOLDER] [--hops 1500]

One thread; the process sleeps until each hop is due (20 ms), so caches are as cold as on stage. The clock starts when
a stage is called and stops when its answer is back.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from antiphon.model.bundle import Bundle
from antiphon.model.notes import NoteModel
from antiphon.model.segment import Segmenter
from antiphon.model.tokenizer import Tokenizer
from antiphon.model.tokens import HOP, MODEL_RATE
from record import record, summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=Path, help="folder of tokenizer.onnx and notes.onnx; else bundle 'hum'")
    parser.add_argument("--hops", type=int, default=1500)
    parser.add_argument("--dry", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    find = (lambda name: args.graphs / f"{name}.onnx") if args.graphs else Bundle.open("hum").path
    tokenizer, segmenter, model = Tokenizer(find("tokenizer")), Segmenter(), NoteModel(find("notes"), seed=1)
    rng = np.random.default_rng(0)
    phase = np.cumsum(2 * np.pi * 220 * 2 ** (rng.integers(0, 12, args.hops).repeat(HOP) / 12) / MODEL_RATE)
    sound = (0.1 * np.sin(phase) + 0.03 * np.sin(2 * phase)).astype(np.float32).reshape(-1, HOP)
    model.begin(0)
    times: dict[str, list[float]] = {"tokenizer": [], "segmenter": [], "note model": []}
    due = time.monotonic()
    for hop in sound:
        due += HOP / MODEL_RATE
        time.sleep(max(0.0, due - time.monotonic()))
        marks = [time.perf_counter()]
        frame = tokenizer.step(hop)
        marks.append(time.perf_counter())
        segmenter.step(frame)
        marks.append(time.perf_counter())
        model.next()
        marks.append(time.perf_counter())
        for name, spent in zip(times, np.diff(marks), strict=True):
            times[name].append(float(spent))
    for name, spent in times.items():
        milliseconds = [1e3 * seconds for seconds in spent[50:]]  # the first second warms up
        record(
            "note_steps",
            name,
            summary(milliseconds),
            unit="ms",
            clock="from the call to its return, once a hop of 20 ms",
            settings={"threads": 1, "cadence_ms": 20},
            write=not args.dry,
        )


if __name__ == "__main__":
    main()
