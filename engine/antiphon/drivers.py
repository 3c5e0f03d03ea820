"""Which driver a configuration means."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .audio.driver import Driver, Format
from .audio.dummy import DummyDriver
from .audio.freewheel import FreewheelDriver
from .audio.phrase import hummed_phrase
from .audio.portaudio import PortAudioDriver
from .audio.stream import Wanted
from .block import require_blocksize
from .errors import DeviceError, UsageError, did_you_mean
from .kernels import lib
from .latency import DEFAULT_LEAD_S, LEAD_MAX_S
from .params import REGISTRY

DRIVERS = ("auto", "portaudio", "dummy", "freewheel")
SILENCE = "silence"
_RATE = 48_000


def make_driver(config) -> tuple[Driver, Format, str]:
    """Make and open the driver that an EngineConfig asks for; with a line to show where it is second choice.

    "auto" takes files to the dummy driver, and falls back to it where PortAudio or any device is missing.
    Raises UsageError, and DeviceError for a driver or a device asked for by name.
    """
    require_blocksize(config.blocksize)
    _require_times(config)
    if config.driver_instance is not None:
        return _opened(config.driver_instance)
    if config.driver not in DRIVERS:
        raise UsageError(
            f"no driver {config.driver!r}; there is {', '.join(DRIVERS)}{did_you_mean(config.driver, DRIVERS)}"
        )
    if config.driver == "freewheel":
        return _opened(
            FreewheelDriver(
                config.samplerate or _RATE, config.blocksize, config.in_channels or 1, config.out_channels or 1
            )
        )
    if config.driver == "dummy" or (config.driver == "auto" and _is_sound(config.input)):
        return _opened(_dummy(config))
    for what, given in (("input", config.input), ("output", config.output)):
        if _is_sound(given):
            raise UsageError(f"{what} {str(given)!r} is a file, and driver portaudio plays devices; use --driver dummy")
    driver = _portaudio(config)
    try:
        return driver, driver.open(), ""
    except DeviceError as error:
        if config.driver == "portaudio" or config.input is not None or config.output is not None:
            raise  # what was asked for by name is not replaced by something else
        return _opened(_dummy(config), f"{error}; playing the built-in hummed phrase without a device")


def _require_times(config) -> None:
    """Refuse a rate or a lead that nothing can run at, before memory is taken for it."""
    rate, lead_s = config.samplerate, config.lead_s
    if rate is not None and not lib.AP_RATE_MIN <= rate <= lib.AP_RATE_MAX:
        raise UsageError(f"samplerate {rate} Hz: expected {lib.AP_RATE_MIN} .. {lib.AP_RATE_MAX}")
    if lead_s is not None and not 0.0 <= lead_s <= LEAD_MAX_S:
        raise UsageError(f"lead {lead_s:g} s: expected 0 .. {LEAD_MAX_S:g}; {DEFAULT_LEAD_S:g} is usual")


def _opened(driver: Driver, notice: str = "") -> tuple[Driver, Format, str]:
    return driver, driver.open(), notice


def _portaudio(config) -> PortAudioDriver:
    wanted = Wanted(
        config.input, config.output, config.samplerate, config.blocksize, config.in_channels, config.out_channels
    )
    return PortAudioDriver(wanted, config.loop_frames)


def _dummy(config) -> DummyDriver:
    source, rate, name, loop = _source(config)
    return DummyDriver(
        rate,
        config.blocksize,
        in_channels=config.in_channels or 1,
        out_channels=config.out_channels or 2,
        source=source,
        loop=loop,
        tail_s=_tail_s(config.values),
        seconds=config.seconds,
        input_name=name,
        **_sink(config.output, rate, config.out_channels or 2, config.input, config.bundle),
    )


def _tail_s(given: dict) -> float:
    """Give the time after the end of a file in which it is answered: the gap that ends its phrase, the answer, a second more."""
    values = REGISTRY.defaults() | given
    answer_s = 0.0 if values["mode"] == "listen" else values["phrase_gap_s"] + values["answer_s"]
    return answer_s + 1.0


def _source(config) -> tuple[np.ndarray | None, int, str, bool]:
    """Give sound, its rate, its name, and whether it repeats."""
    wanted = config.input
    if isinstance(wanted, np.ndarray):
        return wanted, config.samplerate or _RATE, "array", config.loop
    if isinstance(wanted, str) and wanted == SILENCE:
        return None, config.samplerate or _RATE, SILENCE, True
    if _is_sound(wanted):
        from .audiofile import read

        recording = read(wanted)
        if config.samplerate and config.samplerate != recording.samplerate:
            raise UsageError(
                f"{wanted}: has {recording.samplerate} Hz, the engine was asked for {config.samplerate}; leave the "
                "rate out, the dummy driver takes the file's"
            )
        return recording.sound, recording.samplerate, str(wanted), config.loop
    rate = config.samplerate or _RATE
    return hummed_phrase(rate), rate, "hummed phrase", True


def _sink(output, rate: int, channels: int, source, bundle: str) -> dict:
    if output is None:
        return {}
    from .audiofile import Writer
    from .provenance.credentials import disclosure

    is_file = isinstance(source, str | Path) and Path(source).is_file()
    writer = Writer(output, rate, channels, keep=source if is_file else None, tags=disclosure({"kind": "mix", "bundle": bundle}))
    return {"sink": writer.write, "close_sink": writer.close, "output_name": str(output)}


def _is_sound(wanted) -> bool:
    """Tell a file or an array from the name of a device: it is there, or it looks like a path."""
    if isinstance(wanted, np.ndarray | Path):
        return True
    return isinstance(wanted, str) and (
        wanted == SILENCE or Path(wanted).is_file() or Path(wanted).suffix.lower() in (".wav", ".flac", ".ogg", ".mp3")
    )
