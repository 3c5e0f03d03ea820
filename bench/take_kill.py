"""What a kill costs a take: its writer killed at random moments, each take repaired and verified, the loss in seconds.

    python bench/take_kill.py [--kills 50] [--speed 20] [--most 3] [--keep DIR] [--dry-run]

A process makes sound as a recorder would have it, `--speed` times as fast as a device, in pieces of 10 ms: dry and mix in
stereo, the voice mono, 48 kHz; steps, events, notes, a record for each second of sound. It tells how many frames it has
made, before it passes them on, through shared memory, which outlives it. After a random time it gets SIGKILL. Loss is the
frames made up to the kill less those that are in the repaired take; a take is judged by `judge`, which takes any folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from antiphon.errors import AntiphonError
from antiphon.take import Take, TakeSpec, TakeWriter, repair, verify
from antiphon.take.form import STEMS
from record import note, record, summary

RATE = 48_000
PIECE = RATE // 100


@dataclass(frozen=True)
class Judgement:
    """What became of one take. `loss_s` is None where nobody told how much was made."""

    ok: bool
    problems: tuple[str, ...]
    kept_frames: int
    loss_s: float | None
    tail_s: float
    recorded_lost_s: float
    repair_s: float


def judge(folder: Path, made_frames: int | None = None) -> Judgement:
    """Repair a take that was killed, verify it, read its stems with another reader, and say what was lost of what was made."""
    began = time.perf_counter()
    report = repair(folder)
    took = time.perf_counter() - began
    found = verify(folder)
    problems = list(found.problems)
    for name in STEMS:
        frames = soundfile.info(folder / name).frames
        if frames != report.frames:
            problems.append(f"{name}: {frames} frames by its header, {report.frames} by the log")
    if repair(folder).changed:
        problems.append("a second repair found something to do")
    loss = None if made_frames is None else max(made_frames - report.frames, 0) / Take(folder).samplerate
    return Judgement(found.ok and not problems, tuple(problems), report.frames, loss, report.tail_s, report.lost_s, took)


def source(folder: Path, counter: Path, speed: float) -> None:
    """Write a take until killed, the frames made so far in the file `counter`, 8 bytes of shared memory."""
    made = np.memmap(counter, np.int64, "r+", shape=1)
    writer = TakeWriter(TakeSpec(folder, RATE, 2, 2, "0123456789ab", {"performer": "bench"}))
    random = np.random.default_rng()
    noise = random.uniform(-1, 1, (RATE, 5)).astype(np.float32)
    began, pieces = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * speed * 100)
        while pieces < due:
            at = pieces % 100 * PIECE
            block = noise[at : at + PIECE]
            made[0] += PIECE
            writer.sound(block[:, :2], block[:, 2], block[:, 3:])
            writer.step(bytes(random.integers(0, 256, 60, np.uint8)))
            pieces += 1
            if pieces % 100 == 0:
                writer.note("voice", writer.frames - RATE, RATE // 2, 60.3, -20.0)
                writer.second({"pieces": pieces})
        time.sleep(0.001)


def kill_once(base: Path, speed: float, after_s: float) -> tuple[Path, int]:
    """Start a source, kill it `after_s` after its first frames; give its take and the frames it had made."""
    folder, counter = base / "take", base / "made"
    counter.write_bytes(bytes(8))
    made = np.memmap(counter, np.int64, "r", shape=1)
    command = [sys.executable, __file__, "--source", str(folder), "--counter", str(counter), "--speed", str(speed)]
    child = subprocess.Popen(command)
    try:
        while not made[0]:
            if child.poll() is not None:
                raise RuntimeError("the source ended by itself")
            time.sleep(0.001)
        time.sleep(after_s)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    return folder, int(made[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--speed", type=float, default=20.0, help="times as fast as a device")
    parser.add_argument("--most", type=float, default=3.0, help="the longest a source lives, s")
    parser.add_argument("--keep", type=Path, help="keep the takes here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="write no record")
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--counter", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.source:
        source(options.source, options.counter, options.speed)
    random = np.random.default_rng(options.seed)
    losses, tails, repairs, kept, bad = [], [], [], [], 0
    for nth in range(options.kills):
        base = Path(tempfile.mkdtemp(prefix="take-kill-", dir=options.keep))
        try:
            folder, made = kill_once(base, options.speed, random.uniform(0, options.most))
            try:
                found = judge(folder, made)
            except AntiphonError as error:
                bad += 1
                note(f"{nth:3}: {error}")
                continue
        finally:
            if not options.keep:
                shutil.rmtree(base)
        bad += not found.ok
        losses.append(found.loss_s)
        tails.append(found.tail_s)
        repairs.append(found.repair_s)
        kept.append(found.kept_frames / RATE)
        note(
            f"{nth:3}: made {made / RATE:7.3f} s, kept {kept[-1]:7.3f} s, lost {found.loss_s:.3f} s, of the kept "
            f"{found.tail_s:.3f} s were in no record; {'verifies' if found.ok else '; '.join(found.problems)}"
        )
    settings = {"kills": options.kills, "speed": options.speed, "most_s": options.most, "seed": options.seed}
    figures = {**summary(losses), "not_verified": bad, "unrecorded_s_max": max(tails), "repair_s_max": max(repairs)}
    figures["seconds_kept"] = [min(kept), max(kept)]
    clock = "frames made by the source up to the kill, less the frames of the repaired take"
    record("take_kill", "loss", figures, unit="s", clock=clock, settings=settings, write=not options.dry_run)
    return 1 if bad or max(losses) > 1.0 else 0


if __name__ == "__main__":
    sys.exit(main())
