"""What the mark costs: putting it on, by the hop and as a share of a core; finding it, as a multiple of real time.

    python bench/mark_cost.py [--hops 20000] [--clips DIR] [--dry]

Putting it on is timed by the hop of 20 ms (960 frames), on real recordings one after the other. Finding it is the whole of
`antiphon verify FILE` in a process of its own, its start included: wall time and processor time, of files of 10 s to 10 min,
marked and not, mono at 48 kHz and stereo at 44.1.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from antiphon.kernels import Resampler
from antiphon.provenance.mark import HOP, RATE, Mark, Payload
from record import note, record, summary

LENGTHS_S = (10, 30, 60, 180, 600)
HOP_US = 1e6 * HOP / RATE


def material(folder: Path) -> np.ndarray:
    """Read the folder's recordings one after the other, (frames,) float32 at 48 kHz."""
    found = []
    for path in sorted(folder.glob("*.wav")):
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = np.ascontiguousarray(sound.mean(1))
        found.append(mono if rate == RATE else np.array(Resampler(rate, RATE).process(mono)))
    return np.concatenate(found)


def putting_on(sound: np.ndarray, hops: int, write: bool) -> None:
    """Time `Mark.step`, and `carry`, which a take calls once."""
    mark, took = Mark(bytes(32), Payload(1, 1)), []
    rows = np.resize(sound, hops * HOP).reshape(hops, HOP)
    for row in rows[:500]:
        mark.step(row)
    began = time.process_time_ns()
    for row in rows:
        at = time.perf_counter_ns()
        mark.step(row)
        took.append((time.perf_counter_ns() - at) / 1000)
    busy = (time.process_time_ns() - began) / 1000 / hops
    figures = summary(took) | {"processor_us": busy, "share_of_a_core": busy / HOP_US}
    record("mark_cost", "step", figures, unit="us", clock="around Mark.step of one hop of 20 ms", settings={"hops": hops},
           write=write)
    note(f"step: p50 {figures['p50']:.0f} us, p99 {figures['p99']:.0f} us, {100 * busy / HOP_US:.2f} % of a core")
    took = []
    for number in range(50):
        at = time.perf_counter_ns()
        mark.carry(Payload(number))
        took.append((time.perf_counter_ns() - at) / 1000)
    record("mark_cost", "carry", summary(took), unit="us", clock="around Mark.carry", write=write)


def finding(sound: np.ndarray, write: bool) -> None:
    """Time `antiphon verify` on files."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        environment["XDG_CONFIG_HOME"] = folder
        plain = np.resize(sound, max(LENGTHS_S) * RATE)
        mark = Mark(bytes(32), Payload(1, 1))
        marked = np.concatenate([mark.step(hop) for hop in plain.reshape(-1, HOP)])
        for seconds in LENGTHS_S:
            for name, source in (("unmarked", plain), ("marked", marked)):
                for rate, channels in ((RATE, 1), (44_100, 2)):
                    path = Path(folder) / "file.wav"
                    soundfile.write(path, shaped(source[: seconds * RATE], rate, channels), rate, subtype="PCM_16")
                    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                    done = subprocess.run([sys.executable, "-m", "antiphon", "verify", str(path), "--json"], env=environment,
                                          stdout=subprocess.DEVNULL, check=False)
                    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
                    if done.returncode != (name == "unmarked"):
                        raise SystemExit(f"verify of {name} {seconds} s: exit code {done.returncode}")
                    busy = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
                    figures = {"wall_s": wall, "processor_s": busy, "times_real_time": seconds / wall,
                               "times_real_time_of_a_core": seconds / busy}
                    record("mark_cost", f"verify {name} {seconds} s", figures, unit="s",
                           clock="start to end of the process", settings={"samplerate": rate, "channels": channels}, write=write)
                    note(f"verify {name}, {seconds} s, {rate} Hz x {channels}: {seconds / wall:.0f} x real time, "
                         f"{seconds / busy:.0f} x on one core")


def shaped(sound: np.ndarray, rate: int, channels: int) -> np.ndarray:
    """Give the sound at a rate, on channels that are not alike."""
    if rate != RATE:
        sound = np.array(Resampler(RATE, rate).process(sound))
    return np.stack([sound * (1 - 0.3 * k) for k in range(channels)], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hops", type=int, default=20_000)
    parser.add_argument("--clips", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data" / "clips")
    parser.add_argument("--dry", action="store_true", help="write no record")
    options = parser.parse_args()
    sound = material(options.clips)
    putting_on(sound, options.hops, not options.dry)
    finding(sound, not options.dry)


if __name__ == "__main__":
    main()
