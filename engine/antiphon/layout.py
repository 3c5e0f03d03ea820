"""The shared segment: made by the engine process, attached by the model process, found and cleared when stale.

The segment is a mapped file in `/dev/shm` (the temporary folder where there is none), laid out by `ap_segment.h`. It is
not a `multiprocessing.shared_memory`: before Python 3.13 each process that attaches to one of those registers it for
removal at its own exit, so a dying worker would take the engine's segment with it. The engine holds a lock on the file
for as long as it lives; a segment whose lock can be had belongs to nobody, whatever its name says, and is removed.
"""

from __future__ import annotations

import itertools
import mmap
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import AntiphonError
from .kernels import ffi, lib
from .latency import Timeline

try:
    import fcntl
except ImportError:  # no advisory locks on Windows: there the process id in the name has to do
    fcntl = None

CHAIN_FIELDS = (
    "mode",  # index into the choices of the row `mode`
    "state",  # index into perform.STATES: waiting, hearing, answering
    "pitch_heard",  # semitones, 0 unvoiced
    "loudness_heard_db",
    "voiced",
    "pitch_played",
    "loudness_played_db",
    "noise_floor_db",
    "phrase",  # 1 while the performer is in a phrase
    "answers",  # begun so far
    "refused",  # triggers that did nothing
    "refusal",  # why the last of them did: index into perform.REFUSALS
    "end_reason",
    "seed",  # of the answer that sounds, or sounded last
    "notes_heard",
    "notes_played",  # begun so far, in all answers
    "note_onset_s",  # device time of the note that sounds or sounded last; 0 where there is no line
    "note_pitch",
    "note_length_s",  # 0 where nobody knows yet
    "next_onset_s",  # of the note after it, where that is known
    "next_pitch",
    "key_heard",  # pitch class of the tonic, -1 before anything was heard
    "scale_heard",  # index into model.key.SCALE_NAMES, -1 likewise
    "tempo_heard",  # bpm; 0 likewise
    "tempo",  # in force, bpm; 0 where no line plays
    "guard_hits",  # notes that would have completed a quotation, and were not played
    "guard_work",  # key of the work that the last of them was of (provenance.works.name_of), -1 before any
    "guard_length",  # how many notes in a row it would have been
    "quote_length",  # notes in a row, up to the newest of the line, that some guarded melody has too
    "voice_match",  # key of the protected voice that the last answer kept apart from (provenance.voices.name_of), 0 none
)
"""What the chain says about itself, in `chain.status`."""

STATUS_FIELDS = (
    "hop",  # hops heard since this worker started, primed ones included
    "phase",  # 0 loading, 1 priming, 2 playing
    "primed_hops",
    "catch_ups",  # times the worker was so far behind that it re-heard instead of stepping
    "late",  # steps whose first frame was already due when it was written
    "late_heard",  # of these, the steps whose voice was a sound
    "late_frames_max",
    "step_ns",
    "step_ns_p50",
    "step_ns_p99",
    "step_ns_p999",
    "step_ns_max",
    "whole_ns_p50",  # the step and what it put off until its voice was written
    "whole_ns_p99",
    "steps",
    "params_torn",  # mailbox reads that had to keep the old values
    "realtime",  # 1 where the worker got realtime scheduling
    *CHAIN_FIELDS,
)
"""The status mailbox, one double each, worker to engine."""

SUMMED_FIELDS = ("hop", "primed_hops", "catch_ups", "late", "late_heard", "steps", "params_torn", "answers", "refused", "guard_hits")
MAXIMUM_FIELDS = ("late_frames_max", "step_ns_max")
"""What of the status is counted on when a worker takes over from another; hops and primed hops count the past heard again."""

STEP_FIELDS = (
    "hop",  # which hop since this worker started, the first one 0, primed ones counted; modulo TRACE_MODULUS
    "step_us",  # from the hop read to the voice made
    "whole_us",  # from the hop read to the end of the step: with the writing of the voice and what is put off until after it
    "slack_frames",  # device frames left until the hop's first voice frame was due when it was written; negative: late
    "queue_frames",  # voice frames not yet played, right after it was written
    "sounding",  # 1 where the voice was not silence
    "params",  # publications of the parameter mailbox that this step had read; modulo TRACE_MODULUS
    "wait_us",  # from the end of the step before, or from the start of the worker, to the begin of this one
)
"""A record of the step trace, float32 each, worker to whoever measures. The sum of all wait_us and whole_us is the time gone by."""

TRACE_MODULUS = 2**24
"""Whole numbers below it are exact in float32; the next one would not be."""

LOADING, PRIMING, PLAYING = 0, 1, 2

FIRST_GENERATION = 2
"""Generation of the first worker of a segment."""

MARK_WORDS = 2
"""Doubles that follow the step rows in the params mailbox: what the voice is marked with, as marking.py has it."""

