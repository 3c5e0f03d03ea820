"""The thing that plays: a driver, a segment, a model process, and the events that steer them.

Sound runs in the driver's callback, the model in its own process. What is here runs in Python threads that may be
slow: whoever calls `start`, `apply`, `status` and `stop`, and one supervisor that watches the device and the model.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from .audio.driver import DeviceFrames, Driver, Format
from .audio.freewheel import FreewheelDriver
from .block import BlockSpec
from .clock import FrameClock, frames_to_ms
from .drivers import make_driver
from .errors import AntiphonError, BundleError, DeviceError, UsageError
from .events import Event
from .kernels import Resampler, lib
from .latency import DEFAULT_LEAD_S, MODEL_RATE, Latency, Timeline, latency
from .layout import PLAYING, Segment, SegmentSpec
from .model.lead import LATE_TIMES, LATE_WITHIN_S, most_frames
from .params import REGISTRY
from .status import Status, make_status
from .units import db_to_gain
from .workers import WorkerKeeper, WorkerSpec

_WATCH_S = 0.02
_SHORTEST_LOOK_S = 0.001
_REOPEN_S = 0.2
_FALL_BACK_AFTER = 3  # tries for the device that was lost before the system's default will do
_STOP_FADE_S = 0.03
_PANIC_FADE_S = 0.005
_PUSH_AHEAD_S = 0.1  # block rows reach the callback this long before their frame
_LATER_MOST = 4096
_TARGETS = {
    "dry": lib.AP_TARGET_DRY,
    "voice": lib.AP_TARGET_VOICE,
    "master": lib.AP_TARGET_MASTER,
    "mute": lib.AP_TARGET_MUTE,
}


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
    realtime: bool = True
    late: str = ""
    values: dict = field(default_factory=dict)
    driver_instance: Driver | None = None


class Engine:
    """One instrument. `start`, `stop`, `apply`, `status`, `latency` are for one control thread at a time.

    On freewheel nothing runs by itself: the model lives in this process and `run` moves time on.
    """

    def __init__(self, config: EngineConfig):
        self.config = config
        self.values = REGISTRY.defaults()
        for path, value in config.values.items():
            self.values[path] = REGISTRY.accept(path, value)
        if config.seed is not None:
            self.values["seed"] = REGISTRY.accept("seed", config.seed)
        self._params = np.array(REGISTRY.step_defaults())
        for row in REGISTRY.step_rows:
            if row.kind != "trigger":
                self._params[REGISTRY.step_index(row.path)] = row.encode(self.values[row.path])
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._later: list[tuple[int, int, Event]] = []
        self._order = itertools.count()
        self._notices: list[str] = []
        self._carried: dict[str, float] = {}
        self._last_status: Status | None = None
        self.driver: Driver | None = None
        self.segment: Segment | None = None
        self.keeper: WorkerKeeper | None = None
        self.worker = None  # the model, when it lives in this process (freewheel)
        self._timeline: Timeline | None = None
        self.frame_clock: FrameClock | None = None
        self.format: Format | None = None
        self.device_losses = self.device_reopens = self.commands_dropped = 0
        self.lead_raised = 0
        self._lead_told_ms = 0
        self._device_lost_at: float | None = None
        self.last_gap_s = 0.0
        self._device_frames = DeviceFrames()
        self._resampler_frames = (0.0, 0.0)

    def start(self, wait_s: float = 30.0) -> None:
        """Open the driver, let sound run, start the model; return when the model plays, or after `wait_s`.

        The dry sound is there before the model is. Raises DeviceError, UsageError, and BundleError if the model cannot
        be loaded: then everything is stopped again.
        """
        try:
            self.driver, settled, notice = make_driver(self.config)
            self._notices += [notice] if notice else []
            self._build(settled)
            self._start_sound()
            if isinstance(self.driver, FreewheelDriver):
                self._start_model_here()
                return
            self._thread = threading.Thread(target=self._supervise, name="antiphon-supervisor", daemon=True)
            self._thread.start()
            self._wait_ready(wait_s)
        except BaseException:
            self.stop(fade=False)
            raise

    def stop(self, fade: bool = True) -> None:
        """Fade, stop the clock, end the model process, give everything back. Harmless when called again."""
        if self.segment is None:
            if self.driver:
                self.driver.stop()
            return
        if fade and self._thread and self._device_lost_at is None:
            self._fade_out()
        self._last_status = self.status()  # while the model still speaks for itself
        self._stopping.set()
        if self._thread:
            self._thread.join()
        try:
            self.driver.stop()  # a file that cannot be finished is told from here
        finally:
            self._close()

    def apply(self, event: Event) -> None:
        """Take one accepted event: block rows to the callback, step rows to the model, each at its frame.

        Costs microseconds and never waits. An event for a later frame is kept until then: block rows to the frame,
        step rows to the step that is due then. Raises UsageError where thousands are kept already.
        """
        row = REGISTRY.resolve(event.path)
        with self._lock:
            if self.segment is None:
                raise AntiphonError(f"{event.path}: the engine is not running")
            wait_until = event.time_frame or 0
            if row.target == "block":
                # Not at once: the callback holds few commands, and what is due now (panic, mute) comes after them in its queue.
                wait_until -= round(_PUSH_AHEAD_S * self.timeline.samplerate)
            if wait_until <= self.segment.clock:
                self._apply_now(row, event)
            elif len(self._later) < _LATER_MOST:
                heapq.heappush(self._later, (wait_until, next(self._order), event))
            else:
                raise UsageError(f"{event.path}: {_LATER_MOST} events wait for their time already; send it when it is due")

    def status(self) -> Status:
        """Take one look at everything; after `stop` the last one."""
        with self._lock:
            if self.segment is None:
                if self._last_status is None:
                    raise AntiphonError("the engine was not started")
                return self._last_status
            counters = self.segment.read_counters()
            for name, value in self._carried.items():
                counters[name] += value
            return make_status(self, counters, self.segment.read_status(), tuple(self._notices))

    @property
    def timeline(self) -> Timeline | None:
        """When voice frames are due, as it is now: the model may have raised the lead. None before the driver is open."""
        with self._lock:
            if self.segment is not None:
                self._timeline = self._timeline.with_delay(self.segment.delay_frames)
            return self._timeline

    def latency(self) -> Latency:
        """Give the latency as it is now, a sum of named terms; the engine must have been started."""
        timeline = self.timeline
        if timeline is None:
            raise AntiphonError("the latency is known once the driver is open; start the engine first")
        device = self._device_frames
        return latency(timeline, device.input, device.output, *self._resampler_frames, device.source)

    def run(self, indata: np.ndarray, flags: int = 0) -> np.ndarray:
        """Freewheel: process (frames, in_channels), return (frames, out_channels); the model steps in between."""
        if not isinstance(self.driver, FreewheelDriver):
            raise UsageError(
                f"driver {self.driver and self.driver.name!r} keeps its own time; only freewheel is run by hand"
            )
        return self.driver.run(indata, flags)

    @property
    def lead_ms(self) -> float:
        """The lead as it is now, to a hundredth of a millisecond."""
        timeline = self.timeline
        return round(frames_to_ms(timeline.lead_frames, timeline.samplerate), 2)

    @property
    def lost(self) -> bool:
        """Whether the device is gone at this moment."""
        return self._device_lost_at is not None

    def _build(self, settled: Format) -> None:
        """Make what depends on the device's rate and channels."""
        config = self.config
        mic_channel = self._mic_channel(settled.in_channels)
        timeline = Timeline(settled.samplerate, settled.blocksize, round(self._lead_s() * settled.samplerate))
        spec = SegmentSpec(settled.samplerate, settled.in_channels, settled.out_channels, len(REGISTRY.step_rows))
        segment = Segment.create(spec, timeline, shared=not isinstance(self.driver, FreewheelDriver))
        segment.publish_params(self._params)
        with self._lock:
            self.format, self._timeline, self.segment = settled, timeline, segment
            self._lead_told_ms = self.lead_ms  # rounded to another rate's frames it has not grown
            self.frame_clock = FrameClock(settled.samplerate)
            self._resampler_frames = (
                Resampler(settled.samplerate, MODEL_RATE).delay_frames * settled.samplerate / MODEL_RATE,
                float(Resampler(MODEL_RATE, settled.samplerate).delay_frames),
            )
            if not isinstance(self.driver, FreewheelDriver):
                self.keeper = WorkerKeeper(
                    segment,
                    WorkerSpec(
                        bundle=config.bundle,
                        seed=int(self.values["seed"]),
                        blocksize=settled.blocksize,
                        hop_frames=timeline.hop_frames,
                        samplerate=settled.samplerate,
                        mic_channel=mic_channel,
                        growing_lead=config.lead_s is None,
                        realtime=config.realtime,
                        late=config.late,
                    ),
                )

    def _lead_s(self) -> float:
        """Give the lead to build with: what was learnt on the device before, where there was one."""
        known = self.timeline
        if known is not None:
            return known.lead_frames / known.samplerate
        return DEFAULT_LEAD_S if self.config.lead_s is None else self.config.lead_s

    def _mic_channel(self, channels: int) -> int | None:
        """Give the channel to listen to; all of them where the device that came instead does not have it."""
        wanted = self.config.mic_channel
        if wanted is None or 0 <= wanted < channels:
            return wanted
        line = f"mic channel {wanted + 1}, counted from 1: the input has {channels} channel{'s' * (channels != 1)}"
        if self.segment is None:
            raise UsageError(line)
        self._notice(f"{line}; listening to all of it")
        return None

    def _start_sound(self) -> None:
        """Let the driver run with the gains as they are now."""
        with self._lock:
            gains = {path: db_to_gain(self.values[path]) for path in ("dry", "voice", "master")}
            if self.values["mute"]:
                self.segment.push_command(0, lib.AP_TARGET_MUTE, 0, 1.0)
            spec = BlockSpec(self.segment, self.format.blocksize, **gains)
        self.driver.start(spec)
        self._device_frames = self.driver.device_frames()

    def _start_model_here(self) -> None:
        from .model.worker import Worker
        from .worker_main import build_chain

        chain = build_chain(self.config.bundle, int(self.values["seed"]), check=True)
        self.worker = Worker(self.segment, chain, self.timeline, mic_channel=self.config.mic_channel)
        self.worker.start()
        self._step_model_here()
        self.driver.after_block = self._step_model_here

    def _step_model_here(self) -> None:
        self._apply_due()
        while self.worker.advance():
            pass

    def _wait_ready(self, wait_s: float) -> None:
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            keeper = self.keeper
            if keeper.fatal:
                raise BundleError(keeper.fatal)
            if keeper.speaks and self.segment.read_status()["phase"] == PLAYING:
                return
            time.sleep(_WATCH_S)
        self._notices.append(f"the model is not ready after {wait_s:g} s; the dry sound plays on without it")

    def _supervise(self) -> None:
        while not self._stopping.wait(self._next_look_s()):
            try:
                self._watch_device()
                self._watch_model()
                self._apply_due()
            except Exception as error:  # a supervisor that dies takes the worker with it: say it and go on
                self._notice(f"supervisor: {type(error).__name__}: {error}")
        self.keeper.stop()

    def _next_look_s(self) -> float:
        """Give the time to wait: to the next event that is due, so that it reaches the step it was meant for."""
        with self._lock:
            if not self._later:
                return _WATCH_S
            ahead_s = (self._later[0][0] - self.segment.clock) / self.timeline.samplerate
        return min(max(ahead_s, _SHORTEST_LOOK_S), _WATCH_S)

    def _watch_model(self) -> None:
        self.keeper.watch(self.segment.read_status())
        while self.keeper.notices:
            self._notice(self.keeper.notices.pop(0))
        lead_ms, told_ms = self.lead_ms, self._lead_told_ms
        if lead_ms > told_ms:
            self._lead_told_ms = lead_ms
            self.lead_raised += 1
            self._notice(
                f"lead raised from {told_ms:.0f} to {lead_ms:.0f} ms: {LATE_TIMES} steps were late in {LATE_WITHIN_S:g} s; "
                f"--lead {lead_ms:.0f} begins there"
            )

    def _watch_device(self) -> None:
        while self.driver.notices:
            self._notice(self.driver.notices.pop(0))
        counters = self.segment.read_counters()
        reason = self.driver.lost(int(counters["blocks"]), int(counters["frames"]))
        if reason is None:
            frames = self.segment.clock  # before the time: a pair must never lie above the true line
            self.frame_clock.observe(time.time(), frames)
            return
        self.device_losses += 1
        self._device_lost_at = time.monotonic()
        self._notice(f"{reason}; looking for it, or another")
        for attempt in itertools.count():
            self._watch_model()
            try:
                settled = self.driver.reopen(fall_back=attempt >= _FALL_BACK_AFTER)
                if settled != self.format:
                    self._rebuild(settled)
                self._start_sound()
                break
            except DeviceError as error:
                if attempt == 0 or attempt % 50 == 0:
                    self._notice(f"no device yet: {error}")
            if self._stopping.wait(_REOPEN_S):
                return
        self.last_gap_s = time.monotonic() - self._device_lost_at
        self._device_lost_at = None
        self.device_reopens += 1
        self.frame_clock.reset()
        self._notice(f"sound again on {self.driver.output_name!r} after {self.last_gap_s:.1f} s")

    def _rebuild(self, settled: Format) -> None:
        """Another device, another rate: a new segment and a new worker; the counters go on."""
        self.keeper.stop()
        old, counters = self.segment, self.segment.read_counters()
        restarts = self.keeper.restarts
        with self._lock:
            self._build(settled)
            self._later.clear()  # their frames were of a clock that begins anew
            for name, value in counters.items():
                if isinstance(value, int):
                    self._carried[name] = self._carried.get(name, 0) + value
            self._carried["frames"] = self._carried["frames"] * settled.samplerate // old.samplerate  # they stand for seconds
            self.keeper.restarts = restarts + 1
        old.unlink()

    def _apply_due(self) -> None:
        with self._lock:
            while self._later and self._later[0][0] <= self.segment.clock:
                event = heapq.heappop(self._later)[2]
                self._apply_now(REGISTRY.resolve(event.path), event)

    def _apply_now(self, row, event: Event) -> None:
        if row.target == "block":
            self.values[row.path] = event.value
            self._push_gain(row, event)
        else:
            self._apply_step(row, event)

    def _apply_step(self, row, event: Event) -> None:
        index = REGISTRY.step_index(row.path)
        if row.kind == "trigger":
            if not event.value:
                return
            self._params[index] += 1
            if row.path == "panic":
                self._silence()
        else:
            self.values[row.path] = event.value
            self._params[index] = row.encode(event.value)
        self.segment.publish_params(self._params)

    def _silence(self) -> None:
        """Fade the voice in the callback now, and keep it away until frames made after the panic are due."""
        timeline = self.timeline
        if self.keeper and self.keeper.spec.growing_lead:  # it may grow while frames from before the panic still wait
            timeline = replace(timeline, lead_frames=most_frames(timeline.samplerate, timeline.lead_frames))
        fade = round(_PANIC_FADE_S * timeline.samplerate)
        away = timeline.delay_frames + timeline.hop_frames + fade
        self._push(lib.AP_TARGET_SILENCE, fade, away, 0)

    def _push_gain(self, row, event: Event) -> None:
        value = float(event.value) if row.kind == "bool" else db_to_gain(event.value)
        frame = event.time_frame or 0
        if frame:  # the callback counts the frames too that found no room in the mic ring; the clock stood still for them
            frame += int(self.segment.read_counters()["mic_overflow_frames"])
        self._push(_TARGETS[row.path], round(row.smoothing_s * self.timeline.samplerate), value, frame)

    def _push(self, target: int, ramp_frames: int, value: float, frame: int) -> None:
        if not self.segment.push_command(frame, target, ramp_frames, value):
            self.commands_dropped += 1

    def _fade_out(self) -> None:
        rate = self.timeline.samplerate
        fade = round(_STOP_FADE_S * rate)
        self._push(lib.AP_TARGET_MUTE, fade, 1.0, 0)
        heard = self.segment.clock + fade + 2 * self.format.blocksize
        until = time.monotonic() + 4 * _STOP_FADE_S + 4 * self.format.blocksize / rate
        while self.segment.clock < heard and time.monotonic() < until:
            time.sleep(0.002)

    def _notice(self, line: str) -> None:
        with self._lock:
            self._notices.append(line)
            del self._notices[:-200]

    def _close(self) -> None:
        with self._lock:
            self._timeline = self.timeline  # the last look at the lead
            segment, self.segment, self.worker = self.segment, None, None
        segment.unlink()
