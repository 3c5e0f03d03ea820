"""`antiphon doctor`: is this machine fit to play tonight, and what to change if it is not."""

from __future__ import annotations

import argparse
import importlib.util
import math
import shlex
import textwrap
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from .audio.devices import NO_PORTAUDIO, NO_SOUNDDEVICE
from .clock import frames_to_ms
from .errors import AntiphonError, DeviceError
from .latency import DEFAULT_LEAD_S, Latency
from .model.lead import LEAD_MOST_MS
from .status import Status
from .suite import fitness
from .suite.fitness import BAD, GOOD, NOTE, Check
from .suite.machine import ROOT, Machine, machine
from .suite.trial import Trial, device_trial, model_trial, p999

BLOCKSIZES = (64, 128, 256, 512)
_USUAL = 128
_STEP_GOOD, _STEP_BAD = 0.5, 0.9  # p99 of a step as a share of the hop
_HEAR_S = 1.5
_DEVICE_S = 0.7
_TRY_FOR_S = 3.0  # no further block size is begun after it: who asks in the interval has not got half a minute
_JACK = "JACK Audio Connection Kit"
_MEASURED = ("sound device", "block size", "model step")  # each on a line of its own, good as it may be
_LONGER = "antiphon bench callback"
_WIDTH = 80


@dataclass
class Report:
    """All that was found. Fit means: nothing is bad."""

    checks: list[Check] = field(default_factory=list)
    latency: Latency | None = None
    machine: Machine | None = None
    tries: list[Trial] = field(default_factory=list)
    """Of the device, by block size, smallest first."""
    steps: Trial | None = None

    @property
    def fit(self) -> bool:
        return all(check.verdict != BAD for check in self.checks)

    @property
    def recommended(self) -> Trial | None:
        """The smallest block that came cleanly."""
        return next((tried for tried in self.tries if tried.clean), None)

    def add(self, name: str, verdict: str, found: str, mend: str = "", command: str = "") -> None:
        """Write one finding down; what is good needs no mending."""
        well = verdict == GOOD
        self.checks.append(Check(name, verdict, found, "" if well else mend, "" if well else command))

    def lines(self, width: int = _WIDTH) -> list[str]:
        """For one screen: what is good in few words, what was measured, what could be better, what is bad."""
        good = [check for check in self.checks if check.verdict == GOOD]
        known = "; ".join(f"{check.name} {check.found}" for check in good if check.name not in _MEASURED)
        lines = _wrapped("good  ", known, width)
        for check in good:
            lines += _wrapped("good  ", f"{check.name}: {check.found}", width) if check.name in _MEASURED else []
        for verdict in (NOTE, BAD):
            wrong = [check for check in self.checks if check.verdict == verdict]
            for number, check in enumerate(wrong, 1):
                lines += _wrapped(f"{verdict:<6}", f"{check.name}: {check.found}", width)
                if check.command and number < len(wrong) and wrong[number].command == check.command:
                    continue  # the next one is mended by the same
                lines += _wrapped("   -> ", check.mend, width)
                lines += [f"   $  {check.command}"] if check.command else []  # never broken: it is to be copied
        if self.latency:
            lines += _latency_lines(self.latency, width)
        return [*lines, "fit to play" if self.fit else "not fit to play"]

    def as_json(self) -> dict:
        """Give it as plain data."""
        latency = self.latency
        return {
            "fit": self.fit,
            "checks": [asdict(check) | {"mend": " ".join(filter(None, (check.mend, check.command)))} for check in self.checks],
            "latency": None
            if latency is None
            else {
                "samplerate": latency.samplerate,
                "source": latency.source,
                "terms": [{"name": name, "frames": frames, "ms": ms} for name, frames, ms in latency.rows],
                "total_frames": latency.total_frames,
                "total_ms": latency.total_ms,
                "trigger_frames": list(latency.trigger_frames),
                "dry_frames": latency.dry_frames,
                "dry_ms": latency.dry_ms,
            },
            "machine": self.machine and self.machine.as_json(),
            "blocksize": self.recommended.status.blocksize if self.recommended else None,
            "blocks": [_blocks_json(tried) for tried in self.tries],
            "steps": self.steps and _steps_json(self.steps),
        }


def examine(options: argparse.Namespace, say: Callable[[str], None], root: Path = ROOT) -> Report:
    """Look at everything, make no sound, take some seconds; control thread only. `root` is where /proc and /sys are looked for."""
    report = Report(machine=machine(root))
    facts, before = report.machine, fitness.Moment.take(root)
    runs = _look_at_runtime(report)
    sound = _look_at_bundle(report, options.bundle) if runs else False
    _look_at_proof(report)
    say(f"looking at this machine for about {_DEVICE_S + (2.0 + _HEAR_S + options.seconds if sound else 0.5):.0f} s, silently ...")
    _try_device(report, options, before.names, root)
    if sound:
        _try_model(report, options)
    after = fitness.Moment.take(root)
    checks = fitness.rights(facts, root) + fitness.processor(facts, after.names, root) + fitness.usb(root)
    checks += fitness.meanwhile(facts, before, after, root)
    if report.tries and not report.tries[0].clean and report.tries[0].host:
        checks += fitness.when_strained(facts, report.tries[0].period_us, root)
    report.checks = checks + report.checks
    return report


