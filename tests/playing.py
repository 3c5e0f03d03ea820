"""What the tests of flow, faults and device share: engines that need no model, and sounds to feed them."""

from __future__ import annotations

import contextlib
import time

import numpy as np

from antiphon.audio.dummy import DummyDriver
from antiphon.engine import Engine, EngineConfig
from antiphon.kernels import lib
from antiphon.layout import PLAYING
from antiphon.model.worker import as_kept


@contextlib.contextmanager
def freewheel(bundle: str = "through", samplerate: int = 48_000, blocksize: int = 128, channels: int = 1, **settings):
    """A started engine on freewheel; the performer's own sound is off unless `values` says otherwise."""
    values = {"dry": -80.0, **settings.pop("values", {})}
    engine = Engine(
        EngineConfig(
            driver="freewheel",
            bundle=bundle,
            samplerate=samplerate,
            blocksize=blocksize,
            in_channels=channels,
            out_channels=channels,
            values=values,
            **settings,
        )
    )
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def tone(frames: int, samplerate: int = 48_000, hz: float = 441.0, level: float = 0.3) -> np.ndarray:
    """A sine, (frames, 1) float32 of 24 bits, as the model hears."""
    return as_kept(level * np.sin(2 * np.pi * hz * np.arange(frames) / samplerate))[:, None]


def noise(frames: int, seed: int = 3, level: float = 0.2) -> np.ndarray:
    """White noise, (frames, 1) float32 of 24 bits."""
    return as_kept(level * np.random.default_rng(seed).uniform(-1, 1, (frames, 1)))


def phrase_then_silence(samplerate: int = 48_000, sung_s: float = 1.0, silent_s: float = 2.0) -> np.ndarray:
    """Half a second of a quiet room, a sung second, and the room again."""
    room = noise(round((0.5 + sung_s + silent_s) * samplerate), seed=5, level=1e-4)
    at, sung = round(0.5 * samplerate), round(sung_s * samplerate)
    room[at : at + sung] += tone(sung, samplerate)
    return room


class Gate:
    """Holds the dummy clock back while the model has a hop to do, so that only injected faults make it late.

    It opens by itself where there is no model, or one that makes no step: a test of a dead worker must go on.
    """

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def __call__(self) -> None:
        engine = self.engine
        until = time.monotonic() + 0.5
        while engine is not None and engine.segment is not None and time.monotonic() < until:
            status = engine.segment.read_status()
            worker_pid = lib.ap_segment_worker_pid(engine.segment.pointer)
            if (
                not worker_pid
                or status["phase"] != PLAYING
                or lib.ap_ring_readable(engine.segment.mic) < engine.timeline.hop_frames
            ):
                return
            time.sleep(0.0002)


@contextlib.contextmanager
def two_processes(
    bundle: str = "through",
    sound: np.ndarray | None = None,
    samplerate: int = 48_000,
    blocksize: int = 128,
    gated: bool = True,
    **settings,
):
    """A started engine on the dummy clock with its model in another process; what it puts out is recorded."""
    gate = Gate()
    driver = DummyDriver(
        samplerate, blocksize, source=sound, record=True, gate=gate if gated else None, **settings.pop("driver", {})
    )
    engine = Engine(EngineConfig(driver_instance=driver, bundle=bundle, **settings))
    gate.engine = engine
    try:
        engine.start()
        yield engine
    finally:
        gate.engine = None
        engine.stop(fade=False)


def wait_for(what, seconds: float = 20.0, why: str = "") -> None:
    """Wait until `what()` is true; a test that waits in vain fails, however slow the machine."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"waited {seconds} s in vain {why}"
        time.sleep(0.01)
