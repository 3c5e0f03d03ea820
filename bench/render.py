"""How much faster than real time a recording is carried on, on one core, the start of Python and the loading counted in.

    python bench/render.py [--seconds 15] [--bundle hum] [--dry-run] FILE ...

Each file is rendered by the command line in a process of its own, tied to one core, twice; the output of both must be the
same bytes. `factor` is (seconds heard + seconds answered) / wall-clock seconds from the start of the process to its end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from antiphon.audiofile import read
from record import note, record, summary


def render(path: str, out: Path, seconds: float, bundle: str) -> float:
    """Wall-clock seconds of one rendering."""
    command = [sys.executable, "-m", "antiphon", "render", path, "-o", str(out), "--seconds", str(seconds), "--seed", "1", "--no-credentials"]
    began = time.perf_counter()
    subprocess.run([*command, "--bundle", bundle], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    factors, differ = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for path in args.files:
            file = read(path)
            played_s = len(file.pcm) / file.samplerate + args.seconds
            outs = [Path(folder) / f"{run}.wav" for run in (1, 2)]
            walls = [render(path, out, args.seconds, args.bundle) for out in outs]
            same = outs[0].read_bytes() == outs[1].read_bytes()
            differ += not same
            factors += [played_s / wall for wall in walls]
            note(f"{Path(path).name}: {played_s:.1f} s in {walls[0]:.2f} and {walls[1]:.2f} s, "
                 f"{factors[-2]:.1f} and {factors[-1]:.1f} times real time; {'same bytes' if same else 'THE BYTES DIFFER'}")
    figures = {**summary(factors), "least": min(factors), "files": len(args.files), "different_bytes": differ}
    record("render", "factor", figures, unit="times real time", clock="the whole process, start and loading counted in",
           settings={"seconds": args.seconds, "bundle": args.bundle, "cores": 1}, write=not args.dry_run)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
