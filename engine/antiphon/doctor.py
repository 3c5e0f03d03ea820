"""`antiphon doctor`: is this machine fit to play tonight, and what to change if it is not."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .clock import frames_to_ms
from .errors import AntiphonError, DeviceError
from .events import Event
from .latency import DEFAULT_LEAD_S, Latency
from .model.lead import LEAD_MOST_MS
from .status import Status
from .units import OFF_DB
from .view import latency_table

GOOD, NOTE, BAD = "good", "note", "bad"
_STEP_GOOD, _STEP_BAD = 0.5, 0.9  # p99 of a step as a share of the hop
_HEAR_S = 1.5
_DEVICE_S = 1.0
_LIMITS = (
    "printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee /etc/security/limits.d/antiphon.conf; "
    "sudo usermod -aG audio $USER; then log in again"
)


@dataclass(frozen=True)
class Check:
    """One thing looked at: `mend` is what to do about it, empty where all is well."""

    name: str
    verdict: str
    found: str
    mend: str = ""


@dataclass
class Report:
    """All that was found. Fit means: nothing is bad."""

    checks: list[Check] = field(default_factory=list)
    latency: Latency | None = None

    @property
    def fit(self) -> bool:
        return all(check.verdict != BAD for check in self.checks)

    def add(self, name: str, verdict: str, found: str, mend: str = "") -> None:
        """Write one finding down; what is good needs no mending."""
        self.checks.append(Check(name, verdict, found, "" if verdict == GOOD else mend))

    def lines(self) -> list[str]:
        """Lay it out for a terminal."""
        lines = []
        for check in self.checks:
            lines.append(f"{check.verdict:<5} {check.name}: {check.found}")
            if check.mend:
                lines.append(f"      -> {check.mend}")
        if self.latency:
            lines += ["", f"latency at {self.latency.samplerate} Hz, with the lead to begin with:", *latency_table(self.latency)]
        lines += ["", "fit to play" if self.fit else "not fit to play"]
        return lines

    def as_json(self) -> dict:
        """Give it as plain data."""
        latency = self.latency
        return {
            "fit": self.fit,
            "checks": [asdict(check) for check in self.checks],
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
        }


def examine(options: argparse.Namespace, say: Callable[[str], None]) -> Report:
    """Look at everything, make no sound, take a few seconds; control thread only."""
    report = Report()
    _look_at_rights(report)
    _look_at_processor(report)
    runs = _look_at_runtime(report)
    sound = _look_at_bundle(report, options.bundle) if runs else False
    _look_at_proof(report)
    say(f"running the device for {_DEVICE_S:g} s, silently ...")
    _run_device(report, options)
    if sound:
        say(f"running the model for {_HEAR_S + options.seconds:g} s, silently ...")
        _run_model(report, options)
    return report


def _look_at_proof(report: Report) -> None:
    """The mark's key, and whether what is recorded can be signed."""
    from .provenance import credentials, keys

    key = keys.current()
    where = f"key {key.id}" + ("" if key.path else ", for this run only")
    report.add("mark", NOTE if key.note else GOOD, where, key.note)
    problem = credentials.prepare()
    report.add("content credentials", NOTE if problem else GOOD, "cannot be signed" if problem else "takes and renders are signed", problem)


def _look_at_rights(report: Report) -> None:
    try:
        import resource
    except ImportError:
        return
    allowed = _may_be_realtime()
    report.add(
        "realtime rights", GOOD if allowed else NOTE, "granted" if allowed else "not granted (rtprio 0)", _LIMITS
    )
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    enough = locked == resource.RLIM_INFINITY or locked >= 64 << 20
    report.add(
        "locked memory",
        GOOD if enough else NOTE,
        "unlimited" if locked == resource.RLIM_INFINITY else f"{locked >> 20} MiB",
        "at least 64 MiB keep page faults out of the sound: " + _LIMITS,
    )


