"""Xruns and underflows of the engine on a sound server, with and without busy Python threads, beside an empty callback.

    python bench/callback.py [--seconds 20] [--periods 128 64] [--bundle hum] [--sound FILE]
                             [--lead-ms MS] [--save OUT.wav] [--dry-run]

Three JACK clients at once: the engine (in this process; its model and its device have processes of their own), a probe
that feeds it a recording and records what it plays, and a client whose C callback is empty: the control, in the same
seconds on the same server. An xrun that the empty client has too is the machine's. Right after it a process that only
counts (control.py), as long a hop as the model's median, is timed against the same lead: what it is late is the machine's too.
`late_by_tenth` counts late steps in each tenth of the run: the lead grows where they are many, and then there are few.
"busy" means threads in the engine's process that hold the interpreter's lock all the time.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import control
from antiphon.engine import Engine, EngineConfig
from jackrig import EmptyClient, JackServer, Probe
from phrase import phrase
from record import note, record

CLOCK = (
    "counts from the probe's first frame to its last; step times by perf_counter in the model process, "
    "from the hop read to the voice made"
)


class Busy:
    """Python threads that do nothing but hold the interpreter's lock."""

    def __init__(self, threads: int):
        self._run = True
        self.turns = 0
        self._threads = [threading.Thread(target=self._spin, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Busy:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._run = False
        for thread in self._threads:
            thread.join()

    def _spin(self) -> None:
        while self._run:
            sum(range(2000))
            self.turns += 1


class Tenths:
    """Looks at the engine at the end of each tenth of `seconds`; `late` is how many steps were late in each."""

    def __init__(self, engine: Engine, seconds: float):
        self._engine, self._tenth_s, self._over = engine, seconds / 10, threading.Event()
        self._seen = [engine.status().late]
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Tenths:
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(self._tenth_s):
            self._seen.append(self._engine.status().late)

    @property
    def late(self) -> list[int]:
        return np.diff(self._seen).tolist()


def recording(path: str | None, seconds: float, samplerate: int) -> np.ndarray:
    """A sound file's first channel (at the server's rate), or the hummed phrase, repeated for `seconds`."""
    sound = phrase(path, samplerate)
    if path is not None:
        sound = np.concatenate((sound, np.zeros(9 * samplerate, np.float32)))  # room for the answer
    return np.resize(sound, round(seconds * samplerate)).astype(np.float32)


def measure(server: JackServer, args, busy: int, folder: Path) -> tuple[dict, np.ndarray]:
    """Play `seconds` and count; returns the figures and what the probe heard."""
    sound = recording(args.sound, args.seconds, server.samplerate)
    empty_client, probe = EmptyClient(server), Probe(server)
    before = server.clients()
    lead_s = None if args.lead_ms is None else 1e-3 * args.lead_ms
    engine = Engine(EngineConfig(driver="portaudio", input="loopback", output="loopback", bundle=args.bundle, lead_s=lead_s))
    try:
        engine.start()
        probe.wire((server.clients() - before).pop())
        first, empty_first = engine.status(), empty_client.counts()
        with Busy(busy) as threads, Tenths(engine, args.seconds) as tenths:
            heard, counts = probe.play(sound, folder)
        last, empty_last = engine.status(), empty_client.counts()
        engine.stop()
        with Busy(busy):
            counted = control.beside(min(60.0, args.seconds), last.step_ns_p50 * 1e-9, 1e-3 * last.lead_ms)
    finally:
        engine.stop()
        probe.close()
        empty_client.close()
    names = (
        "blocks",
        "xruns",
        "input_xruns",
        "output_xruns",
        "underflows",
        "underflow_frames",
        "skipped_frames",
        "overflows",
        "late",
        "steps",
        "answers",
        "restarts",
        "limited_frames",
    )
    figures = {name: getattr(last, name) - getattr(first, name) for name in names}
    empty = {name: empty_last[name] - empty_first[name] for name in empty_last}
    figures |= {
        "count": figures["blocks"],
        "empty_blocks": empty["blocks"],
        "empty_xruns": sum(value for name, value in empty.items() if name.endswith("flows")),
        "probe_xruns": sum(
            value for name, value in counts.items() if name.startswith(("input_", "output_")) and name.endswith("flows")
        ),
        "step_us": {
            "p50": last.step_ns_p50 / 1e3,
            "p99": last.step_ns_p99 / 1e3,
            "p99.9": last.step_ns_p999 / 1e3,
            "max": last.step_ns_max / 1e3,
        },
        "whole_us": {"p50": last.whole_ns_p50 / 1e3, "p99": last.whole_ns_p99 / 1e3},
        "late_frames_max": last.late_frames_max,
        "late_by_tenth": tenths.late,
        "lead_ms": last.lead_ms,
        "lead_raised": last.lead_raised,
        "control": counted,
        "busy_turns": threads.turns,
        "model_realtime": last.realtime,
        "peak_heard": float(np.abs(heard).max()),
    }
    return figures, heard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="for each of the conditions")
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--periods", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 2], help="numbers of busy threads to try")
    parser.add_argument("--bundle", default="hum")
    parser.add_argument("--sound", help="recording to feed in; else the built-in hummed phrase")
    parser.add_argument("--lead-ms", type=float, help="a lead that does not grow; else it begins at 6 ms and may")
    parser.add_argument("--save", type=Path, help="write what the last condition played, as 24-bit WAV")
    parser.add_argument("--dry-run", action="store_true", help="print only, keep no record")
    args = parser.parse_args()
    for period in args.periods:
        with JackServer(args.rate, period) as server, tempfile.TemporaryDirectory() as folder:
            for busy in args.busy:
                began = time.monotonic()
                figures, heard = measure(server, args, busy, Path(folder))
                record(
                    "callback",
                    f"{period} frames, {busy} busy threads",
                    figures,
                    unit="counts",
                    clock=CLOCK,
                    write=not args.dry_run,
                    settings={
                        "samplerate": args.rate,
                        "period": period,
                        "seconds": args.seconds,
                        "busy": busy,
                        "bundle": args.bundle,
                        "sound": args.sound and Path(args.sound).name,
                        "server": "jackd dummy",
                    },
                )
                note(
                    f"{period} frames, {busy} busy: {figures['blocks']} blocks, {figures['xruns']} xrun flags "
                    f"(empty callback {figures['empty_xruns']}), {figures['underflows']} underflows, "
                    f"{figures['late']} late of {figures['steps']} "
                    f"steps (only counting: {figures['control']['late']} of {figures['control']['hops']}), by tenths "
                    f"{figures['late_by_tenth']}, lead {figures['lead_ms']:g} ms, "
                    f"p99.9 {figures['step_us']['p99.9'] / 1e3:.1f} ms; {time.monotonic() - began:.0f} s"
                )
            if args.save:
                from antiphon.audiofile import Writer

                with Writer(args.save, args.rate, 1) as file:
                    file.write(heard[:, None])


if __name__ == "__main__":
    main()