def _look_at_proof(report: Report) -> None:
    """The mark's key, and whether what is recorded can be signed."""
    from .provenance import credentials, keys

    key = keys.current()
    where = f"key {key.id}" + ("" if key.path else ", for this run only")
    report.add("mark", NOTE if key.note else GOOD, where, key.note)
    problem = credentials.prepare()
    report.add("content credentials", NOTE if problem else GOOD, "cannot be signed" if problem else "ready", problem)


def _look_at_runtime(report: Report) -> bool:
    if importlib.util.find_spec("onnxruntime") is None:
        report.add(
            "onnxruntime", BAD, "missing", "install it, or 'antiphon[gpu]' with an NVIDIA driver:", "pip install 'antiphon[cpu]'"
        )
        return False
    import onnxruntime

    providers = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    report.add("onnxruntime", GOOD, f"{onnxruntime.__version__} ({', '.join(providers)})")
    return True


def _look_at_bundle(report: Report, name: str) -> bool:
    from .model.bundle import Bundle

    if name in ("echo", "through"):
        report.add("bundle", GOOD, f"{name}, which needs no model")
        return True
    try:
        problems = Bundle.open(name).check()
    except AntiphonError as error:
        problems = [str(error)]
    found = problems[0] if problems else f"{name}, every byte as it should be"
    report.add("bundle", BAD if problems else GOOD, found, "install it again, or choose another with --bundle NAME")
    return not problems


def _try_device(report: Report, options: argparse.Namespace, running: set[str], root: Path) -> None:
    """Try block sizes, smallest first, until one comes cleanly; one only where one was asked for, or the device takes no other."""
    sizes = (options.blocksize,) if options.blocksize else BLOCKSIZES if options.driver == "portaudio" else (_USUAL,)
    wanted = {name: getattr(options, name) for name in ("driver", "input", "output", "samplerate")}
    began = time.monotonic()
    for size in sizes:
        if report.tries and time.monotonic() - began > _TRY_FOR_S:
            break
        try:
            tried = device_trial(_DEVICE_S, blocksize=size, **wanted)
        except DeviceError as error:
            if report.tries or size < min(_USUAL, max(sizes)):  # a larger one may do
                continue
            report.add("sound device", BAD, *_no_device(str(error), running, root))
            return
        report.tries.append(tried)
        if tried.clean or tried.host == _JACK:  # JACK's server says how many frames it hands over
            break
    report.latency = (report.recommended or report.tries[-1]).latency
    _judge_device(report, options, running)
    _judge_blocks(report, options, running)


def _no_device(error: str, running: set[str], root: Path) -> tuple[str, str, str]:
    """What was found, what to do and the command, where no device opens."""
    if error in (NO_PORTAUDIO, NO_SOUNDDEVICE):
        found, _, command = error.partition("; ")
        return found, "install it:", command
    return error, *fitness.why_no_card(running, root)


def _judge_device(report: Report, options: argparse.Namespace, running: set[str]) -> None:
    tried = report.recommended or report.tries[-1]
    status, counts = tried.status, tried.counts
    host = f" ({'JACK' if tried.host == _JACK else tried.host})" if tried.host else ""
    found = (
        f"{status.driver}{host}: {status.input_name} > {status.output_name}, {status.samplerate} Hz, "
        f"{status.in_channels} in, {status.out_channels} out"
    )
    through = status.output_name in ("default", "pulse", "pipewire") and bool(running & {"pipewire", "pulseaudio"})
    mend = "it goes through the desktop's sound server; its JACK layer has less delay:"
    report.add("sound device", NOTE if tried.host == "ALSA" and through else GOOD, found, mend, "pw-jack antiphon play")
    if tried.goes_first is False and report.machine.realtime:
        command = "jackd -R -P70 ..." if tried.host == _JACK else ""
        report.add(
            "sound's thread",
            NOTE,
            "waits its turn, though it may go first",
            "start the sound server with realtime scheduling",
            command,
        )
    found = f"{counts['xruns']} in {tried.seconds:g} s"
    report.add("xruns", NOTE if counts["xruns"] else GOOD, found, *_larger(tried, options, running))


def _judge_blocks(report: Report, options: argparse.Namespace, running: set[str]) -> None:
    """Say which block to play with, and how clean that was."""
    chosen = report.recommended
    tried = chosen or report.tries[-1]
    size = tried.status.blocksize
    dirty = ", ".join(str(other.status.blocksize) for other in report.tries if other is not tried)
    spacing, took = p999(tried.spacing_us), p999(tried.took_us)
    found = f"{size} frames, {tried.latency.total_ms:.1f} ms from you to the voice"
    found += f"; blocks {spacing / 1000:.1f} ms apart at p99.9 ({tried.period_us / 1000:.1f} would be even), callback {took:.0f} us"
    found += f"; not clean at {dirty}" if dirty and chosen else f"; nor at {dirty}" if dirty else ""
    if chosen:
        less = (
            f"; it is the server's: `{_period(size // 2, running)}` halves it"
            if tried.host == _JACK and size > BLOCKSIZES[0]
            else ""
        )
        report.add("block size", GOOD, found + f"{less}; `{_LONGER}` looks longer")
        return
    dead = bool(tried.host) and all(other.counts["xruns"] for other in report.tries)
    report.add("block size", BAD if dead else NOTE, f"not clean: {found}", *_larger(tried, options, running))


