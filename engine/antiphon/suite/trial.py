"""A short run of the engine, looked at block by block and step by step: what `doctor` judges a machine by.

Benchmarks can use it where all they want is the engine as it is, for some seconds, and what it says of itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ..engine import Engine, EngineConfig
from ..errors import AntiphonError
from ..events import Event
from ..latency import Latency
from ..status import Status
from ..trace import TraceLog
from ..units import OFF_DB
from .fitness import goes_first

COUNTS = ("blocks", "xruns", "input_xruns", "output_xruns", "underflows", "underflow_frames", "overflows", "late", "late_heard",
          "steps", "restarts", "device_losses")  # fmt: skip
"""What of a status is counted from the begin to the end of a trial."""
CALLBACK_SHARE_MOST = 0.25
"""Of a block's time that the callback may take: what is left is the driver's, and a buffer against what comes in between."""
SPACING_BLOCKS_MOST = 2.0
"""Blocks' times that may lie between two callbacks: one more, and a device with two buffers has run dry."""


@dataclass(frozen=True)
class Trial:
    """What was seen in `seconds`: blocks (n, 2) float32 of spacing_us and took_us, steps as layout.STEP_FIELDS has them, and what
    was counted. `status` is the engine's at the end; its own counts are since its start, in which a device may stumble."""

    status: Status
    latency: Latency
    seconds: float
    blocks: np.ndarray
    steps: np.ndarray
    counts: dict[str, int]
    host: str = ""
    """The sound system the device belongs to, in PortAudio's words; empty for the dummy."""
    goes_first: bool | None = None
    """Whether the device's callback has realtime scheduling; None for the dummy."""

    @property
    def period_us(self) -> float:
        """What a block lasts."""
        return 1e6 * self.status.blocksize / self.status.samplerate

    @property
    def spacing_us(self) -> np.ndarray:
        """From the begin of a callback to the begin of the next; the device's first has none before it."""
        return self.blocks[self.blocks[:, 0] > 0, 0]

    @property
    def took_us(self) -> np.ndarray:
        """That each callback took, (n,)."""
        return self.blocks[:, 1]

    @property
    def step_share(self) -> np.ndarray:
        """Of a hop that each step took, (n,), 1.0 all of it: those with a voice where there are any, listening costs less."""
        sounding = self.steps["sounding"] > 0
        steps = self.steps[sounding] if sounding.any() else self.steps
        return steps["step_us"] / (self.status.hop_ns / 1000)

    @property
    def on_time(self) -> int:
        """How many of the steps had their voice written before it was due."""
        return int((self.steps["slack_frames"] >= 0).sum())

    @property
    def clean(self) -> bool:
        """Whether blocks came as they should: no xruns, none far too late, none that took long."""
        if self.counts["xruns"] or len(self.blocks) < 2:
            return False
        spacing, took = p999(self.spacing_us), p999(self.took_us)
        return spacing < SPACING_BLOCKS_MOST * self.period_us and took < CALLBACK_SHARE_MOST * self.period_us


def p999(values: np.ndarray) -> float:
    """What one in a thousand reached, 0.0 for none; of fewer than a thousand the worst: a trial is too short to excuse it."""
    return float(np.quantile(values, 0.999, method="higher")) if len(values) else 0.0


def trial(config: EngineConfig, seconds: float, *, settle_s: float = 0.1, trigger_after_s: float | None = None) -> Trial:
    """Start an engine, look at it for `seconds` and stop it; about half a second more, and a second where a model is loaded.

    What happens in the first `settle_s` is not looked at. `trigger_after_s` of the time have passed when it is told to answer.
    Raises DeviceError, UsageError and BundleError as Engine.start does, and AntiphonError where the model does not play.
    """
    engine = Engine(config)
    engine.start()
    try:
        time.sleep(settle_s)
        _require_model(engine)
        with TraceLog(engine) as log:
            before = engine.status()
            if trigger_after_s is not None:
                time.sleep(min(trigger_after_s, seconds))
                _require_model(engine)
                engine.apply(Event("trigger", True, source="trial"))
            time.sleep(max(0.0, seconds - (trigger_after_s or 0.0)))
            after = engine.status()
        counts = {name: getattr(after, name) - getattr(before, name) for name in COUNTS}
        host, pid = getattr(engine.driver, "host", ""), getattr(engine.driver, "pid", None)
        return Trial(after, engine.latency(), seconds, log.blocks, log.steps, counts, host, goes_first(pid) if pid else None)
    finally:
        engine.stop()


def device_trial(seconds: float = 0.7, **config) -> Trial:
    """Run the device with the engine's own block and no model, silently."""
    return trial(EngineConfig(bundle="through", values={"master": OFF_DB}, **config), seconds)


def model_trial(bundle: str, hear_s: float = 1.5, answer_s: float = 2.0, **config) -> Trial:
    """Run the model on a clock without a device: it hears the hummed phrase, then answers it; nothing is heard."""
    values = {"answer_s": 600.0, "yield": False}
    return trial(EngineConfig(driver="dummy", bundle=bundle, values=values, **config), hear_s + answer_s, trigger_after_s=hear_s)


def _require_model(engine: Engine) -> None:
    """Raise AntiphonError with what the model's process said, where it does not play."""
    status = engine.status()
    if status.phase != "playing":
        said = [line for line in status.messages if "model process" in line]
        raise AntiphonError((said or list(status.messages) or ["the model does not play"])[-1])
