"""Is a long take the same when it is made again? A live performance with control events over OSC, and its replay.

    python bench/replayed.py CLIP [--seconds 300] [--events 200] [--midway S] [--keep DIR] [--dry-run]

`antiphon play --take` on the dummy clock hears five seconds of CLIP and seven of silence over and over; events come over UDP at random moments: numbers of random rows,
triggers, slots, presets' worth of changes. With --midway the take begins S seconds into the performance, over OSC, with the state it
finds. Then `antiphon replay` makes the voice again from what was recorded; `hops_same` counts hops whose float samples are the
same bit for bit, `bytes_same` says whether the replay's file holds the same samples as voice.wav; where steps were late the
callback has faded what was heard, which `faded_frames` counts.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from pythonosc.udp_client import SimpleUDPClient
from record import note, record

from antiphon.params import REGISTRY
from antiphon.take import Take, verify

_KEPT_OUT = ("panic", "preset", "ask", "mode", "mute", "midi_learn", "midi_notes", "morph_s", "sync", "beat", "take/start", "take/stop", "take/name")
_OFTEN = ("trigger", "regenerate", "keep", "recall", "store_voice", "play_note", "hold", "freeze", "tap")


def event(random: np.random.Generator) -> tuple[str, object]:
    """One thing that a player might do: a row and what it is told."""
    rows = [row for row in REGISTRY.rows if row.path not in _KEPT_OUT]
    often = [row for row in rows if row.path in _OFTEN]
    row = random.choice(often if random.random() < 0.3 else rows)
    if row.kind == "trigger":
        return row.path, int(random.integers(1, row.most + 1)) if row.numbered else 1
    if row.kind == "bool":
        return row.path, int(random.integers(2))
    if row.kind == "enum":
        return row.path, str(random.choice(row.choices))
    if row.kind == "list":
        return row.path, [float(number) for number in np.sort(random.integers(48, 72, random.integers(1, 4)))]
    if row.path in ("dry", "voice", "master") or row.path.startswith("send/"):
        return row.path, float(random.uniform(-12, 0))
    value = float(random.uniform(row.minimum, row.maximum))
    return row.path, int(value) if row.kind == "int" else value


def perform(clip: str, take: Path, seconds: float, events: int, midway_s: float, seed: int) -> None:
    """Play until the end of it, and send the events."""
    random = np.random.default_rng(seed)
    port = 19_000 + os.getpid() % 1000
    command = [sys.executable, "-m", "antiphon", "play", "--driver", "dummy", "--input", clip, "--loop", "--osc", str(port), "--oscquery", "off",
               "--announce", "off", "--midi", "off", "--plain", "--set", "phrase_gap_s=0.3", "--set", "answer_s=6"]  # fmt: skip
    command += [] if midway_s else ["--take", str(take)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(4.0 + midway_s)
        client = SimpleUDPClient("127.0.0.1", port)
        if midway_s:
            client.send_message("/antiphon/take/name", take.name)
            client.send_message("/antiphon/take/start", 1)
        began = time.monotonic()
        for moment in np.sort(random.uniform(0, seconds - 6, events)):
            time.sleep(max(began + moment - time.monotonic(), 0))
            path, value = event(random)
            client.send_message(f"/antiphon/{path}", value)
        time.sleep(max(began + seconds - 4 - time.monotonic(), 0))
        if midway_s:
            client.send_message("/antiphon/take/stop", 1)
            time.sleep(3.0)
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--midway", type=float, default=0.0, metavar="S")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="write no record")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = options.keep or Path(temporary)
        take = base / f"replayed-{os.getpid()}"
        if options.midway:
            os.environ["HOME"] = str(base)  # where takes lie that are begun over OSC
            take = base / "antiphon-takes" / take.name
        clip, rate = soundfile.read(options.clip, dtype="float32", always_2d=True)
        soundfile.write(base / "heard.wav", np.concatenate([clip[: 5 * rate], np.zeros((7 * rate, clip.shape[1]), np.float32)]), rate, "PCM_24")
        perform(str(base / "heard.wav"), take, options.seconds, options.events, options.midway, options.seed)
        sound = verify(take)
        again = base / "again.wav"
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "antiphon", "replay", str(take), "-o", str(again), "--json"], capture_output=True, text=True)
        took = time.perf_counter() - began
        told = json.loads(done.stdout)
        one, other = (soundfile.read(path, dtype="int32")[0] for path in (take / "voice.wav", again))
        found = Take(take)
        figures = {"count": told["hops"], "hops_same": told["hops_same"], "frames": told["frames"], "frames_same": told["frames_same"],
                   "bytes_same": bool(np.array_equal(one, other)), "faded_frames": told["frames"] - told["frames_same"],
                   "events": sum(1 for _ in found.events()), "seconds": found.seconds,
                   "chain_verifies": sound.ok, "notes": told["notes"], "sounding_s": float(np.count_nonzero(one) / found.samplerate),
                   "replay_s": round(took, 1)}  # fmt: skip
    note(f"{figures}")
    settings = {"clip": Path(options.clip).name, "events": options.events, "midway_s": options.midway, "seed": options.seed}
    record("replayed", "hops", figures, unit="hops", clock="a live take, then its replay", settings=settings, write=not options.dry_run)
    return 0 if told["identical"] else 1


if __name__ == "__main__":
    sys.exit(main())
