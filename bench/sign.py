"""How long after stop a take is signed: dry, voice and mix of ten minutes, and where the time goes.

    python bench/sign.py [--minutes 10] [--runs 5] [--dry-channels 1] [--dry-run]

The stems are noise at 48 kHz and 24 bits, written just before, as a take's are: they are in memory still. "first" is in a
program and a home that have never signed, with the library loaded and an authority made; "take" is every later one. Beside
them: SHA-256 of the same bytes, which is the least it can cost, and the library's own way for the same mix, which reads
all of a file into memory and writes a copy of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from record import note, record, summary

STEMS = (("dry", None), ("voice", 1), ("mix", 2))
CLOCK = "perf_counter from the call of sign_take to its return, manifests on the disk (fsync)"
ONCE = """
import sys, time
began = time.perf_counter()
from antiphon.provenance.credentials import sign_take
sign_take(sys.argv[1])
took = time.perf_counter() - began
memory = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(took, int(memory[0]) / 1024)
"""


def make(folder: Path, minutes: float, dry_channels: int) -> int:
    """Write the stems and take.json; gives their bytes."""
    random = np.random.default_rng(1)
    for name, channels in STEMS:
        with soundfile.SoundFile(folder / f"{name}.wav", "w", 48_000, channels or dry_channels, "PCM_24") as file:
            block = (random.standard_normal((48_000, file.channels)) * 0.1).astype(np.float32)
            for _ in range(round(minutes * 60)):
                file.write(block)
    about = {"id": "0123456789ab", "bundle": "hum", "performer": "Ada", "consent": "yes", "seed": 1}
    (folder / "take.json").write_text(json.dumps(about))
    return sum(path.stat().st_size for path in folder.glob("*.wav"))


def hash_all(folder: Path) -> None:
    """SHA-256 of each stem."""
    for path in folder.glob("*.wav"):
        with open(path, "rb") as file:
            hashlib.file_digest(file, "sha256")


def by_the_library(path: Path, out: Path) -> None:
    """Sign a file as the library's own example does."""
    import c2pa

    from antiphon.provenance import authority

    who = authority.current()
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    action = {"action": "c2pa.created", "digitalSourceType": source}
    told = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    context = c2pa.Context.from_dict({"verify": {"verify_after_sign": False}})
    signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(who.algorithm, who.chain.encode(), who.key.encode(), None))
    c2pa.Builder(told, context=context).sign_file(path, out, signer)


def timed(call, *arguments) -> float:
    began = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - began


def first_time(folder: Path, home: Path) -> tuple[float, float]:
    """Sign in a program and a home of its own; gives (seconds, most memory in MB)."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home)}
    told = subprocess.run([sys.executable, "-c", ONCE, str(folder)], capture_output=True, text=True, check=True, env=environment)
    seconds, memory = map(float, told.stdout.split())
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dry-channels", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="print, and write no record")
    args = parser.parse_args()
    from antiphon.provenance.credentials import read, sign_file, sign_take

    took: dict[str, list[float]] = {"first": [], "take": [], "take, processor": [], "sha256": [], "read": [], "library": []}
    memory = 0.0
    with tempfile.TemporaryDirectory() as work:
        os.environ["XDG_CONFIG_HOME"] = f"{work}/home"
        soundfile.write(f"{work}/short.wav", np.zeros(480), 48_000)
        sign_file(f"{work}/short.wav", kind="mix", about={})  # the library is loaded and the authority made
        for run in range(args.runs):
            for name in ("first", "take"):
                folder = Path(work, f"{name}-{run}")
                folder.mkdir()
                size = make(folder, args.minutes, args.dry_channels)
                if name == "first":
                    took["library"].append(timed(by_the_library, folder / "mix.wav", folder / "copy.out.wav"))
                    (folder / "copy.out.wav").unlink()
                    seconds, peak = first_time(folder, Path(work, f"home-{run}"))
                    took["first"].append(seconds)
                    memory = max(memory, peak)
                else:
                    took["sha256"].append(timed(hash_all, folder))
                    spent = time.process_time()
                    took["take"].append(timed(sign_take, folder))
                    took["take, processor"].append(time.process_time() - spent)
                    took["read"].append(timed(lambda where=folder: [read(path) for path in where.glob("*.wav")]))
                    assert {read(path).state for path in folder.glob("*.wav")} == {"valid"}
                note(f"run {run + 1}, {name}: {took[name][-1]:.3f} s")
                shutil.rmtree(folder)
    settings = {"minutes": args.minutes, "dry_channels": args.dry_channels, "bytes": size}
    clocks = {
        "take, processor": "process_time over the same calls: what other programs take is not in it",
        "sha256": "perf_counter around hashing the same three files",
        "read": "perf_counter around reading the three files",
        "library": "perf_counter around Builder.sign_file of mix.wav alone",
    }
    for name, values in took.items():
        more = {"peak_mb": round(memory)} if name == "first" else {}
        clock = clocks.get(name, CLOCK)
        record("sign", name, {**summary(values), **more}, unit="s", clock=clock, settings=settings, write=not args.dry_run)


if __name__ == "__main__":
    main()
