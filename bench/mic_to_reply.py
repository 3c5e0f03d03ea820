"""From the performer's last frame to the first voice frame that depends on it: exact, by changing one input sample.

    python bench/mic_to_reply.py [--bundle hum] [--blocks 128 64] [--offsets 12] [--dry-run]

Two freewheel runs that differ in one microphone frame of the last hop before an answer begins; the first output frame
that differs is where this frame is heard. The sum says: between block + lead + 1 frames (the hop's last frame) and
hop + block + lead (its first). A chain that gives back the microphone ("through") must show exactly the printed sum.
"""

from __future__ import annotations

import argparse

import numpy as np

from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from record import note, record, summary

RATE, HOP, LAST = 48_000, 960, 150
CHANGE = 0.05


def run(bundle: str, blocksize: int, sound: np.ndarray) -> tuple[np.ndarray, int]:
    """Hum `LAST` hops, trigger in the last of them, and give the voice and the timeline's delay."""
    engine = Engine(
        EngineConfig(
            driver="freewheel",
            bundle=bundle,
            blocksize=blocksize,
            seed=1,
            values={"dry": -80.0, "phrase_gap_s": 5.0, "yield": False},
        )
    )
    engine.start()
    try:
        before = engine.run(sound[: LAST * HOP - 200])
        engine.apply(Event("trigger", True))
        after = engine.run(sound[LAST * HOP - 200 :])
        return np.concatenate((before, after))[:, 0], engine.timeline.delay_frames
    finally:
        engine.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--blocks", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--offsets", type=int, default=12, help="places within the hop")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    hummed = np.resize(hummed_phrase(RATE, 0.0), (LAST * HOP, 1)).astype(np.float32)
    sound = np.concatenate((hummed, np.zeros((RATE, 1), np.float32)))
    for blocksize in args.blocks:
        reference, delay = run(args.bundle, blocksize, sound)
        found, unheard = [], 0
        for offset in np.linspace(0, HOP - 1, args.offsets).astype(int).tolist():
            frame = (LAST - 1) * HOP + offset
            changed = sound.copy()
            changed[frame] += CHANGE
            different = np.flatnonzero(run(args.bundle, blocksize, changed)[0] != reference)
            if len(different):
                found.append(int(different[0]) - frame)
            else:
                unheard += 1
        figures = {
            **(summary(found) if found else {"count": 0}),
            "unheard": unheard,
            "sum_least": delay - HOP + 1,
            "sum_most": delay,
            "ms_max": 1000 * max(found, default=0) / RATE,
        }
        record(
            "mic_to_reply",
            f"{blocksize} frames",
            figures,
            unit="frames",
            write=not args.dry_run,
            settings={"bundle": args.bundle, "samplerate": RATE, "blocksize": blocksize, "change": CHANGE},
            clock="the changed microphone frame, to the first output frame that differs; the device's terms left out",
        )
        note(
            f"{blocksize} frames: {min(found, default=0)} .. {max(found, default=0)} frames, "
            f"{unheard} changes unheard; the sum says "
            f"{delay - HOP + 1} .. {delay} ({1000 * delay / RATE:.1f} ms)"
        )


if __name__ == "__main__":
    main()
