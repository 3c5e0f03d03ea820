"""The takes of an engine: begun, ended, gone on with on another device, and found again by what their sound is marked with."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from importlib import metadata
from pathlib import Path

import numpy as np

from . import __version__
from .errors import AntiphonError, BundleError, UsageError
from .events import Event
from .home import home
from .layout import Segment
from .model.bundle import Bundle
from .provenance import credentials
from .provenance.mark import Payload
from .recorder import Recorder, free_folder
from .status import Status
from .take import TakeSummary

INDEX = "takes.jsonl"
"""In the player's home: which take a payload points to, a line each."""
_END_S, _SIGN_SHARE = 10.0, 0.01  # how long the end of a take may take: this, and so much of its length
_NAME = r"[^\W_][\w -]{0,59}"
_STATUS = ("mode", "state", "seed", "answers", "notes_heard", "notes_played", "plan", "tempo", "tempo_heard", "key_heard", "scale_heard",
           "xruns", "underflows", "overflow_frames", "late", "restarts", "hops", "step_ns_p99", "lead_ms")  # fmt: skip
_PROVEN = ("guard_hits", "guard_work", "quote_length", "voice_match")  # where the status has them


class Takes:
    """For any of the engine's threads. `about` gives what take.json says of the engine, `look` its status."""

    def __init__(self, carry: Callable[[Payload], None], about: Callable[[], dict], look: Callable[[], Status], say: Callable[[str], None],
                 person: dict | None = None, sign: Callable[[Path], str] | None = None):
        """`carry` changes what the voice is marked with; `person` is who performs and what they agreed to."""
        self._carry, self._about, self._look, self._say = carry, about, look, say
        self._person, self._sign = person or {"performer": "", "consent": ""}, sign
        self._recorder: Recorder | None = None
        self._segment: Segment | None = None
        self._states: Path | None = None
        self._values: dict = {}
        self._answers: deque[dict] = deque(maxlen=64)
        self._wanted: Path | None = None
        self._goes_on: Path | None = None
        self._ending: list[Recorder] = []
        self._over = False
        self._holding = threading.Lock()  # a segment cannot go while a recorder is given it; held for no disk
        self._busy = threading.Lock()
        self._name = ""
        self.place = Path.home() / "antiphon-takes"
        """Where takes lie that are begun without a folder."""

    def bind(self, segment: Segment, states: Path | None) -> None:
        """An engine has this segment from now on; a take that was wanted before begins, one that ran goes on as another.

        Raises UsageError where the wanted one cannot be had.
        """
        with self._holding:
            if self._over:
                return
            self._segment, self._states = segment, states
        if self._wanted:
            folder, self._wanted = self._wanted, None
            self.begin(folder)
        if self._goes_on:
            folder, self._goes_on = self._goes_on, None
            # Sound comes first: it does not wait for a disk.
            threading.Thread(target=self._go_on, args=(folder,), name="antiphon-take-on", daemon=True).start()

    def _go_on(self, folder: Path) -> None:
        """Begin the next take, then see the one before to its end."""
        self._busy.acquire()
        if self.running:
            self._busy.release()
        else:
            self._do(lambda: self.begin(free_folder(folder)))
        self._finish("the device changed")

    def want(self, folder: Path) -> None:
        """Begin a take in this folder with the first frame of sound. Raises UsageError for a folder that is not free."""
        if free_folder(folder) != folder:
            raise UsageError(f"--take {folder}: holds something already; name a new folder, {free_folder(folder)} is free")
        self._wanted, self.place = folder, folder.parent

    def begin(self, folder: Path | None = None, name: str = "") -> Path:
        """Begin a take, in `folder` or in one of this name where takes lie. Raises UsageError where one runs, or there is no room."""
        if self.running:
            raise UsageError(f"a take runs already, in {self.folder}; stop it first")
        segment, states = self._segment, self._states
        if segment is None:
            raise UsageError("there is no sound yet to take; try again when it plays")
        folder = folder or free_folder(self.place / (name or datetime.now().strftime("%Y-%m-%d-%H%M%S")))
        about = self._about()
        payload = Payload.now()
        about |= {**self._person, "registers": registers(), "machine": machine()}
        recorder = Recorder(segment, folder, payload, about, self._now, self._say, states, self._sign)
        with self._holding:
            there = self._segment is segment
            if there:
                self._values, self._recorder = dict(about["values"]), recorder  # first: who is interrupted here still ends it
                recorder.start(segment)
        if not there:  # the device changed, or the performance ended, while the folder was made
            recorder.discard("nothing was recorded")
            raise UsageError(f"take {folder}: the sound to take went away meanwhile; nothing was recorded")
        self._carry(payload)
        threading.Thread(target=self._prepare, name="antiphon-credentials", daemon=True).start()
        if problem := remember(payload, str(folder.resolve())):
            self._say(f"take {problem}")
        self._say(f"take {folder}: recording{_room(folder, segment)}")
        return folder

    def _prepare(self) -> None:
        """Load what signs while there is time, and say now what would not be signed at the end."""
        line = credentials.prepare() if self._sign else ""
        if line:
            self._say(f"take: {line}")

    def call(self, name: str) -> None:
        """Name the takes to come; "" by date and time. Raises UsageError for what is no plain name: who sends OSC chooses no path."""
        if name and not re.fullmatch(_NAME, name):
            raise UsageError(f"take/name {name!r}: is not a plain name of letters, digits, spaces, - and _")
        self._name = name

    def press(self, start: bool) -> None:
        """Begin or end a take in a thread of its own, so that nothing waits for a disk; what comes of it is said.

        Raises UsageError where there is nothing to do (a pedal pressed twice).
        """
        if not self._busy.acquire(blocking=False):
            raise UsageError("a take is being begun or ended at this moment")
        try:
            if start and self.running:
                raise UsageError(f"a take runs already, in {self.folder}")
            if not start and not self.running:
                raise UsageError("no take runs")
            what = (lambda: self.begin(name=self._name)) if start else (lambda: self.end("told"))
            threading.Thread(target=self._do, args=(what,), name="antiphon-take-press", daemon=True).start()
        except BaseException:
            self._busy.release()
            raise

    def _do(self, what: Callable) -> None:
        """Do it, say what came of it, and be no longer busy."""
        try:
            what()
        except AntiphonError as error:
            self._say(str(error))
        except Exception as error:  # a thread has nobody to raise to
            self._say(f"take: {type(error).__name__}: {error}")
        finally:
            self._busy.release()

    def end(self, reason: str) -> None:
        """End the take that runs, if one does; it is written to its end and signed before this returns, unless the disk hangs."""
        with self._holding:
            recorder, self._recorder = self._recorder, None
            self._ending += [recorder] if recorder else []
        self._finish(reason)

    def _finish(self, reason: str) -> None:
        """Wait for all that are ending, also where somebody else does: the segment may go when this returns."""
        for one in tuple(self._ending):
            summary = one.stop(reason, _END_S + _SIGN_SHARE * one.seconds)
            with self._holding:
                mine = one in self._ending
                self._ending = [other for other in self._ending if other is not one]
            if mine:
                self._tell_of(one, summary)

    def close(self, reason: str) -> None:
        """As `end`, for good: no take begins any more, whoever is about to begin one."""
        with self._holding:
            self._over, self._segment, self._goes_on = True, None, None
        self.end(reason)

    def _tell_of(self, recorder: Recorder, summary: TakeSummary | None) -> None:
        if summary:
            lost = f", {recorder.gap_frames / recorder.rate:.1f} s of it missing" if recorder.gap_frames else ""
            self._say(f"take {summary.folder}: {summary.seconds:.1f} s{lost}")
        elif not recorder.failed:
            self._say(f"take {recorder.folder}: the disk hangs; when it is back: antiphon take repair {recorder.folder}")

    def leave(self, reason: str) -> None:
        """The segment goes: a take that runs ends, and goes on in another folder when there is a segment again. Waits a moment, for
        no disk: what is left to do of it is done meanwhile."""
        with self._holding:
            self._segment = None
            if self.running:
                self._goes_on = self._recorder.folder
                self._ending.append(self._recorder)
                self._recorder = None
            ending = tuple(self._ending)
        for one in ending:  # also one that somebody is ending at this moment: it still reads
            one.release(reason)

    def answered(self, attribution: dict) -> None:
        """An answer has ended: what it was nearest to goes into the log's next record."""
        if self._recorder:
            self._answers.append(attribution)

    def event(self, event: Event, clock: int) -> None:
        """Write down what was accepted."""
        recorder = self._recorder  # once, here as below: another thread may be ending it
        if recorder:
            recorder.event(event, clock)

    @property
    def running(self) -> bool:
        """Whether a take is being recorded."""
        recorder = self._recorder
        return recorder is not None and recorder.running

    @property
    def folder(self) -> str:
        """The take that is recorded; "" none."""
        recorder = self._recorder
        return str(recorder.folder) if recorder and recorder.running else ""

    @property
    def seconds(self) -> float:
        """How long it is by now."""
        recorder = self._recorder
        return recorder.seconds if recorder and recorder.running else 0.0

    @property
    def gap_frames(self) -> int:
        """Frames of it that are missing."""
        recorder = self._recorder
        return recorder.gap_frames if recorder and recorder.running else 0

    def _now(self) -> dict:
        """What is so now, and which values have changed since this was asked last."""
        status, values = self._look(), self._about()["values"]
        changed = {path: value for path, value in values.items() if value != self._values.get(path)}
        self._values = values
        answers = [self._answers.popleft() for _ in range(len(self._answers))]
        return {name: getattr(status, name) for name in (*_STATUS, *_PROVEN) if hasattr(status, name)} | {
            "values": changed, "answered": answers,
        }  # fmt: skip


