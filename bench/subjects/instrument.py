"""Antiphon itself: its dry path, through device process, C block, mixer and limiter.

The gain comes over OSC to its own control thread, and is a ramp of 20 ms, as it is played.
"""

from __future__ import annotations

import asyncio
import threading

import adapter
import numpy as np

from antiphon.control.desk import Desk
from antiphon.control.network import Network
from antiphon.engine import Engine, EngineConfig
from antiphon.errors import AntiphonError
from antiphon.params import REGISTRY
from antiphon.trace import TraceLog


class Control:
    """The engine's OSC server, on a loop in a thread of its own, as `antiphon play` has it in its main thread."""

    def __init__(self, engine: Engine):
        self._network = Network(Desk(REGISTRY, engine.apply, engine.values))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._network.open(port=0, tcp=False, oscquery=False, announce=False))
        self.port = self._network.address[1]

    def close(self) -> None:
        self._do(self._network.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _do(self, what) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)


class Spacing:
    """What the callback's trace says since the last time it was asked."""

    def __init__(self, log: TraceLog):
        self._log, self._told = log, 0

    def __call__(self) -> list[float]:
        spacing = self._log.blocks[self._told :, 0]
        self._told += len(spacing)
        return np.round(spacing[spacing > 0].astype(np.float64), 1).tolist()


def counts(engine: Engine) -> dict:
    status = engine.status()
    return {"blocks": status.blocks, "xruns": status.xruns, "late": status.late, "restarts": status.restarts}


def main() -> None:
    adapter.begin()
    _, (heard, played) = adapter.sounddevice()
    engine = Engine(EngineConfig(driver="portaudio", input=heard, output=played, in_channels=1, out_channels=1, bundle="through",
                                 values={"dry": 0.0, "voice": -80.0}))  # fmt: skip
    try:
        engine.start()
        control = Control(engine)
        with TraceLog(engine) as log:
            osc = {"osc": control.port, "address": "/antiphon/dry", "unit": "dB"}
            adapter.serve("antiphon", engine.latency().dry_frames, counts=lambda: counts(engine), spacing=Spacing(log), control=osc)
        control.close()
    except AntiphonError as error:
        adapter.skip(str(error))
    finally:
        engine.stop(fade=False)


if __name__ == "__main__":
    main()