HISTORY_S = 10.0
"""What a new worker hears again before it plays."""
_MIC_S = 14.0
_VOICE_S = 2.0
_TAPE_S = 20.0  # how long a disk may stand still
_TAPE_BYTES = 2**24  # but no more of memory
_JOURNAL_WORDS = 2**18  # several minutes of steps
_COMMANDS = 1024
_PREFIX = "antiphon-"
_NAMES_TRIED = 100
_sequence = itertools.count()
_sequence_lock = threading.Lock()


class SegmentError(AntiphonError):
    """Shared memory that is not there, not ours, or of another version."""


@dataclass(frozen=True)
class SegmentSpec:
    """All that decides a segment's size."""

    samplerate: int
    in_channels: int
    out_channels: int
    params: int

    @property
    def mic_frames(self) -> int:
        return _power_of_two(_MIC_S * self.samplerate)

    @property
    def voice_frames(self) -> int:
        return _power_of_two(_VOICE_S * self.samplerate + 8192)

    @property
    def tape_frames(self) -> int:
        room = _TAPE_BYTES // (4 * (self.in_channels + 1 + self.out_channels))
        return max(min(_power_of_two(_TAPE_S * self.samplerate), 1 << room.bit_length() - 1), 2**15)


class Segment:
    """One attached segment: pointers to its parts, valid until `close`.

    Each part has one writer and one reader, named in `ap_segment.h`; this object adds no thread safety to that.
    """

    def __init__(self, memory: mmap.mmap, path: Path | None, file: int | None):
        self._memory, self.path, self._file = memory, path, file
        self.bytes = len(memory)
        self._view = ffi.from_buffer(memory)
        self.pointer = ffi.cast("ap_segment *", self._view)

    @classmethod
    def create(cls, spec: SegmentSpec, timeline: Timeline, shared: bool = True) -> Segment:
        """Make a segment; with `shared` one that another process can attach to by `name`.

        Raises SegmentError where there is no room for it.
        """
        config = ffi.new(
            "ap_segment_config *",
            {
                "samplerate": spec.samplerate,
                "in_channels": spec.in_channels,
                "out_channels": spec.out_channels,
                "params": spec.params,
                "status": len(STATUS_FIELDS),
                "commands": _COMMANDS,
                "mic_frames": spec.mic_frames,
                "voice_frames": spec.voice_frames,
                "tape_frames": spec.tape_frames,
                "journal_words": _JOURNAL_WORDS,
            },
        )
        size = lib.ap_segment_sizeof(config)
        if not size:
            raise SegmentError(f"no segment can be made for {spec}: rates are 8000 .. 192000 Hz, channels 1 .. 64")
        segment = cls(mmap.mmap(-1, size), None, None) if not shared else cls._create_file(size)
        try:
            _require(lib.ap_segment_init(segment.pointer, size, config, os.getpid()), "segment")
        except BaseException:
            segment.unlink()
            raise
        lib.ap_segment_set_delay_frames(segment.pointer, timeline.delay_frames)
        segment._bind()
        return segment

    @classmethod
    def attach(cls, name: str) -> Segment:
        """Attach to the segment another process made. Raises SegmentError if it is not there or not of this version."""
        path = _inside(name)
        try:
            file = os.open(path, os.O_RDWR)
        except OSError as error:
            raise SegmentError(
                f"shared segment {name!r} is not there ({error.strerror}); its engine has gone"
            ) from error
        try:
            memory = mmap.mmap(file, os.fstat(file).st_size)
        except (OSError, ValueError) as error:
            raise SegmentError(f"shared segment {name!r} cannot be mapped ({error})") from error
        finally:
            os.close(file)
        segment = cls(memory, path, None)
        try:
            _require(lib.ap_segment_check(segment.pointer, segment.bytes), f"shared segment {name!r}")
        except SegmentError:
            segment.close()
            raise
        segment._bind()
        return segment

    @classmethod
    def _create_file(cls, size: int) -> Segment:
        unlink_stale()
        path, file = cls._new_file()
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Reserved at once: a sparse file on a full /dev/shm would be a SIGBUS inside the audio callback.
            os.posix_fallocate(file, 0, size) if hasattr(os, "posix_fallocate") else os.truncate(file, size)
            memory = mmap.mmap(file, size)
        except OSError as error:
            os.close(file)
            os.unlink(path)
            raise SegmentError(
                f"no room for a shared segment of {size >> 20} MiB in {path.parent}: {error.strerror}"
            ) from error
        return cls(memory, path, file)

    @staticmethod
    def _new_file() -> tuple[Path, int]:
        """Open a file of a name that nobody has: containers that share /dev/shm share process ids too."""
        for _ in range(_NAMES_TRIED):
            with _sequence_lock:
                path = _inside(f"{_PREFIX}{os.getpid()}-{next(_sequence)}")
            try:
                return path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            except OSError as error:
                raise SegmentError(f"no shared segment can be made in {path.parent}: {error.strerror}") from error
        raise SegmentError(f"{path.parent} is full of other people's segments; remove {_PREFIX}{os.getpid()}-* there")

    def _bind(self) -> None:
        p = self.pointer
        config = ffi.new("ap_segment_config *")
        lib.ap_segment_read_config(p, config)
        self.samplerate, self.in_channels, self.out_channels = (
            config.samplerate,
            config.in_channels,
            config.out_channels,
        )
        self.mic, self.voice = lib.ap_segment_mic(p), lib.ap_segment_voice(p)
        self.params, self.status, self.commands = (
            lib.ap_segment_params(p),
            lib.ap_segment_status(p),
            lib.ap_segment_commands(p),
        )
        self.trace_blocks, self.trace_steps = lib.ap_segment_trace_blocks(p), lib.ap_segment_trace_steps(p)
        self._status = np.zeros(config.status)
        self._counters = ffi.new("ap_counters *")

    @property
    def name(self) -> str:
        """What `attach` needs in the other process."""
        return self.path.name if self.path else ""

    @property
    def clock(self) -> int:
        """Device frames so far."""
        return int(lib.ap_segment_clock(self.pointer))

    @property
    def delay_frames(self) -> int:
        """Device frames that a voice frame waits beyond its origin; the worker raises it when it needs a longer lead."""
        return int(lib.ap_segment_delay_frames(self.pointer))

    @property
    def generation(self) -> int:
        return int(lib.ap_segment_generation(self.pointer))

    def publish_params(self, values: np.ndarray) -> None:
        """Control thread: replace the values of all step rows, float64 in table order."""
        lib.ap_mailbox_publish(self.params, ffi.from_buffer("double *", values))

    def publish_status(self, values: np.ndarray) -> None:
        """Worker: replace the status, float64 in the order of STATUS_FIELDS."""
        lib.ap_mailbox_publish(self.status, ffi.from_buffer("double *", values))

    def read_status(self) -> dict[str, float]:
        """Engine: the newest status; the one before where the worker was writing all the while."""
        fresh = np.empty_like(self._status)
        if lib.ap_mailbox_read(self.status, ffi.from_buffer("double *", fresh)):
            self._status = fresh
        return dict(zip(STATUS_FIELDS, self._status.tolist(), strict=True))

    def read_counters(self) -> dict[str, float]:
        """Engine: one consistent set of the callback's counters; the last good one while it is being written."""
        fresh = ffi.new("ap_counters *")
        if lib.ap_segment_counters(self.pointer, fresh):
            self._counters = fresh
        return {name: getattr(self._counters, name) for name in COUNTERS}

    def push_command(self, frame: int, target: int, ramp_frames: int, value: float) -> bool:
        """Control thread: queue one command for the callback; False if the queue is full."""
        command = ffi.new(
            "ap_command *", {"frame": frame, "target": target, "ramp_frames": ramp_frames, "value": value}
        )
        return bool(lib.ap_command_push(self.commands, command))

    def lock_memory(self) -> bool:
        """Touch every page and keep it in memory, so that the callback meets no page fault; False where not allowed."""
        for offset in range(0, self.bytes, mmap.PAGESIZE):
            self._memory[offset]
        import ctypes

        try:
            return (
                ctypes.CDLL(None).mlock(
                    ctypes.c_void_p(int(ffi.cast("uintptr_t", self.pointer))), ctypes.c_size_t(self.bytes)
                )
                == 0
            )
        except (OSError, AttributeError, TypeError):
            return False

    def close(self) -> None:
        """Let go of the memory; no pointer of this segment may be used afterwards."""
        if self._memory.closed:
            return
        self.pointer = self.mic = self.voice = self.params = self.status = self.commands = None
        self.trace_blocks = self.trace_steps = None
        ffi.release(self._view)
        self._memory.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def unlink(self) -> None:
        """Remove its name and let go; a process that has it mapped keeps it until it lets go too."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.close()


COUNTERS = tuple(name for name, _ in ffi.typeof("ap_counters").fields)
"""Names of the callback's counters and meters, as `ap_segment.h` has them."""


