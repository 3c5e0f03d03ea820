"""A PortAudio stream whose callback is C: opened, asked, closed. Lives in the device process (device_main)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from ..errors import DeviceError
from ..kernels import ffi, lib
from .devices import Device, choose, list_devices, load_sounddevice
from .driver import Format

_COMMON_RATES = (48_000, 44_100, 96_000, 32_000, 24_000, 16_000, 88_200, 192_000)
_JACK = "JACK Audio Connection Kit"
NO_INPUT = "none"
_PRIORITY = 60  # the model has 10


@dataclass(frozen=True)
class Wanted:
    """What the performer asked for; None leaves it to the device."""

    input: str | int | None = None
    output: str | int | None = None
    samplerate: int | None = None
    blocksize: int = 128
    in_channels: int | None = None
    out_channels: int | None = None
    latency: float | str = "low"


class DeviceStream:
    """One stream on one pair of devices. One thread at a time."""

    def __init__(self, wanted: Wanted):
        """Find the devices and a rate, a block and channels that both take. Raises DeviceError with candidates."""
        self.wanted = wanted
        self._sounddevice = load_sounddevice()
        devices = list_devices(self._sounddevice)
        self.source = None if wanted.input == NO_INPUT else choose(devices, wanted.input, "input")
        self.sink = choose(devices, wanted.output, "output")
        if self.source and self.source.host != self.sink.host:
            raise DeviceError(
                f"input {self.source} and output {self.sink} belong to different systems; choose two of one"
            )
        self._stream = None
        self.format = self._settle()

    def start(self, callback, userdata) -> tuple[int, int]:
        """Let the device call `callback` (C function pointer) and return what it says its latencies are, in frames."""
        self._stream = self._open(self.format, callback, userdata)
        try:
            with nullcontext() if self.sink.host == _JACK else _going_first():  # JACK's server gives its clients what it has
                self._stream.start()
        except Exception as error:
            raise DeviceError(f"device {self.sink.name!r} does not start: {error}") from error
        latency, rate = self._stream.latency, self.format.samplerate
        before, after = latency if isinstance(latency, tuple) else (0.0, latency)
        return round(before * rate), round(after * rate)

    @property
    def active(self) -> bool:
        """Whether the device still calls."""
        try:
            return bool(self._stream.active)
        except Exception:  # a stream that cannot be asked is gone
            return False

    def stop(self) -> None:
        """Stop calling and close. PortAudio may hang here when the device is gone: see device_main."""
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def _open(self, settled: Format, callback, userdata):
        # PortAudio puts a buffer of one block between JACK and a stream with a blocksize of its own, even where the two
        # are equal: 256 frames round trip instead of 128, measured. With 0 it hands JACK's blocks over as they are.
        blocksize = 0 if self.sink.host == _JACK else settled.blocksize
        arguments = dict(
            samplerate=settled.samplerate,
            blocksize=blocksize,
            dtype="float32",
            latency=self.wanted.latency,
            callback=callback,
            userdata=self._sounddevice._ffi.cast("void *", userdata),
            clip_off=True,
            dither_off=True,
        )
        try:
            if self.source is None:
                return self._sounddevice._StreamBase(
                    kind="output", device=self.sink.index, channels=settled.out_channels, **arguments
                )
            return self._sounddevice._StreamBase(
                kind="duplex",
                device=(self.source.index, self.sink.index),
                channels=(settled.in_channels, settled.out_channels),
                **arguments,
            )
        except Exception as error:  # PortAudioError, and ValueError for values PortAudio cannot take
            raise DeviceError(
                f"device {self.sink.name!r} does not open: {error}; is another program holding it?"
            ) from error

    def _settle(self) -> Format:
        source, sink, wanted = self.source, self.sink, self.wanted
        in_channels = _channels(wanted.in_channels, source, "in")
        out_channels = _channels(wanted.out_channels, sink, "out")
        own = [sink.samplerate, *([source.samplerate] if source else [])]
        rates = [wanted.samplerate] if wanted.samplerate else list(dict.fromkeys([*own, *_COMMON_RATES]))
        refusal = None
        for rate in rates:
            try:
                self._sounddevice.check_output_settings(sink.index, out_channels, "float32", samplerate=rate)
                if source:
                    self._sounddevice.check_input_settings(source.index, in_channels, "float32", samplerate=rate)
            except Exception as error:
                refusal = refusal or error
                continue
            settled = Format(rate, wanted.blocksize, in_channels, out_channels)
            return self._ask_block(settled) if sink.host == _JACK else settled
        asked = f"{wanted.samplerate} Hz" if wanted.samplerate else "any common rate"
        raise DeviceError(
            f"{sink.name!r} does not run at {asked} with {in_channels} in and {out_channels} out ({refusal}); "
            f"its own rate is {sink.samplerate} Hz"
        )

    def _ask_block(self, settled: Format) -> Format:
        """Find out how many frames JACK hands over: the server decides, and only a callback gets to know."""
        counts = ffi.new("ap_portaudio_counts *", {"out_channels": settled.out_channels})
        stream = self._open(settled, lib.ap_portaudio_empty, counts)
        stream.start()
        until = time.monotonic() + 2.0
        while counts.blocks < 2 and time.monotonic() < until:
            time.sleep(0.005)
        stream.abort()
        stream.close()
        if not counts.blocks:
            raise DeviceError(f"device {self.sink.name!r} opens and calls for no block; is its server running?")
        return Format(settled.samplerate, counts.frames // counts.blocks, settled.in_channels, settled.out_channels)


@contextmanager
def _going_first() -> Iterator[None]:
    """Start threads that have realtime scheduling, where the system allows it; the calling thread is as before afterwards.

    PortAudio's thread for ALSA has an ordinary one else, and the model's process, which has not, would go before it.
    """
    try:
        before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    except AttributeError:  # another system
        yield
        return
    if not any(map(_take_priority, (_PRIORITY, _allowed_priority()))):
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, parameters)


def _take_priority(priority: int) -> bool:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except (OSError, ValueError):
        return False
    return True


def _allowed_priority() -> int:
    """The highest that the limits allow; 0 where they allow none."""
    import resource

    return resource.getrlimit(resource.RLIMIT_RTPRIO)[0] if hasattr(resource, "RLIMIT_RTPRIO") else 0


def _channels(wanted: int | None, device: Device | None, way: str) -> int:
    """Take what was asked for, or at most two."""
    if device is None:
        return 1
    most = device.in_channels if way == "in" else device.out_channels
    if wanted and wanted > most:
        raise DeviceError(f"device {device} has no {wanted} channels {way}; it has {most}")
    return wanted or min(2, most)
