"""A real device through PortAudio: the C callback is handed to sounddevice, so no block ever meets Python."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..errors import DeviceError
from .devices import Device, choose, list_devices, load_sounddevice, refresh
from .driver import Block, DeviceFrames, Format

_COMMON_RATES = (48_000, 44_100, 96_000, 32_000, 24_000, 16_000, 88_200, 192_000)
_STALL_S = 0.4
NO_INPUT = "none"


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


class PortAudioDriver:
    """One duplex stream. After a loss, `stop`, `open` and `start` again: see `lost` and `reopen`.

    `loop_frames` is the device's round trip where it was measured through a cable (bench/round_trip.py); it replaces
    what the device says about itself, which drivers are known to get wrong.
    """

    name = "portaudio"
    finished = False

    def __init__(self, wanted: Wanted, loop_frames: float | None = None):
        self.wanted = wanted
        self._loop_frames = loop_frames
        self._stream = None
        self._format: Format | None = None
        self._devices: tuple[Device | None, Device] | None = None
        self._seen_blocks, self._seen_at = -1, 0.0
        self.input_name = self.output_name = ""

    def open(self) -> Format:
        """Find the devices and a rate both can run at. Raises DeviceError with candidates."""
        sounddevice = load_sounddevice()
        self._find(list_devices(sounddevice), self.wanted)
        self._settle(sounddevice)
        return self._format

    def reopen(self, fall_back: bool) -> Format:
        """Look for the devices anew after a loss; with `fall_back` the system's defaults will do.

        Keeps the samplerate and the channels it had where the device allows. Raises DeviceError while there is none.
        """
        self.stop()
        sounddevice = load_sounddevice()
        refresh(sounddevice)
        devices = list_devices(sounddevice)
        try:
            self._find(devices, self.wanted)
        except DeviceError:
            if not fall_back:
                raise
            self._find(devices, Wanted())
        self._settle(sounddevice, self._format)
        return self._format

    def start(self, block: Block) -> None:
        sounddevice = load_sounddevice()
        ffi, settled = sounddevice._ffi, self._format
        source, sink = self._devices
        arguments = dict(
            samplerate=settled.samplerate, blocksize=settled.blocksize, dtype="float32", latency=self.wanted.latency,
            callback=block.callback, userdata=ffi.cast("void *", block.userdata),
            clip_off=True, dither_off=True,
        )
        try:
            if source is None:
                stream = sounddevice._StreamBase(kind="output", device=sink.index, channels=settled.out_channels, **arguments)
            else:
                stream = sounddevice._StreamBase(kind="duplex", device=(source.index, sink.index),
                                                 channels=(settled.in_channels, settled.out_channels), **arguments)
            self._stream = stream
            stream.start()
        except Exception as error:  # PortAudioError, and ValueError for values PortAudio cannot take
            self.stop()
            raise DeviceError(f"device {self.output_name!r} does not start: {error}; is another program holding it?") from error
        self._seen_blocks, self._seen_at = -1, time.monotonic()

    def stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        for let_go in (stream.abort, stream.close):
            try:
                let_go(ignore_errors=True)
            except Exception:  # a device that is gone cannot be asked politely; it is gone either way
                pass

    def lost(self, blocks: int) -> str | None:
        """Notice a stream that ended, or one that says it is active and calls nobody for `_STALL_S` or four blocks."""
        if self._stream is None:
            return "the stream is closed"
        try:
            active = self._stream.active
        except Exception as error:
            return f"the device cannot be asked: {error}"
        if not active:
            return f"device {self.output_name!r} ended the stream"
        now = time.monotonic()
        if blocks != self._seen_blocks:
            self._seen_blocks, self._seen_at = blocks, now
        elif now - self._seen_at > max(_STALL_S, 4 * self._format.blocksize / self._format.samplerate):
            return f"device {self.output_name!r} has called for no block in {now - self._seen_at:.1f} s"
        return None

    def device_frames(self) -> DeviceFrames:
        if self._loop_frames is not None:
            return DeviceFrames(self._loop_frames / 2, self._loop_frames / 2, "measured")
        if self._stream is None:
            return DeviceFrames()
        latency = self._stream.latency
        before, after = latency if isinstance(latency, tuple) else (0.0, latency)
        return DeviceFrames(round(before * self._format.samplerate), round(after * self._format.samplerate), "reported")

    def _find(self, devices: list[Device], wanted: Wanted) -> None:
        source = None if wanted.input == NO_INPUT else choose(devices, wanted.input, "input")
        sink = choose(devices, wanted.output, "output")
        if source and source.host != sink.host:
            raise DeviceError(f"input {source} and output {sink} belong to different systems; choose two of one")
        self._devices = source, sink
        self.input_name, self.output_name = source.name if source else "none", sink.name

    def _settle(self, sounddevice, before: Format | None = None) -> None:
        source, sink = self._devices
        in_channels = _channels(self.wanted.in_channels, before and before.in_channels, source, "in")
        out_channels = _channels(self.wanted.out_channels, before and before.out_channels, sink, "out")
        if self.wanted.samplerate:
            rates = [self.wanted.samplerate]
        else:
            own = [sink.samplerate, *([source.samplerate] if source else [])]
            rates = list(dict.fromkeys([*([before.samplerate] if before else []), *own, *_COMMON_RATES]))
        refusal = None
        for rate in rates:
            try:
                sounddevice.check_output_settings(sink.index, out_channels, "float32", samplerate=rate)
                if source:
                    sounddevice.check_input_settings(source.index, in_channels, "float32", samplerate=rate)
            except Exception as error:
                refusal = refusal or error
                continue
            self._format = Format(rate, self.wanted.blocksize, in_channels, out_channels)
            return
        asked = f"{self.wanted.samplerate} Hz" if self.wanted.samplerate else "any common rate"
        raise DeviceError(f"{self.input_name!r} and {self.output_name!r} do not run at {asked} with {in_channels} in and "
                          f"{out_channels} out ({refusal}); the device's own rate is {sink.samplerate} Hz")


def _channels(wanted: int | None, before: int | None, device: Device | None, way: str) -> int:
    """Take what was asked for, what there was, or at most two."""
    if device is None:
        return 1
    most = device.in_channels if way == "in" else device.out_channels
    if wanted and wanted > most:
        raise DeviceError(f"device {device} has no {wanted} channels {way}; it has {most}")
    return wanted or min(before or 2, most)