def remember(payload: Payload, place: str, **more: object) -> str:
    """Note in the player's home which take, or which file, a payload points to; a line where that cannot be done, else ""."""
    line = json.dumps({"payload": payload.hex, "folder": place, "started": payload.started, **more}) + "\n"
    try:
        home().mkdir(parents=True, exist_ok=True)
        with open(home() / INDEX, "a+", encoding="utf-8") as file:
            file.seek(0)
            if line not in file:  # the same rendering again
                file.write(line)
    except (OSError, ValueError) as error:
        return f"{place}: it will not be found by its mark, {home() / INDEX} cannot be written ({getattr(error, 'strerror', None) or error})"
    return ""


def of_bundle(name: str) -> dict:
    """What take.json says of a bundle: name, digest, hashes, the data it was trained on."""
    if name in ("echo", "through"):
        return {"bundle": name, "model_hash": name}
    try:
        bundle = Bundle.open(name)
    except BundleError as error:
        return {"bundle": name, "model_hash": str(error)}
    manifest = bundle.manifest
    return {"bundle": bundle.name, "model_hash": bundle.digest(), "hashes": bundle.hashes(), "data": manifest.get("data", []),
            "licence": manifest.get("licence", ""), "version": manifest.get("version", "")}  # fmt: skip


def registers() -> str:
    """A digest of the guarded works and protected voices that are registered here: answers depend on them."""
    digest = hashlib.sha256()
    try:
        found = sorted((home() / "guard").glob("*/*.json"))
    except OSError:
        found = []
    for path in found:
        try:
            digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        except OSError:  # who reads them to play leaves it out too
            continue
    return digest.hexdigest()


def machine() -> dict:
    """What the numbers of a take depend on beside its bundle."""
    runtimes = [package for package in ("onnxruntime", "onnxruntime-gpu") if next(metadata.distributions(name=package), None)]
    runtime = " ".join(f"{package} {metadata.version(package)}" for package in runtimes)
    return {"system": platform.platform(), "processor": _processor(), "python": platform.python_version(), "numpy": np.__version__,
            "runtime": runtime, "antiphon": __version__}  # fmt: skip


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def _room(folder: Path, segment: Segment) -> str:
    """Say how long a take fits on the disk, where that is less than an hour."""
    try:
        disk = os.statvfs(folder)
    except (OSError, AttributeError):
        return ""
    minutes = disk.f_bavail * disk.f_frsize / (3 * (segment.in_channels + 1 + segment.out_channels) * segment.samplerate) / 60
    return f"; the disk has room for {minutes:.0f} minutes" if minutes < 60 else ""


def sign(folder: Path) -> str:
    """Sign a take that is whole; a line where it could not be. A second or so."""
    if not credentials.available():
        return ""  # that was said when it began
    try:
        credentials.sign_take(folder)
    except AntiphonError as error:
        return f"take {folder}: not signed, {error}"
    return ""
