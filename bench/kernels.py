"""Kernel figures: resampler beside python-soxr (quality and speed in one run), the block as a share of its period, the ring.

    python bench/kernels.py [--quick] [--dry]

Speed in Python is per block of 128 frames, the two resamplers in turn; speed in C is of single calls in
kernels_timing.c. Both say how long an interrupted call took too: read p50 beside the mean.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from antiphon.kernels import Resampler
from record import ROOT, note, record, summary

FRAMES, RATE = 128, 48000
TONES = (60, 997, 4999, 9973, 14983, 17989, 19009, 19991, 20000)


def level_db(y: np.ndarray, rate: int, hz: float) -> tuple[float, float]:
    """Level of a tone of amplitude 1 at `hz`, and of the loudest thing anywhere else, dB."""
    window = np.kaiser(len(y), 20)
    spectrum = np.abs(np.fft.rfft(y * window)) * 2 / window.sum()
    at_hz = abs((y * window * np.exp(-2j * np.pi * hz * np.arange(len(y)) / rate)).sum()) * 2 / window.sum()
    other = np.abs(np.fft.rfftfreq(len(y), 1 / rate) - hz) > 60
    return 20 * np.log10(at_hz + 1e-20), 20 * np.log10(spectrum[other].max())


def quality(make, rate_in: int, rate_out: int) -> dict:
    """Passband ripple to 20 kHz, loudest image or alias of those tones, and of tones that do not fit, dB."""
    ripple, worst, unfit = 0.0, -300.0, -300.0
    nyquist = min(rate_in, rate_out) / 2
    for hz in (*TONES, *(f for f in (nyquist + 60, nyquist + 700, 23500) if f < rate_in / 2 - 100)):
        x = np.sin(2 * np.pi * hz * np.arange(2 * rate_in) / rate_in).astype(np.float32)
        process = make()
        y = np.concatenate([np.array(process(x[at : at + FRAMES]), np.float64) for at in range(0, len(x), FRAMES)])
        own, other = level_db(y[rate_out // 2 : rate_out * 3 // 2], rate_out, hz)
        if hz <= 20000:
            ripple, worst = max(ripple, abs(own)), max(worst, other)
        else:
            unfit = max(unfit, other)
    return {"ripple_db": ripple, "image_db": worst, "alias_db": unfit if unfit > -300 else None}


def resamplers(rounds: int, write: bool) -> None:
    """Ours and soxr's stream at each quality, in turn, block by block."""
    try:
        import soxr
    except ImportError:
        note("python-soxr is not installed (pip install soxr); only our own resampler is measured")
        soxr = None
    for rate_in, rate_out in ((44100, 48000), (48000, 44100), (44101, 48000)):
        for channels in (1, 2):
            makers = {"antiphon": lambda c, i=rate_in, o=rate_out: Resampler(i, o, c).process}
            for q in ("MQ", "HQ", "VHQ") if soxr else ():
                makers[f"soxr_{q}"] = (lambda c, q=q, i=rate_in, o=rate_out:
                                       soxr.ResampleStream(i, o, c, dtype="float32", quality=q).resample_chunk)
            block = np.random.default_rng(1).standard_normal((FRAMES, channels)).astype(np.float32) * 0.1
            block = block[:, 0].copy() if channels == 1 else block
            process = {name: make(channels) for name, make in makers.items()}
            took = {name: [] for name in makers}
            for _ in range(rounds):
                for name, run in process.items():
                    for _ in range(160):  # soxr works in bursts: a round must hold several
                        begin = time.perf_counter_ns()
                        run(block)
                        took[name].append((time.perf_counter_ns() - begin) / 1000)
            for name, make in makers.items():
                figures = summary(took[name])
                # The mean of the quieter half of the rounds: what it costs when nobody interrupts.
                per_round = np.sort(np.reshape(took[name], (rounds, -1)).mean(axis=1))
                figures["quiet_mean"] = float(per_round[: max(1, rounds // 2)].mean())
                if channels == 1:
                    figures |= quality(lambda m=make: m(1), rate_in, rate_out)
                record("kernels", f"resample {name}", figures, unit="us per block", write=write,
                       clock="perf_counter_ns just before and after the Python call, one block of 128 frames",
                       settings={"rate_in": rate_in, "rate_out": rate_out, "channels": channels, "frames": FRAMES})


def calls_in_c(count: int, write: bool) -> None:
    """Single calls timed in C: the block idle and with a voice beside an empty callback, resampler, ring."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "kernels_timing"
        flags = (ROOT / "kernels/CFLAGS").read_text().split()
        sources = sorted(map(str, (ROOT / "kernels/src").glob("*.c")))
        subprocess.run(["cc", *flags, f"-I{ROOT / 'kernels/include'}", str(ROOT / "bench/kernels_timing.c"), *sources,
                        "-lm", "-o", str(program)], check=True)
        for channels in (1, 2):
            command = [str(program), str(FRAMES), str(channels), str(count)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            period_us = FRAMES / RATE * 1e6
            for line in done.stdout.splitlines():
                name, *values = line.split()
                figures = summary(np.array(values, np.float64) / 1000)
                if name.startswith(("block", "empty")):
                    figures |= {f"share_{k}_percent": 100 * figures[k] / period_us for k in ("mean", "p50", "p99")}
                if name == "ring_write_read":
                    figures["frames_per_s"] = FRAMES / figures["p50"] * 1e6
                record("kernels", f"c {name}", figures, unit="us per call", write=write,
                       clock="CLOCK_MONOTONIC just before and after the call, in C",
                       settings={"channels": 1 if name.startswith("resample") else channels, "frames": FRAMES,
                                 "samplerate": RATE})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the blocks")
    parser.add_argument("--dry", action="store_true", help="print the records, do not append them to results/")
    arguments = parser.parse_args()
    scale = 10 if arguments.quick else 1
    calls_in_c(20000 // scale, not arguments.dry)
    resamplers(100 // scale, not arguments.dry)


if __name__ == "__main__":
    main()
