"""Round trip through a sound server's loopback, beside the latency sum that the engine prints.

    python bench/round_trip.py [--rates 48000 44100] [--periods 128 64] [--seconds 4] [--dry-run]

A probe (another JACK client) plays a signal whose frames carry their own numbers, the engine's client lies between its
output and its input, and the probe counts by how many frames each one comes back late: once the dry sound, once the
voice of a chain that gives back the microphone. Through the resamplers a frame has no number any more; there the peak
of the cross-correlation with a chirp is taken, to a fraction of a frame. The clock is the frame count.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from jackrig import JackServer, Probe, delays, lag, marked
from record import note, record

CLOCK = (
    "frames from the probe's output to its input, by the number each frame carries; "
    "voice through resamplers by cross-correlation"
)


def chirp(frames: int, samplerate: int) -> np.ndarray:
    """A sine that rises from 200 Hz to 6 kHz, float32."""
    t = np.arange(frames) / samplerate
    return (0.4 * np.sin(2 * np.pi * (200 + 2900 * t / t[-1]) * t)).astype(np.float32)


def measure(samplerate: int, period: int, seconds: float, folder: Path) -> dict:
    """Measure one server: (dry, voice) in frames, what the engine printed, and what was lost on the way."""
    frames = round(seconds * samplerate)
    with JackServer(samplerate, period) as server:
        probe = Probe(server)
        before = server.clients()
        engine = Engine(
            EngineConfig(
                driver="portaudio",
                input="loopback",
                output="loopback",
                bundle="through",
                values={"dry": 0.0, "voice": -80.0},
            )
        )
        engine.start()
        try:
            table = engine.latency()
            probe.wire((server.clients() - before).pop())
            dry, dry_share = delays(probe.play(marked(frames), folder)[0])
            engine.apply(Event("dry", -80.0))
            engine.apply(Event("voice", 0.0))
            if samplerate == 48_000:
                voice, voice_share = delays(probe.play(marked(frames), folder)[0])
            else:
                sound = chirp(frames, samplerate)
                voice, voice_share = round(lag(sound, probe.play(sound, folder)[0]), 3), None
            status = engine.status()
        finally:
            engine.stop()
            probe.close()
    return {
        "dry_frames": dry,
        "dry_printed": table.dry_frames,
        "dry_share": dry_share,
        "voice_frames": voice,
        "voice_printed": table.total_frames,
        "voice_share": voice_share,
        "voice_ms": 1000 * voice / samplerate,
        "terms": {name: frames for name, frames, _ in table.rows},
        "device": table.source,
        "xruns": status.xruns,
        "underflows": status.underflows,
        "late": status.late,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", type=int, nargs="+", default=[48_000, 44_100])
    parser.add_argument("--periods", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for samplerate in args.rates:
            for period in args.periods:
                found = measure(samplerate, period, args.seconds, Path(folder))
                record(
                    "round_trip",
                    f"{samplerate} Hz, {period} frames",
                    found,
                    unit="frames",
                    clock=CLOCK,
                    write=not args.dry_run,
                    settings={"samplerate": samplerate, "period": period, "server": "jackd dummy with loopback"},
                )
                same = (
                    found["dry_frames"] == found["dry_printed"]
                    and abs(found["voice_frames"] - found["voice_printed"]) <= 0.5
                )
                note(
                    f"{samplerate} Hz, {period} frames: dry {found['dry_frames']} "
                    f"(printed {found['dry_printed']:g}), voice "
                    f"{found['voice_frames']} (printed {found['voice_printed']:g}): {'equal' if same else 'NOT EQUAL'}"
                )


if __name__ == "__main__":
    main()