def _larger(tried: Trial, options: argparse.Namespace, running: set[str]) -> tuple[str, str]:
    """What to do about blocks that do not come cleanly: a larger one, which under JACK is the server's to give."""
    size = 2 * tried.status.blocksize
    if tried.host == _JACK:
        return f"the server's period is the block; try {size} (a --blocksize of our own would only add delay):", _period(
            size, running
        )
    if not tried.host:
        return "close other programs; this clock is only Python's, a device tells more:", "antiphon doctor"
    named = "".join(
        f" --{name} {shlex.quote(str(value))}" for name in ("input", "output") if (value := getattr(options, name)) is not None
    )
    return f"close other programs; see whether {size} frames come cleanly:", f"antiphon doctor --blocksize {size}{named}"


def _period(size: int, running: set[str]) -> str:
    """The command that changes how many frames a JACK server hands over."""
    if "jackd" not in running and "jackdbus" not in running and "pipewire" in running:
        return f"pw-metadata -n settings 0 clock.force-quantum {size}"
    return f"jack_bufsize {size}"


def _try_model(report: Report, options: argparse.Namespace) -> None:
    settled = (report.recommended or report.tries[-1]).status if report.tries else None
    blocksize = options.blocksize or (settled.blocksize if settled else _USUAL)
    samplerate = options.samplerate or (settled.samplerate if settled else None)
    try:
        tried = report.steps = model_trial(options.bundle, _HEAR_S, options.seconds, blocksize=blocksize, samplerate=samplerate)
    except AntiphonError as error:
        report.add("model", BAD, str(error), "see bundle")
        return
    report.latency = report.latency or tried.latency
    status, count = tried.status, len(tried.steps)
    share, worst = (float(np.quantile(tried.step_share, q)) for q in (0.99, 1.0))
    hop_ms = status.hop_ns / 1e6
    report.add(
        "model step",
        BAD if share > _STEP_BAD else NOTE if share > _STEP_GOOD else GOOD,
        f"{share * hop_ms:.1f} ms at p99, worst {worst * hop_ms:.1f} of {hop_ms:.0f}: {share:.0%} and {worst:.0%} of the hop; "
        f"{tried.on_time} of {count} on time (ISR {tried.on_time / max(count, 1):.3f})",
        "close other programs, set the governor to performance",
    )
    late = tried.counts["late"]
    report.add(
        "late steps",
        NOTE if late else GOOD,
        f"{late} of {tried.counts['steps']}, {tried.counts['late_heard']} of them heard, lead {status.lead_ms:.0f} ms"
        + (f", which began at {DEFAULT_LEAD_S * 1000:.0f}" if status.lead_raised else ""),
        *_mend_late(status),
    )


def _mend_late(status: Status) -> tuple[str, str]:
    if status.lead_raised:
        return "begin where the lead has grown to:", f"antiphon play --lead {status.lead_ms:.0f}"
    needed_ms = math.ceil(status.lead_ms + frames_to_ms(status.late_frames_max, status.samplerate))
    if needed_ms <= LEAD_MOST_MS:
        return "the lead grows by itself while playing; to begin where all were in time:", f"antiphon play --lead {needed_ms}"
    return f"one would have needed a lead of {needed_ms} ms: something holds this machine up; close other programs", ""


def _latency_lines(latency: Latency, width: int) -> list[str]:
    """The sum in words; what is nothing is left out."""
    least, most = (frames_to_ms(frames, latency.samplerate) for frames in latency.trigger_frames)
    terms = " + ".join(f"{name} {ms:.1f}" for name, frames, ms in latency.rows if frames)
    text = (
        f"{latency.total_ms:.1f} ms from you to the voice = {terms}; trigger to voice {least:.1f} to {most:.1f}, "
        f"your own sound {latency.dry_ms:.1f} (what the device adds: {latency.source})"
    )
    return _wrapped("delay ", text, width)


def _wrapped(first: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False, break_on_hyphens=False
    )


def _blocks_json(tried: Trial) -> dict:
    return {
        "blocksize": tried.status.blocksize,
        "clean": tried.clean,
        "blocks": len(tried.blocks),
        "xruns": tried.counts["xruns"],
        "period_us": tried.period_us,
        "spacing_us_p99.9": p999(tried.spacing_us),
        "callback_us_p99.9": p999(tried.took_us),
        "total_ms": tried.latency.total_ms,
    }


def _steps_json(tried: Trial) -> dict:
    return {
        "count": len(tried.steps),
        "on_time": tried.on_time,
        "share_p99": float(np.quantile(tried.step_share, 0.99)),
        "share_max": float(tried.step_share.max()),
        "lead_ms": tried.status.lead_ms,
    }
