"""What an engine is told before sound starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .audio.driver import Driver
from .provenance.mark import Payload


@dataclass(frozen=True)
class EngineConfig:
    """What is settled before sound starts. Rows of the parameter table go into `values`, by path.

    driver      auto (portaudio, or the dummy where there is no device), portaudio, dummy, freewheel
    input       device name, part of one or index (portaudio); file, "silence", array (dummy);
                None: the default device, or the hummed phrase
    output      device (portaudio); file to write (dummy); None: default, or nothing
    samplerate  Hz; None: the device's, the file's or 48000
    in_channels, out_channels   None: at most two of the device's, the file's, or one in and two out
    mic_channel the input channel that the model hears, from 0; None: the mean of all
    bundle      name or folder of a bundle; "echo" and "through" need none
    lead_s      what the model has for its step beyond one block; None: 6 ms at first, and more where steps are late
    seconds     stop being unfinished after this long (dummy)
    loop        repeat an input file (dummy); the hummed phrase is always repeated
    loop_frames round trip of the device in frames, measured through a cable
    take        folder of a take that begins with the first frame of sound
    person      who performs and what they agreed to: {"performer": ..., "consent": ...}
    payload     what the mark says from the start; None: a take drawn by chance, and the time; nothing of either on
                freewheel, where the same input gives the same bytes
    realtime    ask for realtime scheduling of the model process
    late        a fault to inject: "EVERY:FRAMES" makes each EVERYth step take FRAMES beyond a hop and a block
    driver_instance   a driver made by the caller; the above about devices is then unused
    """

    driver: str = "auto"
    input: str | int | Path | np.ndarray | None = None
    output: str | int | Path | None = None
    samplerate: int | None = None
    blocksize: int = 128
    in_channels: int | None = None
    out_channels: int | None = None
    mic_channel: int | None = None
    bundle: str = "hum"
    seed: int | None = None
    lead_s: float | None = None
    seconds: float | None = None
    loop: bool = False
    loop_frames: float | None = None
    take: Path | None = None
    person: dict | None = None
    payload: Payload | None = None
    realtime: bool = True
    late: str = ""
    values: dict = field(default_factory=dict)
    driver_instance: Driver | None = None
