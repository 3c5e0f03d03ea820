"""What kill -9 of the whole instrument costs a take: at random moments, each take repaired and verified, the loss in seconds.

    python bench/instrument_kill.py [--kills 50] [--most 6] [--bundle hum] [--keep DIR] [--dry-run]

`antiphon play --take` runs on the dummy clock in a process group of its own, with the built-in hummed phrase and answers to it. At
a random moment after its first frame all of it gets SIGKILL at once: engine, recorder and model. How many frames the device had
made by then stands in the shared segment, which outlives the kill. Loss is these less what is in the repaired take; what the clock
made after the last look of the recorder (50 ms) and before the kill is always among it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from record import note, record, summary
from take_kill import judge

from antiphon.errors import AntiphonError
from antiphon.layout import Segment, folder


def kill_once(take: Path, bundle: str, after_s: float) -> int:
    """Play, kill everything `after_s` after the first frame; give how many frames the device had made."""
    command = [sys.executable, "-m", "antiphon", "play", "--driver", "dummy", "--take", str(take), "--bundle", bundle, "--osc", "off", "--plain"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    segment = None
    try:
        until = time.monotonic() + 30
        while segment is None or not segment.clock:
            if child.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the instrument did not play")
            segment = segment or _attach(child.pid)
            time.sleep(0.005)
        time.sleep(after_s)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    time.sleep(0.05)
    made = int(segment.read_counters()["frames"])
    segment.unlink()
    return made


def _attach(pid: int) -> Segment | None:
    for path in folder().glob(f"antiphon-{pid}-*"):
        try:
            return Segment.attach(path.name)
        except AntiphonError:  # half made
            return None
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--most", type=float, default=6.0, help="the longest it plays, s")
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--keep", type=Path, help="keep the takes here")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="write no record")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    losses, tails, bad = [], [], 0
    with tempfile.TemporaryDirectory() as temporary:
        base = options.keep or Path(temporary)
        for number in range(options.kills):
            after_s = float(random.uniform(0.0, options.most))
            take = base / f"take-{number + 1}"
            made = kill_once(take, options.bundle, after_s)
            judged = judge(take, made)
            bad += not judged.ok
            losses.append(judged.loss_s)
            tails.append(judged.tail_s)
            note(f"{number + 1}: killed at {made / 48_000:.2f} s, lost {judged.loss_s:.3f} s, repaired in {judged.repair_s:.2f} s, "
                 f"{'verifies' if judged.ok else 'DOES NOT VERIFY: ' + '; '.join(judged.problems)}")  # fmt: skip
    note(f"{options.kills - bad} of {options.kills} verify; largest loss {max(losses):.3f} s")
    settings = {"kills": options.kills, "most_s": options.most, "bundle": options.bundle, "seed": options.seed}
    clock = "frames the device had made at the kill, by the shared segment, less the frames of the repaired take"
    figures = {**summary(losses), "not_verified": bad, "unrecorded_s_max": max(tails)}
    record("instrument_kill", "loss", figures, unit="s", clock=clock, settings=settings, write=not options.dry_run)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
