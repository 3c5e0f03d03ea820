"""Kernels of signals: Resampler, Fft, Spectrum, Voice, Trellis."""

from __future__ import annotations

import numpy as np

from .native import KernelError, allocate, check, ffi, float_pointer, floats, lib, pointer


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
        self._mono, self._out_pointer = self._out[:, 0], float_pointer(self._out)

    def ready(self, frames_in: int) -> int:
        """Output frames that the next `frames_in` input frames will give."""
        return int(lib.ap_resample_ready(self.pointer, frames_in))

    def process(self, frames: np.ndarray) -> np.ndarray:
        """Take all of `frames`, give all that is ready: (n,) for 1-D mono input, else (n, channels).

        The result is a view of memory that the next call overwrites; copy it to keep it.
        """
        frames = floats(frames, self.channels, "resampler")
        count = frames.size // self.channels
        if count > self._frames_in:
            self._room(count)
        done = self._process(self.pointer, self._from_buffer("float *", frames), count, self._out_pointer, len(self._out))
        return self._mono[:done] if frames.ndim == 1 else self._out[:done]

    def reset(self) -> None:
        """Back to silence."""
        lib.ap_resample_reset(self.pointer)

    def state(self) -> dict:
        """Return all that is remembered, as a value."""
        position, frames = np.zeros(2, np.uint64), np.zeros((self.channels, lib.ap_resample_kept(self.pointer)), np.float32)
        lib.ap_resample_save(self.pointer, ffi.from_buffer("uint64_t *", position), ffi.from_buffer("float *", frames))
        return {"position": position, "frames": frames}

    def set_state(self, state: dict) -> None:
        """Take what `state` returned of one of the same rates and channels; KernelError for anything else."""
        position, frames = (np.ascontiguousarray(state[name], kind) for name, kind in (("position", np.uint64), ("frames", np.float32)))
        if position.shape != (2,) or frames.shape != (self.channels, lib.ap_resample_kept(self.pointer)):
            raise KernelError(f"resampler: a state of {frames.shape} frames is not of {self.rate_in} -> {self.rate_out} Hz")
        check(lib.ap_resample_load(self.pointer, ffi.from_buffer("uint64_t *", position), ffi.from_buffer("float *", frames)), "resampler")


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

    `stroke_ages`: hops of the shortest stroke, which is then the last of the notes; 0: there are no strokes. `costs` are the
    fields of ap_trellis_config: weight, doubt, enter, rest, repeat, stroke, late, onset_floor, repeat_floor, trust.
    """

    def __init__(self, notes: int, ages: int, back: int, stroke_ages: int = 0, **costs: float):
        self._notes, self._back = notes, back
        sizes = {"notes": notes, "ages": ages, "back": back, "stroke_ages": stroke_ages}
        config = ffi.new("ap_trellis_config *", {**sizes, **costs})
        what = f"trellis of {notes} notes, {ages} ages, {back} hops back"
        self._memory = allocate(lib.ap_trellis_sizeof(config), what)
        self._trellis = ffi.cast("ap_trellis *", ffi.from_buffer(self._memory))
        check(lib.ap_trellis_init(self._trellis, self._memory.size, config), what)
        self._entered = ffi.new("int32_t *")

    def process(self, post: np.ndarray, onset: float) -> None:
        """Take the next hop: probabilities (notes,), and that of an onset."""
        if len(post) != self._notes:
            raise KernelError(f"trellis: {len(post)} probabilities, expected {self._notes}")
        lib.ap_trellis_process(self._trellis, float_pointer(floats(post, 1, "trellis")), onset)

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


def tail(sound: np.ndarray, count: int) -> np.ndarray:
    """Carry mono `sound (frames,) float32` on for `count` frames where it was cut off, for a fade to have something to fade (ap_tail.h)."""
    memory, out = ffi.new("ap_tail *"), np.zeros(count, np.float32)
    heard = np.ascontiguousarray(sound[-lib.AP_TAIL_MEMORY :], np.float32)
    lib.ap_tail_reset(memory)
    lib.ap_tail_hear(memory, ffi.from_buffer("float *", heard), len(heard))
    lib.ap_tail_process(memory, ffi.from_buffer("float *", out), count)
    return out