def folder() -> Path:
    """Give the folder that segments lie in."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def unlink_stale() -> list[str]:
    """Remove the segments of engines that are gone and return their names; those of living engines stay."""
    removed = []
    for path in sorted(folder().glob(f"{_PREFIX}*")):
        if is_stale(path):
            path.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def is_stale(path: Path) -> bool:
    """Whether the engine that held a lock on a file is gone; False where nobody can know."""
    if fcntl is None:
        return False
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:  # another user's, or just gone
        return False
    try:
        # An engine that has made its file and not locked it yet has no size yet either.
        if os.fstat(file).st_size == 0 and _alive(path):
            return False
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def _alive(path: Path) -> bool:
    try:
        os.kill(int(path.name.removeprefix(_PREFIX).split("-")[0]), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _inside(name: str) -> Path:
    if not name.startswith(_PREFIX) or Path(name).name != name:
        raise SegmentError(f"{name!r} is not the name of a shared segment")
    return folder() / name


def _power_of_two(frames: float) -> int:
    return 1 << max(4, (int(frames) - 1).bit_length())


def _require(status: int, what: str) -> None:
    if status != lib.AP_OK:
        raise SegmentError(
            f"{what}: {ffi.string(lib.ap_status_text(status)).decode()}; both sides must run one version of Antiphon"
        )