def _may_be_realtime() -> bool:
    """Try it: neither being root nor a limit says for certain, least of all in a container."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except (OSError, AttributeError):
        return False
    return True


def _look_at_processor(report: Report) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    report.add(
        "processor",
        GOOD if cores >= 2 else NOTE,
        f"{cores} core{'s' * (cores != 1)}",
        "one core has to do for sound, model and everything else; close other programs",
    )
    governors = set()
    for path in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"):
        try:
            governors.add(path.read_text().strip())
        except OSError:
            continue
    if governors:
        report.add(
            "governor",
            GOOD if governors == {"performance"} else NOTE,
            ", ".join(sorted(governors)),
            "sudo cpupower frequency-set -g performance",
        )


def _look_at_runtime(report: Report) -> bool:
    if importlib.util.find_spec("onnxruntime") is None:
        report.add(
            "onnxruntime", BAD, "missing", "pip install 'antiphon[cpu]', or 'antiphon[gpu]' with an NVIDIA driver"
        )
        return False
    import onnxruntime

    report.add("onnxruntime", GOOD, f"{onnxruntime.__version__}, {', '.join(onnxruntime.get_available_providers())}")
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
    report.add(
        "bundle",
        BAD if problems else GOOD,
        problems[0] if problems else f"{name}, every byte as the manifest says",
        "install it again, or choose another with --bundle NAME",
    )
    return not problems


def _run_device(report: Report, options: argparse.Namespace) -> None:
    from .engine import EngineConfig

    config = EngineConfig(
        driver=options.driver,
        input=options.input,
        output=options.output,
        samplerate=options.samplerate,
        blocksize=options.blocksize,
        bundle="through",
        values={"master": OFF_DB},
    )
    try:
        status, report.latency = _run(config, _DEVICE_S)
    except DeviceError as error:
        report.add(
            "sound device", BAD, str(error), "connect one, or start JACK or PipeWire; `antiphon devices` lists them"
        )
        return
    report.add(
        "sound device",
        GOOD,
        f"{status.driver}: {status.input_name} > {status.output_name}, {status.samplerate} Hz, "
        f"{status.blocksize} frames, {status.in_channels} in, {status.out_channels} out",
    )
    report.add(
        "xruns",
        NOTE if status.xruns else GOOD,
        f"{status.xruns} in {status.seconds:.1f} s",
        f"try --blocksize {options.blocksize * 2}",
    )


def _run_model(report: Report, options: argparse.Namespace) -> None:
    from .engine import EngineConfig

    config = EngineConfig(
        driver="dummy",
        blocksize=options.blocksize,
        samplerate=options.samplerate,
        bundle=options.bundle,
        values={"answer_s": 600.0, "yield": False},
    )
    try:
        status, latency = _run(config, options.seconds, trigger_after_s=_HEAR_S)
    except AntiphonError as error:
        report.add("model", BAD, str(error), "see bundle")
        return
    report.latency = report.latency or latency
    share = status.step_ns_p99 / status.hop_ns
    verdict = BAD if share > _STEP_BAD else NOTE if share > _STEP_GOOD else GOOD
    report.add(
        "model step",
        verdict,
        f"{status.step_ns_p50 / 1e6:.1f} ms p50, {status.step_ns_p99 / 1e6:.1f} p99, "
        f"{status.step_ns_max / 1e6:.1f} max of {status.hop_ns / 1e6:.0f} ms ({share:.0%} at p99 of {status.steps}); "
        f"with what waits for the voice to be away {status.whole_ns_p50 / 1e6:.1f} p50, {status.whole_ns_p99 / 1e6:.1f} p99",
        "close other programs, set the governor to performance",
    )
    report.add(
        "late steps",
        NOTE if status.late else GOOD,
        f"{status.late} of {status.steps}, {status.late_heard} of them heard, lead {status.lead_ms:.0f} ms"
        + (f", which began at {DEFAULT_LEAD_S * 1000:.0f}" if status.lead_raised else ""),
        _mend_late(status),
    )


def _mend_late(status: Status) -> str:
    if status.lead_raised:
        return f"play --lead {status.lead_ms:.0f} begins where the lead has grown to"
    needed_ms = math.ceil(status.lead_ms + frames_to_ms(status.late_frames_max, status.samplerate))
    if needed_ms <= LEAD_MOST_MS:
        return f"the lead grows by itself while playing; play --lead {needed_ms} begins where all of them were in time"
    return f"one would have needed a lead of {needed_ms} ms: something holds this machine up; close other programs"


def _run(config, seconds: float, trigger_after_s: float = 0.0) -> tuple[Status, Latency]:
    from .engine import Engine

    engine = Engine(config)
    engine.start()
    try:
        if trigger_after_s:
            time.sleep(trigger_after_s)
            status = engine.status()
            if status.phase != "playing":
                said = [line for line in status.messages if "model process" in line]
                raise AntiphonError((said or status.messages or ["the model does not play"])[-1])
            engine.apply(Event("trigger", True, source="doctor"))
        time.sleep(seconds)
        return engine.status(), engine.latency()
    finally:
        engine.stop()
