"""From the performer's last frames to the first voice frame that depends on them: exact, by comparing two runs.

    python bench/mic_to_reply.py [--bundle hum] [--blocks 128 64] [--places 12] [--dry-run]

A hummed phrase is triggered in its last hop, on freewheel. Then it is run again with the performer's sound changed at
some place in its last two hops: either one frame alone, or everything from that frame to the end of the phrase. The
first output frame that differs is where the change is first heard. The sum says that a change in the last hop is heard
between block + lead + 1 frames (its last frame) and hop + block + lead (its first) later, and one in the hop before up
to a hop later than that. Hearing is made of tokens, so a change of one frame may be no change at all: it is counted as
unheard. A chain that gives back the microphone ("through") hears everything and must show exactly the printed sum.
"""

from __future__ import annotations

import argparse

import numpy as np

from antiphon.audio.phrase import hummed_phrase
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from record import note, record, summary

RATE, HOP, HOPS = 48_000, 960, 150
END = HOPS * HOP


def run(bundle: str, blocksize: int, sound: np.ndarray) -> tuple[np.ndarray, int]:
    """Hum `HOPS` hops, trigger in the last of them; give the output and the timeline's delay."""
    values = {"dry": -80.0, "phrase_gap_s": 5.0, "yield": False}
    engine = Engine(EngineConfig(driver="freewheel", bundle=bundle, blocksize=blocksize, seed=1, values=values))
    engine.start()
    try:
        before = engine.run(sound[: END - 200])
        engine.apply(Event("trigger", True))
        after = engine.run(sound[END - 200 :])
        return np.concatenate((before, after))[:, 0], engine.timeline.delay_frames
    finally:
        engine.stop()


def changed(sound: np.ndarray, frame: int, alone: bool) -> np.ndarray:
    """The sound with one frame, or everything from it to the end of the phrase, made different."""
    other = sound.copy()
    if alone:
        other[frame] += 0.7
    else:
        other[frame:END, 0] = np.random.default_rng(frame).normal(0, 0.2, END - frame)
    return other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--blocks", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--places", type=int, default=12, help="places within the last two hops")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    hummed = np.resize(hummed_phrase(RATE, 0.0), (END, 1)).astype(np.float32)
    sound = np.concatenate((hummed, np.zeros((RATE // 2, 1), np.float32)))
    places = np.unique(np.linspace(END - 2 * HOP, END - 1, args.places).astype(int)).tolist()
    for blocksize in args.blocks:
        reference, delay = run(args.bundle, blocksize, sound)
        for alone in (True, False):
            kind = "one frame" if alone else "all from a frame on"
            found: dict[int, int] = {}
            for frame in places:
                different = np.flatnonzero(run(args.bundle, blocksize, changed(sound, frame, alone))[0] != reference)
                if len(different):
                    found[frame] = int(different[0]) - frame
            latest = max(found, default=None)
            record(
                "mic_to_reply",
                f"{kind}, {blocksize} frames",
                {
                    **(summary(list(found.values())) if found else {"count": 0}),
                    "unheard": len(places) - len(found),
                    "latest_heard_before_end": None if latest is None else END - latest,
                    "latest_to_voice": found.get(latest),
                    "latest_to_voice_ms": None if latest is None else 1000 * found[latest] / RATE,
                    "sum_least": delay - HOP + 1,
                    "sum_most": delay,
                },
                unit="frames",
                write=not args.dry_run,
                settings={"bundle": args.bundle, "samplerate": RATE, "blocksize": blocksize},
                clock="the changed microphone frame, to the first output frame that differs; the device's terms left out",
            )
            words = (
                "nothing heard"
                if latest is None
                else (
                    f"the latest frame heard is {END - latest} before the end, its voice {found[latest]} frames "
                    f"({1000 * found[latest] / RATE:.1f} ms) after it"
                )
            )
            note(f"{blocksize} frames, {kind}: {len(found)} of {len(places)} heard; {words}; sum {delay - HOP + 1} .. {delay}")


if __name__ == "__main__":
    main()
