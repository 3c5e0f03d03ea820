"""The model process as the engine sees it: started, watched, replaced."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from .kernels import lib
from .layout import HISTORY_S, LOADING, MAXIMUM_FIELDS, SUMMED_FIELDS, Segment, folder
from .marking import KEY_VARIABLE
from .worker_main import ERROR_EXIT, PERSON_VARIABLE

_STUCK_S = 1.0
_LOADING_S = 12.0  # less than the mic ring holds: nothing is lost while a slow disk is read
_BACKOFF_S = (0.0, 0.1, 0.3, 1.0, 3.0)
_WELL_AFTER_STEPS = 25  # a worker that has played for half a second works: what ends it then is no fault of its start
_STUCK_HOPS = 3


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker process is told."""

    bundle: str
    seed: int
    blocksize: int
    hop_frames: int
    samplerate: int
    mic_channel: int | None = None
    cupboard: str | None = None  # folder of what the player keeps
    growing_lead: bool = False
    realtime: bool = True
    late: str = ""
    history_s: float = HISTORY_S
    person: str = ""  # who performs, by name
    mark_key: bytes = field(default=b"", repr=False)


class WorkerKeeper:
    """Keep one worker alive on a segment. Methods are for the supervisor thread only; properties for any thread.

    The system kills a worker with the thread that started it (worker_main), so that thread must be the supervisor's.
    While no worker lives, this is the owner of the mic ring's read cursor.
    """

    def __init__(self, segment: Segment, spec: WorkerSpec, before: WorkerKeeper | None = None):
        """Take over the counts of the keeper `before`, whose worker was stopped."""
        self.segment, self.spec = segment, spec
        self.restarts = before.restarts + 1 if before else 0
        self.killed_stuck = before.killed_stuck if before else 0
        self._counting = threading.Lock()
        self._counted = before.counted({}) if before else {}  # by the workers that have ended
        self.fatal = ""
        self.notices: list[str] = []
        self._process: subprocess.Popen | None = None
        self._errors = None
        self._failures = 0
        self._started_at = self._next_at = 0.0
        self._progress: tuple[float, float] = (-1.0, 0.0)
        self._ever_ready = False

    @property
    def alive(self) -> bool:
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        process = self._process  # once: the supervisor may bury it while another thread asks
        return process.pid if process is not None and process.poll() is None else None

    @property
    def speaks(self) -> bool:
        """Whether the status in the segment is the living worker's own, and not what the one before it left."""
        pid = self.pid
        return pid is not None and int(lib.ap_segment_worker_pid(self.segment.pointer)) == pid

    def counted(self, status: dict[str, float]) -> dict[str, float]:
        """Give what all workers have counted since the start; `status` is the newest one that the segment holds. Any thread."""
        with self._counting:
            return self._with(status)

    def watch(self, status: dict[str, float]) -> None:
        """Look once: start, notice an end, end what is stuck, keep the history. Called about every 20 ms."""
        now = time.monotonic()
        if self._process is None:
            self._keep_history()
            if not self.fatal and now >= self._next_at:
                try:
                    self._spawn(now)
                except OSError as error:  # no memory, no processes left, nowhere to write: try again, but not 50 times a second
                    self._next_at = now + _BACKOFF_S[-1]
                    self.notices.append(f"the model process cannot be started ({error.strerror or error}); trying again")
        elif self._process.poll() is not None:
            self._bury(now)
        elif self._is_stuck(status, now):
            self.killed_stuck += 1
            self.notices.append("the model process made no step for 1 s; it is started anew")
            self._process.kill()
            self._process.wait()
            self._bury(now)

    def stop(self) -> None:
        """Let the worker leave; end it if it does not."""
        if self._process is None:
            return
        lib.ap_segment_voice_close(self.segment.pointer)
        lib.ap_segment_next_generation(self.segment.pointer)
        try:
            self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._forget()

    def _spawn(self, now: float) -> None:
        spec, segment = self.spec, self.segment
        generation = int(lib.ap_segment_next_generation(segment.pointer))
        command = [
            sys.executable,
            "-P",  # nothing from the folder that a performer happens to be in
            "-m",
            f"{__package__}.worker_main",
            segment.name,
            "--engine",
            str(os.getpid()),
            "--generation",
            str(generation),
            "--bundle",
            spec.bundle,
            "--seed",
            str(spec.seed),
            "--blocksize",
            str(spec.blocksize),
            "--history",
            str(spec.history_s),
        ]
        command += ["--cupboard", spec.cupboard] if spec.cupboard else []
        command += ["--mic-channel", str(spec.mic_channel)] if spec.mic_channel is not None else []
        command += ["--growing-lead"] if spec.growing_lead else []
        command += ["--realtime"] if spec.realtime else []
        command += [] if self._ever_ready else ["--check"]
        command += ["--late", spec.late] if spec.late else []
        root = str(Path(__file__).resolve().parent.parent)
        known = os.environ.get("PYTHONPATH", "")
        # One thread: a pool that spins beside the audio callback costs more than it brings to graphs this small.
        environment = os.environ | {
            "PYTHONPATH": root + (os.pathsep + known if known else ""),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "NUMBA_NUM_THREADS": "1",
            KEY_VARIABLE: spec.mark_key.hex(),
            PERSON_VARIABLE: spec.person,
        }
        # A file, not a pipe: nobody reads until the end, and a full pipe would stop the worker.
        # Beside the segment, where writing is known to be possible.
        errors = tempfile.TemporaryFile(dir=folder())
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=environment
            )
        except BaseException:
            errors.close()
            raise
        self._errors = errors
        self._started_at, self._progress = now, (-1.0, now)

    def _bury(self, now: float) -> None:
        code = self._process.returncode
        last = self._last_words()
        lib.ap_segment_voice_close(self.segment.pointer)
        self._forget()
        if code == ERROR_EXIT and not self._ever_ready:
            self.fatal = last or "the model process does not start"
            return
        self.restarts += 1
        self._next_at = now + _BACKOFF_S[min(self._failures, len(_BACKOFF_S) - 1)]
        self._failures += 1
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        self.notices.append(f"the model process {how}{': ' + last if last else ''}; it is started anew")

    def _forget(self) -> None:
        with self._counting:
            self._counted = self._with(self.segment.read_status())
            lib.ap_segment_set_worker_pid(self.segment.pointer, 0)
        self._errors.close()
        self._process = self._errors = None

    def _with(self, status: dict[str, float]) -> dict[str, float]:
        """Put a worker's counts with those of the ones before it, if it has said anything and is not counted yet."""
        process, counted = self._process, self._counted
        if process is None or int(lib.ap_segment_worker_pid(self.segment.pointer)) != process.pid:
            return counted
        return {
            **{name: counted.get(name, 0.0) + status[name] for name in SUMMED_FIELDS},
            **{name: max(counted.get(name, 0.0), status[name]) for name in MAXIMUM_FIELDS},
        }

    def _last_words(self) -> str:
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 2000))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def _is_stuck(self, status: dict[str, float], now: float) -> bool:
        if not self.speaks or status["phase"] == LOADING:
            return now - self._started_at > _LOADING_S
        self._ever_ready = True
        if status["steps"] > _WELL_AFTER_STEPS:
            self._failures = 0
        waiting = int(lib.ap_ring_readable(self.segment.mic)) > _STUCK_HOPS * self.spec.hop_frames + self.spec.blocksize
        progress = status["hop"] + status["steps"] + status["primed_hops"]
        if not waiting or progress != self._progress[0]:
            self._progress = (progress, now)
        return now - self._progress[1] > _STUCK_S

    def _keep_history(self) -> None:
        """Hold the read cursor within the history, so that the mic ring never fills while nobody reads it."""
        mic = self.segment.mic
        kept = int(self.spec.history_s * self.spec.samplerate)
        if int(lib.ap_ring_readable(mic)) > kept:
            lib.ap_ring_seek(mic, int(lib.ap_ring_written(mic)) - kept)
