"""Kernels between threads and processes, and the audio callback itself: Ring, Mailbox, CommandQueue, Block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .native import KernelError, allocate, check, ffi, float_pointer, floats, lib


class Ring:
    """One-writer one-reader queue of interleaved frames; arrays are (frames, channels) float32, positions are frame counts.

    Makes its own memory, or wraps an `ap_ring *` (of a segment) handed in. One thread writes, one thread reads; no call
    waits. Details of each verb: ap_ring.h.
    """

    def __init__(self, channels: int = 1, capacity: int = 0, pointer=None):
        if pointer is None:
            self._memory = allocate(lib.ap_ring_sizeof(channels, capacity), f"ring of {capacity} frames, {channels} channels")
            pointer = ffi.cast("ap_ring *", ffi.from_buffer(self._memory))
            check(lib.ap_ring_init(pointer, self._memory.size, channels, capacity), "ring")
        self.pointer = pointer
        self.channels = int(lib.ap_ring_channels(pointer))
        self.capacity = int(lib.ap_ring_capacity(pointer))
        self.guard = int(lib.ap_ring_guard(pointer))

    @property
    def written(self) -> int:
        """Position of the next frame to be written."""
        return int(lib.ap_ring_written(self.pointer))

    @property
    def position(self) -> int:
        """Position of the next frame to be read."""
        return int(lib.ap_ring_position(self.pointer))

    @property
    def readable(self) -> int:
        """Frames that can be read now."""
        return int(lib.ap_ring_readable(self.pointer))

    @property
    def writable(self) -> int:
        """Frames there is room for now."""
        return int(lib.ap_ring_writable(self.pointer))

    def write(self, frames: np.ndarray) -> int:
        """Writer: append what fits; return the number of frames written."""
        frames = floats(frames, self.channels, "ring")
        return int(lib.ap_ring_write(self.pointer, float_pointer(frames), frames.size // self.channels))

    def write_silence(self, frames: int) -> int:
        """Writer: append up to `frames` of silence; return the number written."""
        return int(lib.ap_ring_write(self.pointer, ffi.NULL, frames))

    def read(self, frames: int) -> np.ndarray:
        """Reader: take up to `frames`; a new array of (frames taken, channels)."""
        out = np.empty((min(frames, self.readable), self.channels), np.float32)
        return out[: int(lib.ap_ring_read(self.pointer, float_pointer(out), len(out)))]

    def peek(self, frames: int) -> np.ndarray:
        """Reader: copy up to `frames` and stay."""
        out = np.empty((min(frames, self.readable), self.channels), np.float32)
        return out[: int(lib.ap_ring_peek(self.pointer, float_pointer(out), len(out)))]

    def skip(self, frames: int) -> int:
        """Reader: drop up to `frames`; return the number dropped."""
        return int(lib.ap_ring_skip(self.pointer, frames))

    def seek(self, position: int) -> int:
        """Reader: go to `position` or the nearest frame still held; return where it now is."""
        return int(lib.ap_ring_seek(self.pointer, position))

    def rewind(self, frames: int) -> int:
        """Reader: go back up to `frames`, as far as they are still held; return how far it went."""
        return int(lib.ap_ring_rewind(self.pointer, frames))

    def reset(self) -> None:
        """Empty it. Only while neither side is running."""
        lib.ap_ring_reset(self.pointer)


class Mailbox:
    """Newest values only, float64 (count,). One writer, any readers; the writer never waits."""

    def __init__(self, count: int = 0, pointer=None):
        if pointer is None:
            self._memory = allocate(lib.ap_mailbox_sizeof(count), f"mailbox of {count}")
            pointer = ffi.cast("ap_mailbox *", ffi.from_buffer(self._memory))
            check(lib.ap_mailbox_init(pointer, self._memory.size, count), "mailbox")
        self.pointer = pointer
        self.count = int(lib.ap_mailbox_count(pointer))

    @property
    def version(self) -> int:
        """Publishes so far."""
        return int(lib.ap_mailbox_version(self.pointer))

    def publish(self, values: np.ndarray) -> None:
        """Writer: replace all values."""
        values = np.ascontiguousarray(values, np.float64)
        if values.shape != (self.count,):
            raise KernelError(f"mailbox: shape {values.shape}, expected ({self.count},)")
        lib.ap_mailbox_publish(self.pointer, ffi.from_buffer("double *", values))

    def set(self, index: int, value: float) -> None:
        """Writer: replace one value. KernelError if there is no such index."""
        if not 0 <= index < self.count or not lib.ap_mailbox_set(self.pointer, index, value):
            raise KernelError(f"mailbox: no value {index}, it has {self.count}")

    def read(self, out: np.ndarray | None = None) -> np.ndarray | None:
        """Reader: one consistent snapshot, into `out` if given; None if the writer was busy throughout (keep the old one)."""
        out = np.empty(self.count) if out is None else out
        if out.shape != (self.count,) or out.dtype != np.float64 or not out.flags.c_contiguous:
            raise KernelError(f"mailbox: out is {out.dtype} {out.shape}, expected float64 ({self.count},)")
        return out if lib.ap_mailbox_read(self.pointer, ffi.from_buffer("double *", out)) else None


@dataclass(frozen=True)
class Command:
    """One change for the callback: at device frame `frame` (0 = now), `target` (AP_TARGET_*) goes to `value` in `ramp_frames`."""

    target: int
    value: float
    ramp_frames: int = 0
    frame: int = 0


class CommandQueue:
    """Commands from the control thread (`push`) to the callback (`pop`), first in first out."""

    def __init__(self, capacity: int = 0, pointer=None):
        if pointer is None:
            self._memory = allocate(lib.ap_command_sizeof(capacity), f"command queue of {capacity}")
            pointer = ffi.cast("ap_command_queue *", ffi.from_buffer(self._memory))
            check(lib.ap_command_init(pointer, self._memory.size, capacity), "command queue")
        self.pointer = pointer
        self.capacity = int(lib.ap_command_capacity(pointer))

    @property
    def waiting(self) -> int:
        """Commands the callback has not taken yet."""
        return int(lib.ap_command_waiting(self.pointer))

    def push(self, command: Command) -> bool:
        """Control thread: append; False if the queue is full."""
        c = ffi.new("ap_command *", {"frame": command.frame, "target": command.target,
                                     "ramp_frames": command.ramp_frames, "value": command.value})
        return bool(lib.ap_command_push(self.pointer, c))

    def pop(self) -> Command | None:
        """Reader: take the oldest; None if there is none."""
        c = ffi.new("ap_command *")
        return Command(c.target, c.value, c.ramp_frames, c.frame) if lib.ap_command_pop(self.pointer, c) else None


class Block:
    """What a driver calls once a block: `ap_block` bound to a segment. See ap_block.h for what it does.

    `pointer` is the user data for `lib.ap_portaudio`. The object and the segment's memory must outlive the stream.
    """

    def __init__(self, segment, slice_frames: int = 1024, fade_frames: int = 240, dry_gain: float = 1.0,
                 voice_gain: float = 1.0, master_gain: float = 1.0, ceiling: float = 1.0, release_frames: float = 4800.0,
                 lowpass_hz: float = 20000.0, highpass_hz: float = 20.0, resonance: float = 0.0,
                 send_gain: tuple[float, ...] = (1.0,) * lib.AP_SENDS):
        config = ffi.new("ap_block_config *", {
            "slice_frames": slice_frames, "fade_frames": fade_frames, "dry_gain": dry_gain, "voice_gain": voice_gain,
            "master_gain": master_gain, "ceiling": ceiling, "release_frames": release_frames, "lowpass_hz": lowpass_hz,
            "highpass_hz": highpass_hz, "resonance": resonance, "send_gain": sends_of(send_gain)})
        self._memory = allocate(lib.ap_block_sizeof(config, segment), "block")
        self.pointer = ffi.cast("ap_block *", ffi.from_buffer(self._memory))
        check(lib.ap_block_init(self.pointer, self._memory.size, config, segment), "block")
        shape = ffi.new("ap_segment_config *")
        lib.ap_segment_read_config(segment, shape)
        self.in_channels, self.out_channels = int(shape.in_channels), int(shape.out_channels)

    def process(self, frames_in: np.ndarray | None, out: np.ndarray, flags: int = 0) -> np.ndarray:
        """One block: `frames_in` (frames, in_channels) or None, into `out` (frames, out_channels) float32; returns `out`."""
        frames = out.size // self.out_channels
        if frames_in is not None:
            frames_in = floats(frames_in, self.in_channels, "block input")
            if frames_in.size != frames * self.in_channels:
                raise KernelError(f"block: {frames_in.size // self.in_channels} frames in, {frames} frames out")
        if out.dtype != np.float32 or not out.flags.c_contiguous:
            raise KernelError("block: out must be contiguous float32")
        data = ffi.NULL if frames_in is None else float_pointer(frames_in)
        lib.ap_block_process(self.pointer, data, float_pointer(out), frames, flags)
        return out

    def reset(self) -> None:
        """Voice silent, ramps arrived, limiter and meters at rest. While no callback runs."""
        lib.ap_block_reset(self.pointer)


class Timed:
    """Any callback of PortAudio's signature, timed by `ap_timed`: `callback` and `userdata` are for whatever calls blocks.

    `inner` is a C function pointer of this module's ffi, `userdata` what it is given. Each block leaves (spacing_us, took_us) in
    `log`, a Ring of `lib.AP_TIMED_WORDS` channels or an `ap_ring *` of a segment. All three and this object outlive the stream.
    """

    def __init__(self, inner, userdata, log):
        pointer = log.pointer if isinstance(log, Ring) else log
        if lib.ap_ring_channels(pointer) != lib.AP_TIMED_WORDS:
            raise KernelError(f"timed: a log of {lib.ap_ring_channels(pointer)} channels, expected {lib.AP_TIMED_WORDS}")
        self._held = inner, userdata, log
        self.callback = lib.ap_timed
        self.userdata = ffi.new("ap_timing *", {"inner": inner, "user_data": userdata, "log": pointer})


def sends_of(gains: tuple[float, ...]) -> list[float]:
    """Give back one gain for each send, or raise KernelError: cffi would fill up a shorter list with silence."""
    if len(gains) != lib.AP_SENDS:
        raise KernelError(f"block: {len(gains)} sends, expected {lib.AP_SENDS}")
    return list(gains)
