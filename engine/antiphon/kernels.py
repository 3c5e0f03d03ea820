"""The C kernels from Python: thin classes over cffi, one for each kernel.

`ffi` and `lib` come from the headers in kernels/include, which are the reference for every `lib.ap_*` call. The classes
here own aligned memory and take numpy arrays; each call releases the GIL. Nothing here belongs on the audio thread:
that one runs `lib.ap_block_process` or `lib.ap_portaudio` and no Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import AntiphonError

try:
    from ._kernels import ffi
except ImportError as error:
    raise AntiphonError("the C kernels are not built; run `make kernels` in the checkout, or install the wheel") from error


class KernelError(AntiphonError):
    """A kernel refused its arguments or its memory."""


def _open():
    found = sorted(Path(__file__).parent.glob("_libkernels*.so"))
    if not found:
        raise AntiphonError("the C kernels are not built; run `make kernels` in the checkout, or install the wheel")
    return ffi.dlopen(str(found[0]))


lib = _open()


def check(status: int, what: str) -> None:
    """Raise KernelError, naming `what`, unless `status` is AP_OK."""
    if status != lib.AP_OK:
        raise KernelError(f"{what}: {ffi.string(lib.ap_status_text(status)).decode()}")


def allocate(size: int, what: str) -> np.ndarray:
    """Give `size` zeroed bytes aligned as every kernel wants them, uint8; KernelError if `size` is 0 (a refused config)."""
    if not size:
        raise KernelError(f"{what}: an argument is out of range")
    memory = np.zeros(size + lib.AP_ALIGN, np.uint8)
    start = -memory.ctypes.data % lib.AP_ALIGN
    return memory[start : start + size]


def _floats(array: np.ndarray, channels: int, what: str) -> np.ndarray:
    """Interleaved float32 as C wants it: (frames, channels), or (frames,) when mono; copied only if it must be."""
    array = np.ascontiguousarray(array, np.float32)
    if not (array.ndim == 2 and array.shape[1] == channels or array.ndim == 1 == channels):
        raise KernelError(f"{what}: shape {array.shape}, expected (frames, {channels})")
    return array


def _pointer(array: np.ndarray):
    return ffi.from_buffer("float *", array)


def pointer(array: np.ndarray, values: int, what: str, dtype: type = np.float32):
    """A float pointer to exactly `values` contiguous values of `dtype`, for C that trusts its caller; else KernelError."""
    if array.size != values or array.dtype != dtype or not array.flags.c_contiguous:
        raise KernelError(f"{what}: {array.dtype} {array.shape}, expected {values} contiguous {np.dtype(dtype)}")
    return _pointer(array)


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
        frames = _floats(frames, self.channels, "ring")
        return int(lib.ap_ring_write(self.pointer, _pointer(frames), frames.size // self.channels))

    def write_silence(self, frames: int) -> int:
        """Writer: append up to `frames` of silence; return the number written."""
        return int(lib.ap_ring_write(self.pointer, ffi.NULL, frames))

    def read(self, frames: int) -> np.ndarray:
        """Reader: take up to `frames`; a new array of (frames taken, channels)."""
        out = np.empty((min(frames, self.readable), self.channels), np.float32)
        return out[: int(lib.ap_ring_read(self.pointer, _pointer(out), len(out)))]

    def peek(self, frames: int) -> np.ndarray:
        """Reader: copy up to `frames` and stay."""
        out = np.empty((min(frames, self.readable), self.channels), np.float32)
        return out[: int(lib.ap_ring_peek(self.pointer, _pointer(out), len(out)))]

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


class Resampler:
    """Streaming resampler between two whole-number rates, 8000..192000 Hz, interleaved float32.

    Linear phase: output frame m is the input at time (m - delay_frames) / rate_out exactly. Any cut into blocks gives
    the same output bit for bit. Flat within 0.001 dB to 0.907 of the lower Nyquist, images and aliases below -100 dB. One
    thread at a time. Equal rates copy, with no delay.
    """

    def __init__(self, rate_in: int, rate_out: int, channels: int = 1, delay_frames_min: int = 0):
        self.rate_in, self.rate_out, self.channels = rate_in, rate_out, channels
        what = f"resampler {rate_in} -> {rate_out} Hz, {channels} channels"
        config = ffi.new("ap_resample_config *", {"rate_in": rate_in, "rate_out": rate_out, "channels": channels,
                                                  "delay_frames_min": delay_frames_min})
        self._memory = allocate(lib.ap_resample_sizeof(config), what)
        self.pointer = ffi.cast("ap_resample *", ffi.from_buffer(self._memory))
        check(lib.ap_resample_init(self.pointer, self._memory.size, config), what)
        self.delay_frames = int(lib.ap_resample_delay_frames(self.pointer))
        """Output frames."""
        self.taps = int(lib.ap_resample_taps(self.pointer))
        """Input frames each output frame is made of."""
        self._process, self._from_buffer = lib.ap_resample_process, ffi.from_buffer
        self._room(1024)

    def _room(self, frames_in: int) -> None:
        """Make the output buffer large enough for any call with up to `frames_in` input frames."""
        self._frames_in = frames_in
        self._out = np.empty((frames_in * self.rate_out // self.rate_in + 2, self.channels), np.float32)
        self._mono, self._out_pointer = self._out[:, 0], _pointer(self._out)

    def ready(self, frames_in: int) -> int:
        """Output frames that the next `frames_in` input frames will give."""
        return int(lib.ap_resample_ready(self.pointer, frames_in))

    def process(self, frames: np.ndarray) -> np.ndarray:
        """Take all of `frames`, give all that is ready: (n,) for 1-D mono input, else (n, channels).

        The result is a view of memory that the next call overwrites; copy it to keep it.
        """
        frames = _floats(frames, self.channels, "resampler")
        count = frames.size // self.channels
        if count > self._frames_in:
            self._room(count)
        done = self._process(self.pointer, self._from_buffer("float *", frames), count, self._out_pointer, len(self._out))
        return self._mono[:done] if frames.ndim == 1 else self._out[:done]

    def reset(self) -> None:
        """Back to silence."""
        lib.ap_resample_reset(self.pointer)


class Fft:
    """Fourier transforms of real frames of one even length 2^a 3^b 5^c (ap_fft.h). One thread at a time.

    Within 3e-7 of the largest value. About 2 us for 960 frames, 18 for 8192.
    """

    def __init__(self, frames: int):
        self.frames = frames
        what = f"transform of {frames} frames"
        self._memory = allocate(lib.ap_fft_sizeof(frames), what)
        self._fft = ffi.cast("ap_fft *", ffi.from_buffer(self._memory))
        check(lib.ap_fft_init(self._fft, self._memory.size, frames), what)

    def forward(self, frames: np.ndarray, out: np.ndarray) -> None:
        """Write into `out` (frames / 2 + 1,) complex64 the transform of (frames,) float32; as numpy.fft.rfft."""
        lib.ap_fft_forward(self._fft, *self._pointers(frames, out))

    def inverse(self, lines: np.ndarray, out: np.ndarray) -> None:
        """Write into `out` (frames,) float32 what has the transform `lines` (frames / 2 + 1,) complex64; as irfft."""
        frames, lines = self._pointers(out, lines)
        lib.ap_fft_inverse(self._fft, lines, frames)

    def _pointers(self, frames: np.ndarray, lines: np.ndarray) -> tuple:
        what = f"transform of {self.frames} frames"
        return pointer(frames, self.frames, what), pointer(lines, self.frames // 2 + 1, what, np.complex64)


class Spectrum:
    """Magnitudes of windowed frames, or logs of bands of them (ap_spectrum.h). One thread at a time.

    `window` (frames,) is followed by zeros up to `points`. `bands`: for each its first line and its lines' weights,
    [(first, (lines,)), ...]; of each is given `offset` + `gain` x natural log(weighted sum + `floor`).
    """

    def __init__(self, window: np.ndarray, points: int, bands: list[tuple[int, np.ndarray]] | None = None,
                 floor: float = 0.0, gain: float = 1.0, offset: float = 0.0):
        self.frames = len(window)
        first, weights = zip(*bands, strict=True) if bands else ((), ())
        arrays = {
            "window": ffi.from_buffer("float *", np.ascontiguousarray(window, np.float32)),
            "first": ffi.from_buffer("uint32_t *", np.array(first, np.uint32)),
            "count": ffi.from_buffer("uint32_t *", np.array([len(w) for w in weights], np.uint32)),
            "weights": ffi.from_buffer("float *", np.concatenate([*weights, []]).astype(np.float32)),
        }
        config = ffi.new("ap_spectrum_config *", {"frames": self.frames, "points": points, "bands": len(first), "floor": floor,
                                                  "gain": gain, "offset": offset, **arrays})
        what = f"spectrum of {self.frames} frames, {points} points, {len(first)} bands"
        self._memory = allocate(lib.ap_spectrum_sizeof(config), what)
        self._spectrum = ffi.cast("ap_spectrum *", ffi.from_buffer(self._memory))
        check(lib.ap_spectrum_init(self._spectrum, self._memory.size, config), what)
        self.width = int(lib.ap_spectrum_width(self._spectrum))
        """Values of one spectrum: bands, or points / 2 + 1."""

    def process(self, frames: np.ndarray, out: np.ndarray, hop: int = 0) -> None:
        """Fill `out` (count, width), or (width,), float32: windows `hop` frames apart, the first at the first of `frames`."""
        count = out.size // self.width
        if hop < 0 or (count - 1) * hop + self.frames > frames.size:
            raise KernelError(f"spectrum: {frames.shape} frames, hop {hop}, for {out.shape}")
        data = pointer(frames, frames.size, "spectrum")
        lib.ap_spectrum_process(self._spectrum, data, hop, count, pointer(out, count * self.width, "spectrum"))


class Voice:
    """Sound of a hop from what the decoder's network says: harmonics and shaped noise (ap_voice.h). One thread at a time.

    About 30 us a hop.
    """

    def __init__(self, seed: int = 0):
        self._memory = allocate(lib.ap_voice_sizeof(), "voice")
        self._voice = ffi.cast("ap_voice *", ffi.from_buffer(self._memory))
        check(lib.ap_voice_init(self._voice, self._memory.size), "voice")
        self._state = lib.ap_voice_state_of(self._voice)
        self.seed(seed)

    @property
    def level_db(self) -> float:
        """Level of the last hop."""
        return self._state.level_db

    def process(self, raw: np.ndarray, first: float, last: float, level_db: float, sounding: bool, out: np.ndarray,
                noise: np.ndarray | None = None) -> None:
        """Write `out` (960,) float32 from `raw` (2, 193), two pitches in MIDI semitones (0 unvoiced) and the level to go to.

        `noise` (2, 481) complex64, spectra of 960 frames of unit deviation, replaces the generator's.
        """
        spectra = ffi.NULL if noise is None else pointer(noise, 2 * lib.AP_VOICE_LINES, "voice", np.complex64)
        data, made = pointer(raw, 2 * lib.AP_VOICE_RAW, "voice"), pointer(out, 2 * lib.AP_VOICE_FRAME, "voice")
        lib.ap_voice_process(self._voice, data, first, last, level_db, sounding, spectra, made)

    def reset(self) -> None:
        """Silence; the noise generator stays where it is."""
        lib.ap_voice_reset(self._voice)

    def seed(self, seed: int) -> None:
        """Start the noise anew."""
        lib.ap_voice_seed(self._voice, seed & 0xFFFFFFFFFFFFFFFF)

    def state(self) -> bytes:
        """A copy of all that is remembered."""
        return bytes(ffi.buffer(self._state))

    def set_state(self, state: bytes) -> None:
        """Go on from a copy."""
        ffi.buffer(self._state)[:] = state


class Trellis:
    """The best path through (note, age), hop by hop (ap_trellis.h). One thread at a time; about 2 us a hop of 77 notes.

    `costs` are the fields of ap_trellis_config: weight, doubt, enter, rest, repeat, late, onset_floor, repeat_floor, trust.
    """

    def __init__(self, notes: int, ages: int, back: int, **costs: float):
        self._notes, self._back = notes, back
        config = ffi.new("ap_trellis_config *", {"notes": notes, "ages": ages, "back": back, **costs})
        what = f"trellis of {notes} notes, {ages} ages, {back} hops back"
        self._memory = allocate(lib.ap_trellis_sizeof(config), what)
        self._trellis = ffi.cast("ap_trellis *", ffi.from_buffer(self._memory))
        check(lib.ap_trellis_init(self._trellis, self._memory.size, config), what)
        self._entered = ffi.new("int32_t *")

    def process(self, post: np.ndarray, onset: float) -> None:
        """Take the next hop: probabilities (notes,), and that of an onset."""
        if len(post) != self._notes:
            raise KernelError(f"trellis: {len(post)} probabilities, expected {self._notes}")
        lib.ap_trellis_process(self._trellis, _pointer(_floats(post, 1, "trellis")), onset)

    def trace(self, back: int) -> tuple[int, bool]:
        """The note of the best path `back` hops before the newest, and whether it began there."""
        if not 0 <= back <= self._back:
            raise KernelError(f"trellis: {back} hops back, expected 0 .. {self._back}")
        return lib.ap_trellis_trace(self._trellis, back, self._entered), self._entered[0] != 0

    def reset(self) -> None:
        """In a rest, and nothing before it."""
        lib.ap_trellis_reset(self._trellis)

    def state(self) -> bytes:
        """A copy of all that is remembered."""
        return self._memory.tobytes()

    def set_state(self, state: bytes) -> None:
        """Go on from a copy."""
        self._memory[:] = np.frombuffer(state, np.uint8)


class Block:
    """What a driver calls once a block: `ap_block` bound to a segment. See ap_block.h for what it does.

    `pointer` is the user data for `lib.ap_portaudio`. The object and the segment's memory must outlive the stream.
    """

    def __init__(self, segment, slice_frames: int = 1024, fade_frames: int = 240, dry_gain: float = 1.0,
                 voice_gain: float = 1.0, master_gain: float = 1.0, ceiling: float = 1.0, release_frames: float = 4800.0):
        config = ffi.new("ap_block_config *", {
            "slice_frames": slice_frames, "fade_frames": fade_frames, "dry_gain": dry_gain, "voice_gain": voice_gain,
            "master_gain": master_gain, "ceiling": ceiling, "release_frames": release_frames})
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
            frames_in = _floats(frames_in, self.in_channels, "block input")
            if frames_in.size != frames * self.in_channels:
                raise KernelError(f"block: {frames_in.size // self.in_channels} frames in, {frames} frames out")
        if out.dtype != np.float32 or not out.flags.c_contiguous:
            raise KernelError("block: out must be contiguous float32")
        data = ffi.NULL if frames_in is None else _pointer(frames_in)
        lib.ap_block_process(self.pointer, data, _pointer(out), frames, flags)
        return out

    def reset(self) -> None:
        """Voice silent, ramps arrived, limiter and meters at rest. While no callback runs."""
        lib.ap_block_reset(self.pointer)
