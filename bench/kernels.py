"""What the smallest parts cost: the resampler beside soxr, libsamplerate and scipy, with its quality; the ring; the whole block.

Figures "resample ..." are of one call from Python, a block of frames in, whatever is ready out: the clock starts just before
the call and stops just after it. All resamplers are called in turn, so all meet the same disturbances. soxr works in bursts: its
median call is cheap and some are dear, so read p95 and p99 beside p50, and the mean in the receipt. scipy's resample_poly does not stream: each call begins
anew, as if nothing had been before, so it cannot be used block by block; it stands here for what its arithmetic costs.
Figures "C ..." are of single calls from C into the library that is installed, in turn: the block as the device calls it, idle and
with a voice; the resampler; a write to a ring and the read of it. Their control is an empty callback, timed in the same way: what
the clock itself takes is in both. "share of the period" is the same time in % of what a block lasts: what is left is the device's.

Quality is of sines of full level, all in one run: ripple is the farthest that one up to 20 kHz is from its level, image the
loudest thing anywhere else, alias the loudest thing that is left of sines which do not fit below the lower of the two Nyquist
rates; delay is how much sound goes in after a click until the click is out, the longest of a few. Less time at less quality or
with more delay is no gain: read them together. libsamplerate's two faster ones are made to fall off below 20 kHz. None of this
says how long a call takes when the caches are cold: see `callback`.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np

from antiphon.kernels import Resampler
from antiphon.suite import Goal, Run, main
from performance import Split

RATES = ((44100, 48000), (48000, 44100), (44101, 48000))
TONES = (60, 997, 4999, 9973, 14983, 17989, 19009, 19991, 20000)
_QUIET = "ours: below what 16 bits hold"
LEVELS = {"ripple": Goal("value", "<=", 0.001, "ours: flat to 20 kHz"), "image": Goal("value", "<=", -100.0, _QUIET),
          "alias": Goal("value", "<=", -100.0, _QUIET)}  # fmt: skip
MEANS = {
    "ripple": "farthest that a sine up to 20 kHz is from its level",
    "image": "loudest thing that is not the sine itself",
    "alias": "loudest thing left of sines that do not fit below the lower Nyquist rate",
    "delay": "of sound that goes in after a click until the click is out, blocks of 16 frames, the longest of five",
}
OURS, CONTROL = "antiphon", "soxr HQ"
_CALLS, _ROUND_S = 160, 0.008  # soxr works in bursts: a round must hold several; scipy's calls take milliseconds
AT_ONCE = 2  # copies of the process that compute quality beside each other
_HERE = Path(__file__).resolve().parent
_WAYS = {1: "mono", 2: "stereo"}

Process = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Subject:
    """A resampler to measure: `make(rate_in, rate_out, channels)` gives what takes (frames, channels) float32."""

    name: str
    make: Callable[[int, int, int], Process]
    streams: bool = True


def subjects(run: Run, wanted: list[str]) -> list[Subject]:
    """Ours, and of the others those that are installed; what is not is told with the command that installs it."""
    found = [Subject(OURS, lambda i, o, c: Resampler(i, o, c).process)]
    for name, make in (("soxr", _soxr), ("samplerate", _samplerate), ("scipy", _scipy)):
        try:
            found += make() if name in wanted else []
        except ImportError:
            run.skip(f"resample {name}", f"the package {name} is not installed; pip install {name}")
    return found


def _soxr() -> list[Subject]:
    import soxr

    def maker(quality: str):
        return lambda i, o, c: soxr.ResampleStream(i, o, c, dtype="float32", quality=quality).resample_chunk

    return [Subject(f"soxr {quality}", maker(quality)) for quality in ("HQ", "VHQ")]  # its MQ misses 0.1 dB at 20 kHz


def _samplerate() -> list[Subject]:
    import samplerate

    def maker(kind: str):
        def make(rate_in: int, rate_out: int, channels: int) -> Process:
            resampler, ratio = samplerate.Resampler(kind, channels), rate_out / rate_in
            return lambda x: resampler.process(x, ratio)

        return make

    return [
        Subject(f"samplerate {kind.removeprefix('sinc_')}", maker(kind)) for kind in ("sinc_fastest", "sinc_medium", "sinc_best")
    ]


def _scipy() -> list[Subject]:
    from scipy.signal import firwin, resample_poly

    def make(rate_in: int, rate_out: int, channels: int) -> Process:
        up, down = rate_out // gcd(rate_in, rate_out), rate_in // gcd(rate_in, rate_out)
        # Its own default, designed once: else every call would design it again.
        taps = firwin(20 * max(up, down) + 1, 1 / max(up, down), window=("kaiser", 5.0)).astype(np.float32)
        return lambda x: resample_poly(x, up, down, axis=0, window=taps)

    return [Subject("scipy resample_poly", make, streams=False)]


def quality(subject: Subject, rate_in: int, rate_out: int, frames: int, seconds: float) -> dict[str, float]:
    """Ripple, image and alias in dB; a sine in each channel of one run. No alias where everything fits."""
    lower = min(rate_in, rate_out) / 2
    unfit = [hz for hz in (lower + 60, lower + 700, 23500) if hz < rate_in / 2 - 100]
    tones = np.array([*TONES, *unfit], np.float64)
    x = np.sin(2 * np.pi * tones * np.arange(round((seconds + 0.4) * rate_in))[:, None] / rate_in).astype(np.float32)
    process = subject.make(rate_in, rate_out, len(tones))
    step = frames if subject.streams else len(x)
    y = np.concatenate([np.array(process(x[at : at + step]), np.float64) for at in range(0, len(x), step)])
    begin = round(0.15 * rate_out)
    y = y[begin : begin + round(seconds * rate_out)]
    window = np.kaiser(len(y), 20)
    lines, hz = np.abs(np.fft.rfft(y * window[:, None], axis=0)) * 2 / window.sum(), np.fft.rfftfreq(len(y), 1 / rate_out)
    turned = np.exp(-2j * np.pi * tones * np.arange(len(y))[:, None] / rate_out)
    own = np.abs((y * window[:, None] * turned).sum(axis=0)) * 2 / window.sum()
    other = 20 * np.log10(np.where(np.abs(hz[:, None] - tones) > 60, lines, 0).max(axis=0) + 1e-20)
    fits = len(TONES)
    found = {"ripple": float(np.abs(20 * np.log10(own[:fits])).max()), "image": float(other[:fits].max())}
    return found | ({"alias": float(other[fits:].max())} if unfit else {})


def delay_ms(subject: Subject, rate_in: int, rate_out: int) -> float:
    """How long a click waits for sound that comes after it, at most, ms of input: filter and buffers together."""
    small, worst = 16, 0
    for number in range(5):
        at = (250 + 7 * number) * small - 1
        x = np.zeros(at + 8192, np.float32)
        x[at] = 1.0
        process, loudest, given_after = subject.make(rate_in, rate_out, 1), 0.0, 0
        for begin in range(0, len(x), small):
            peak = float(np.abs(process(x[begin : begin + small])).max(initial=0.0))
            if peak > loudest:
                loudest, given_after = peak, begin + small - 1 - at
        worst = max(worst, given_after)
    return 1000.0 * worst / rate_in


def resamplers(run: Run, measured: list[Subject], seconds: float) -> None:
    """Speed of all in turn, a share of the time for each pair of rates and mono and stereo; then the quality of each."""
    frames, cases = run.blocksize, [(rates, channels) for rates in RATES for channels in (1, 2)]
    control = CONTROL if any(subject.name == CONTROL for subject in measured) else None
    for number, ((rate_in, rate_out), channels) in enumerate(cases):
        run.progress(number / len(cases))
        block = 0.1 * np.random.default_rng(run.seed).standard_normal((frames, channels)).astype(np.float32)
        block = block[:, 0].copy() if channels == 1 else block
        process = {subject.name: subject.make(rate_in, rate_out, channels) for subject in measured} | {"empty call": lambda x: x}
        took: dict[str, list[float]] = {name: [] for name in process}
        until = time.perf_counter() + seconds / len(cases)
        while True:
            for name, call in process.items():
                _turn(call, block, took[name])
            if time.perf_counter() > until:
                break
        where = f"{rate_in} to {rate_out}, {_WAYS[channels]}"
        for name, values in sorted(took.items(), key=lambda item: item[0] not in ("empty call", control)):
            against = None if name == "empty call" else control if name == OURS and control else "empty call"
            run.figure(
                f"resample {where}: {name}", values, unit="us", clock="one call from Python, perf_counter before and after",
                means="one block in, whatever is ready out", control=against and f"resample {where}: {against}",
                settings={"rate_in": rate_in, "rate_out": rate_out, "channels": channels, "frames": frames},
            )  # fmt: skip
    tell_quality(run, measured, control)


def tell_quality(run: Run, measured: list[Subject], control: str | None) -> None:
    """Quality and delay of each: computed, not timed, so several at once, in copies of the process."""
    frames, seconds = run.blocksize, 0.5 if run.quick else 1.0

    def exact(case: tuple[tuple[int, int], Subject]) -> dict[str, float]:
        rates, subject = case
        return quality(subject, *rates, frames, seconds) | ({"delay": delay_ms(subject, *rates)} if subject.streams else {})

    cases = [(rates, subject) for rates in RATES for subject in measured]
    splits = [Split(lambda number=number: [exact(case) for case in cases[number::AT_ONCE]]) for number in range(AT_ONCE)]
    given = [split.result() for split in splits]
    if any(split.status for split in splits):
        raise RuntimeError("what was computed in a copy of the process ended in an error")
    for number, ((rate_in, rate_out), subject) in enumerate(cases):
        for name, value in given[number % AT_ONCE][number // AT_ONCE].items():
            ours = subject.name == OURS
            run.value(
                f"{name} {rate_in} to {rate_out}: {subject.name}", value, unit="ms" if name == "delay" else "dB",
                clock="frames counted" if name == "delay" else "none: an exact computation", means=MEANS[name], better="less",
                goal=LEVELS.get(name) if ours else None,
                control=f"{name} {rate_in} to {rate_out}: {control}" if ours and control else None,
                settings={"rate_in": rate_in, "rate_out": rate_out, "frames": frames},
            )  # fmt: skip


def _turn(call: Process, block: np.ndarray, took: list[float]) -> None:
    """Call it until a round is full."""
    clock = time.perf_counter_ns
    until = clock() + round(_ROUND_S * 1e9)
    for _ in range(_CALLS):
        begin = clock()
        call(block)
        end = clock()
        took.append((end - begin) / 1000)
        if end > until:
            return


def calls_in_c(run: Run, count: int) -> None:
    """Single calls timed in C, by a small program that is linked with the library as it is installed."""
    import antiphon

    headers, compiler = _HERE.parent / "kernels/include", shutil.which("cc")
    if not headers.is_dir() or not compiler:
        need = "a C compiler, sudo apt install gcc libc6-dev" if headers.is_dir() else "the headers, which are in a checkout only"
        run.skip("C", f"timing calls in C needs {need}")
        return
    library = sorted(Path(antiphon.__file__).resolve().parent.glob("_libkernels*.so"))[0]
    program = run.folder / "kernels_timing"
    command = [compiler, "-std=c11", "-O2", "-Wall", f"-I{headers}", str(_HERE / "kernels_timing.c"), str(library),
               f"-Wl,-rpath,{library.parent}", "-lm", "-o", str(program)]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        run.skip("C", f"the C compiler refuses kernels_timing.c: {made.stderr.strip().splitlines()[-1][:200]}")
        return
    for channels in (1, 2):
        arguments = [str(program), str(run.blocksize), str(channels), str(count)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        _tell_calls(run, channels, [line.split() for line in done.stdout.splitlines()])


def _tell_calls(run: Run, channels: int, lines: list[list[str]]) -> None:
    period_us = run.blocksize / run.samplerate * 1e6
    settings = {"channels": channels, "frames": run.blocksize}
    clock = "just before to just after one call from C, CLOCK_MONOTONIC"
    empty = f"C empty callback, {_WAYS[channels]}"
    for name, *values in lines:
        took_us = np.array(values, np.float64) / 1000
        name = f"C {name.replace('_', ' ')}, {_WAYS[channels]}"
        against = None if name == empty else empty
        run.figure(name, took_us, unit="us", clock=clock, settings=settings, control=against)
        if name == empty or "voice" in name:
            run.figure(
                f"share of the period: {name}", 100 * took_us / period_us, unit="%", clock=clock, settings=settings,
                means=f"of the {period_us:.0f} us that a block lasts", control=against and f"share of the period: {against}",
                goal=against and Goal("p99", "<=", 5.0, "ours: the rest belongs to the device and to other programs"),
            )  # fmt: skip


def measure(run: Run) -> None:
    seconds = run.length(1.8, 24.0)
    calls_in_c(run, max(200, round(1600 * seconds)))
    resamplers(run, subjects(run, run.options.against), seconds)


def options(parser) -> None:
    parser.add_argument(
        "--against",
        nargs="*",
        default=["soxr", "samplerate", "scipy"],
        metavar="PACKAGE",
        help="soxr, samplerate, scipy (default: all three)",
    )


if __name__ == "__main__":
    main(measure, __doc__, options)
