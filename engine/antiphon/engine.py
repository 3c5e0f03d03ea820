"""The thing that plays: a driver, a segment, a model process, and the events that steer them.

Sound runs in the driver's callback, the model in its own process. What is here runs in Python threads that may be
slow: whoever calls `start`, `apply`, `status` and `stop`, and one supervisor that watches the device and the model.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .audio.driver import DeviceFrames, Driver, Format
from .audio.freewheel import FreewheelDriver
from .block import BlockSpec
from .clock import FrameClock, frames_to_ms
from .config import EngineConfig
from .cupboard import CupboardFolder
from .drivers import make_driver
from .errors import AntiphonError, BundleError, DeviceError, UsageError
from .events import Event
from .history import carry_over
from .kernels import Resampler
from .latency import DEFAULT_LEAD_S, MODEL_RATE, Latency, Timeline, latency
from .later import Later
from .layout import MARK_WORDS, PLAYING, Segment, SegmentSpec
from .model.lead import LATE_TIMES, LATE_WITHIN_S, most_frames
from .params import REGISTRY
from .perform.machine import STATES
from .proof import Proof
from .status import Status, make_status
from .steering import Steering
from .workers import WorkerKeeper, WorkerSpec

_WATCH_S = 0.02
_SHORTEST_LOOK_S = 0.001
_REOPEN_S = 0.2
_FALL_BACK_AFTER = 3  # tries for the device that was lost before the system's default will do
_STOP_FADE_S = 0.03
_LAST_STEPS_S = 0.1
_STOP_S = 0.5  # more than a supervisor takes that does not wait for a device
_PUSH_AHEAD_S = 0.1  # block rows reach the callback this long before their frame


class Engine:
    """One instrument. `start`, `stop`, `apply`, `status`, `latency` are for one control thread at a time.

    On freewheel nothing runs by itself: the model lives in this process and `run` moves time on.
    """

    def __init__(self, config: EngineConfig):
        self.config = config
        self.steering = Steering(config.values, config.seed)
        self.values = self.steering.values
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._later = Later()
        self._notices: list[str] = []
        self._carried: dict[str, float] = {}
        self._last_status: Status | None = None
        self.driver: Driver | None = None
        self.segment: Segment | None = None
        self.keeper: WorkerKeeper | None = None
        self._cupboard: CupboardFolder | None = None
        self.worker = None  # the model, when it lives in this process (freewheel)
        self._timeline: Timeline | None = None
        self.frame_clock: FrameClock | None = None
        self.format: Format | None = None
        self.device_losses = self.device_reopens = 0
        self.lead_raised = 0
        self._lead_told_ms = 0
        self._told_of_dropped = False
        self._device_lost_at: float | None = None
        self.last_gap_s = 0.0
        self._device_frames = DeviceFrames()
        self._resampler_frames = (0.0, 0.0)
        self.proof = Proof(config, self._carry, self._about, self.status, self._notice)

    def start(self, wait_s: float = 30.0, sleep: Callable[[float], None] = time.sleep) -> None:
        """Open the driver, let sound run, start the model; return when the model plays, or after `wait_s`.

        The dry sound is there before the model is. While the model loads `sleep` is called over and over with a few
        milliseconds: what it lets happen meanwhile may steer the engine. Raises DeviceError, UsageError, and
        BundleError if the model cannot be loaded: then everything is stopped again.
        """
        try:
            self.driver, settled, notice = make_driver(self.config)
            self._notices += [notice] if notice else []
            if not isinstance(self.driver, FreewheelDriver):
                self._make_cupboard()
            self._build(settled)
            self._prove()
            self._start_sound()
            if isinstance(self.driver, FreewheelDriver):
                self._start_model_here()
                return
            self._thread = threading.Thread(target=self._supervise, name="antiphon-supervisor", daemon=True)
            self._thread.start()
            self._wait_ready(wait_s, sleep)
        except BaseException:
            self.stop(fade=False)
            raise

    def stop(self, fade: bool = True) -> None:
        """Fade, stop the clock, end the model process, give everything back: within about a second, whatever hangs; a take that runs
        is written to its end and signed first, which takes as long as its disk.

        Harmless when called again, also where it was interrupted.
        """
        if self.segment is None:
            if self.driver:
                self.driver.stop()
            self._clear_cupboard()
            return
        if fade and self._thread and self._device_lost_at is None:
            self._fade_out()
            self._end_answer()
        self._last_status = self.status()  # while the model still speaks for itself
        self._stopping.set()
        self.proof.end()
        self._last_status = replace(self._last_status, messages=tuple(self._notices))
        if self._thread:
            self._thread.join(_STOP_S)
            self.driver.interrupt()  # it may be looking for a device in a sound system that does not answer
            self._thread.join()
        try:
            self.driver.stop()  # a file that cannot be finished is told from here
        finally:
            self._close()

    def apply(self, event: Event) -> None:
        """Take one accepted event: block rows to the callback, step rows to the model, each at its frame.

        Costs microseconds and never waits. An event for a later frame is kept until then: block rows to the frame,
        step rows to the step that is due then. Before `start` it is what sound begins with. Raises UsageError where
        thousands are kept already, and for a trigger while no model plays: it must not go off when one does.
        """
        with self._lock:
            if self.segment is None:
                if self._stopping.is_set() or event.path == "trigger":
                    raise AntiphonError(f"{event.path}: the engine is not running")
                self.steering.apply(event)
                return
            wait_until = event.time_frame or 0
            if REGISTRY.resolve(event.path).target == "block":
                # Not at once: the callback holds few commands, and what is due now (panic, mute) comes after them in its queue.
                wait_until -= round(_PUSH_AHEAD_S * self.segment.samplerate)
            if wait_until <= self.segment.clock:
                self._apply_now(event)
            else:
                self._later.add(wait_until, event)

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

    def look(self, what: Callable[[Segment], object]) -> object:
        """Give what `what` gives of the segment as it is now, which lasts meanwhile; None where there is none. Any thread; be quick:
        whoever applies an event waits."""
        with self._lock:
            return None if self.segment is None else what(self.segment)

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
    def samplerate(self) -> int:
        """The device's, in Hz; 48000 before it is open."""
        return self.format.samplerate if self.format else MODEL_RATE

    @property
    def lost(self) -> bool:
        """Whether the device is gone at this moment."""
        return self._device_lost_at is not None

    def _build(self, settled: Format) -> None:
        """Make what depends on the device's rate and channels."""
        config = self.config
        mic_channel = self._mic_channel(settled.in_channels)
        timeline = Timeline(settled.samplerate, settled.blocksize, round(self._lead_s() * settled.samplerate))
        spec = SegmentSpec(settled.samplerate, settled.in_channels, settled.out_channels, REGISTRY.step_width + MARK_WORDS)
        segment = Segment.create(spec, timeline, shared=not isinstance(self.driver, FreewheelDriver))
        with self._lock:
            self.format, self._timeline, self.segment = settled, timeline, segment
            longest = most_frames(settled.samplerate, timeline.lead_frames) if self._grows else timeline.lead_frames
            self.steering.bind(segment, lead_room=longest - timeline.lead_frames)
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
                        cupboard=self._cupboard and str(self._cupboard.path),
                        growing_lead=self._grows,
                        realtime=config.realtime,
                        late=config.late,
                        person=self.proof.person,
                        mark_key=self.proof.key.secret,
                    ),
                    self.keeper,
                )

    @property
    def _grows(self) -> bool:
        return self.config.lead_s is None and not isinstance(self.driver, FreewheelDriver)

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
            spec = BlockSpec(self.segment, self.format.blocksize, **self.steering.begins())
        self.driver.start(spec)
        self._device_frames = self.driver.device_frames()

    def _start_model_here(self) -> None:
        from .diary import WorkerDiary
        from .marking import marking
        from .model.worker import Worker
        from .worker_main import build_chain

        chain = build_chain(self.config.bundle, int(self.values["seed"]), check=True, person=self.proof.person)
        about = {"bundle": self.config.bundle, "seed": int(self.values["seed"]), "samplerate": self.segment.samplerate,
                 "mic_channel": self.config.mic_channel, "person": self.proof.person}  # fmt: skip
        self.worker = Worker(self.segment, chain, self.timeline, marking(self.config.bundle, self.proof.key.secret),
                             diary=WorkerDiary(self.segment, about), mic_channel=self.config.mic_channel)  # fmt: skip
        self.worker.start()
        self._step_model_here()
        self.driver.after_block = self._step_model_here

    def _step_model_here(self) -> None:
        self._apply_due()
        while self.worker.advance():
            pass
        self.proof.hear(self.worker.chain)

    def _wait_ready(self, wait_s: float, sleep: Callable[[float], None]) -> None:
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            if self.keeper.fatal:
                raise BundleError(self.keeper.fatal)
            if self.model_plays:
                return
            sleep(_WATCH_S)
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
            frame = self._later.next_frame()
            if frame is None:
                return _WATCH_S
            ahead_s = (frame - self.segment.clock) / self.segment.samplerate
        return min(max(ahead_s, _SHORTEST_LOOK_S), _WATCH_S)

    def _watch_model(self) -> None:
        status = self.segment.read_status()
        self.keeper.watch(status)
        self.proof.watch(status)
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
        self.proof.takes.leave("the device changed")
        self.keeper.stop()
        old, counters = self.segment, self.segment.read_counters()
        with self._lock:
            self._build(settled)
            heard = carry_over(old, self.segment, self.config.mic_channel)
            self._later.clear()  # their frames were of a clock that begins anew
            for name, value in counters.items():
                if isinstance(value, int):
                    self._carried[name] = self._carried.get(name, 0) + value
            self._carried["frames"] = self._carried["frames"] * settled.samplerate // old.samplerate  # they stand for seconds
            self._carried["frames"] -= heard  # in the new segment's count they are counted again
        self._prove()
        old.unlink()

    def _apply_due(self) -> None:
        with self._lock:
            while event := self._later.take(self.segment.clock):
                try:
                    self._apply_now(event)
                except UsageError as error:  # nobody waits for it any more
                    self._notice(str(error))
            self.steering.settle()
            if self.steering.dropped and not self._told_of_dropped:
                self._told_of_dropped = True
                self._notice("more changes of gain at once than the callback takes: some were passed over, the last of each holds")

    def _apply_now(self, event: Event) -> None:
        row = REGISTRY.resolve(event.path)
        if row.kind == "trigger" and row.target == "step" and event.path != "panic" and not self.model_plays:
            raise UsageError(f"{event.path}: the model is not ready yet; once it plays, try again")
        self.steering.apply(event)
        self.proof.takes.event(event, event.time_frame or self.segment.clock)

    @property
    def model_plays(self) -> bool:
        """Whether a model is there that plays: loaded, primed and speaking."""
        if self.keeper is None:
            return self.worker is not None
        return self.keeper.speaks and self.segment.read_status()["phase"] == PLAYING

    def _fade_out(self) -> None:
        rate = self.segment.samplerate
        fade = round(_STOP_FADE_S * rate)
        self.steering.fade_out(fade)
        heard = self.segment.clock + fade + 2 * self.format.blocksize
        until = time.monotonic() + 4 * _STOP_FADE_S + 4 * self.format.blocksize / rate
        while self.segment.clock < heard and time.monotonic() < until:
            time.sleep(0.002)

    def _end_answer(self) -> None:
        """Let what still is answered end, so that it can be said what it was nearest to. Nothing is heard any more."""
        if not self.model_plays:
            return
        with self._lock:
            self.steering.apply(Event("panic", True))
        until = time.monotonic() + _LAST_STEPS_S
        while int(self.segment.read_status()["state"]) == STATES.index("answering") and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(_WATCH_S)  # it is told after the step

    def _notice(self, line: str) -> None:
        with self._lock:
            self._notices.append(line)
            del self._notices[:-200]

    def _close(self) -> None:
        with self._lock:
            self._timeline = self.timeline  # the last look at the lead
            segment, self.segment, self.worker = self.segment, None, None
        segment.unlink()
        self._clear_cupboard()

    def _carry(self, *words: int) -> None:
        with self._lock:
            self.steering.carry(*words)

    def _about(self) -> dict:
        """What a take says of this engine."""
        with self._lock:
            values = dict(self.values)
            return {"seed": int(values["seed"]), "values": values, "blocksize": self.format.blocksize,
                    "mic_channel": self.config.mic_channel, "devices": [self.driver.input_name, self.driver.output_name],
                    "driver": self.driver.name}  # fmt: skip

    def _prove(self) -> None:
        self.proof.begin(self.segment, self._cupboard and self._cupboard.path)

    def _make_cupboard(self) -> None:
        try:
            self._cupboard = CupboardFolder()
        except OSError as error:
            self._notices.append(f"what you keep will not outlive a restart of the model: {error.strerror}")

    def _clear_cupboard(self) -> None:
        cupboard, self._cupboard = self._cupboard, None
        if cupboard:
            cupboard.close()
