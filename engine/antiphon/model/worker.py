"""The loop of the model process: wait for a hop, step the chain, write a hop of voice.

Time is the device's frames. The worker looks at how many frames the mic ring holds and sleeps for about as long as the
missing ones take to arrive; whether it was late is decided by the frame count when the voice is written.
The same object is stepped in the engine's own process by the freewheel driver.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from ..kernels import Resampler, ffi, lib
from ..latency import HOP, MODEL_RATE, Timeline
from ..layout import HISTORY_S, LOADING, PLAYING, PRIMING, STATUS_FIELDS, TRACE_MODULUS, Segment
from ..stats import Histogram
from .lead import GrowingLead

_PRIME_HOPS = 25
_BEHIND_HOPS = 25
_SHORTEST_SLEEP_S = 0.0002
_IDLE_SLEEP_S = 0.002
_IDLE_POLLS = 500
_PERCENTILES_EVERY = 50
_FULL = np.float32(2.0**23)


class ChainLike(Protocol):
    """What the worker steps: the chain of the model, or an echo of it."""

    status: dict[str, float]
    due_s: float | None
    """Set before each step: the device time at which what it makes is heard."""

    def step(self, mic: np.ndarray, params: np.ndarray) -> np.ndarray:
        """Hear (960,) float32 at 48 kHz and return the (960,) float32 voice that answers it."""

    def settle(self) -> None:
        """Do what the last step could put off until its voice was written."""

    def prime(self, mic: np.ndarray, params: np.ndarray, behind: int = 0) -> None:
        """Hear (hops, 960) float32 of the past, without a sound; `behind` hops are still to come after these."""

    def resume(self, status: dict[str, float]) -> None:
        """Take over from a chain whose process ended while it played, from the status it left."""


class Diary(Protocol):
    """Who is told what the worker did, after its voice is away; everything may be asked of the worker then."""

    def hears(self, worker: Worker) -> None:
        """The worker is about to hear what comes next. Microseconds: a voice waits for it."""

    def primed(self, worker: Worker, position: int, hops: int, behind: int) -> None:
        """These hops were heard without a sound, the first read from `position` of the microphone's ring."""

    def opened(self, worker: Worker) -> None:
        """The voice was opened."""

    def stepped(self, worker: Worker, position: int, frames: int, voice: np.ndarray) -> None:
        """A step: what was read of the microphone's ring, and the voice that was written, (frames,) float32."""


class MarkLike(Protocol):
    """What marks the voice, or lets it by where it is no generated sound. Handed in, so that `model` need not import it."""

    def step(self, voice: np.ndarray) -> np.ndarray:
        """Give (960,) float32 at 48 kHz marked."""

    def told(self, words: np.ndarray) -> None:
        """Take what the end of the parameter mailbox says of what is to be marked, as it is read."""


class Worker:
    """One reader of the mic ring and one writer of the voice ring, in the process that holds the chain.

    All that it makes goes through `mark` and then into the voice ring, here and nowhere else: what comes to a loudspeaker, a
    file or a stream came by there. What it hears is rounded to 24 bits, as a take keeps it, so that the take can be played again.
    With `growing_lead` the lead becomes longer where steps are late; without, it stays what it is.
    `delay_writing(hop)` is a fault to inject: how long that step takes, in frames beyond a hop and a block.
    """

    def __init__(
        self,
        segment: Segment,
        chain: ChainLike,
        timeline: Timeline,
        mark: MarkLike,
        *,
        diary: Diary | None = None,
        history_s: float = HISTORY_S,
        mic_channel: int | None = None,
        growing_lead: GrowingLead | None = None,
        delay_writing: Callable[[int], int] | None = None,
    ):
        self.segment, self.chain, self.timeline = segment, chain, timeline
        self._mark, self._diary = mark, diary
        self._rate = timeline.samplerate
        self._history_frames = int(history_s * self._rate)
        self._mic_channel = mic_channel
        self._growing_lead = growing_lead
        self._delay_writing = delay_writing
        self._into = Resampler(self._rate, MODEL_RATE, 1)
        self._out_of = Resampler(MODEL_RATE, self._rate, 1)
        most = timeline.hop_frames + 8
        self._interleaved = np.zeros((most, segment.in_channels), np.float32)
        self._params = np.zeros(lib.ap_mailbox_count(segment.params))
        self._fresh = np.zeros_like(self._params)
        self._status = np.zeros(len(STATUS_FIELDS))
        self._index = {name: position for position, name in enumerate(STATUS_FIELDS)}
        self._pending = np.zeros(0, np.float32)
        self._steps_ns, self._whole_ns = Histogram(), Histogram()
        self._hop = 0  # since this worker started
        self._start = 0  # device frame at which its hop 0 begins
        self._taken = 0  # device frames read since then
        self._origin = 0
        self._opened = False
        self._held_up = False  # the step before was late, and the hop of the next one complete when it ended
        self._record = np.zeros(lib.AP_TRACE_STEP_WORDS, np.float32)  # of the trace, in the order of STEP_FIELDS
        self._done_ns = 0  # perf_counter_ns at the end of the step before
        self._params_read = 0  # publications of the mailbox that the values in hand have in them
        self._counts = {
            "primed_hops": 0,
            "catch_ups": 0,
            "late": 0,
            "late_heard": 0,
            "late_frames_max": 0,
            "params_torn": 0,
            "realtime": 0,
        }

    def missing_frames(self) -> int:
        """Device frames that the next hop still waits for; 0 or less when it can be stepped."""
        return self._needed() - int(lib.ap_ring_readable(self.segment.mic))

    def start(self) -> None:
        """Go back into the past that the mic ring still holds; `advance` then hears it and opens the voice."""
        self._publish(LOADING)
        lib.ap_segment_voice_close(self.segment.pointer)
        past = int(lib.ap_ring_written(self.segment.mic)) - self._history_frames
        lib.ap_ring_seek(self.segment.mic, max(past, 0))
        self._into.reset()
        self._pending = np.zeros(0, np.float32)
        self._hop, self._taken, self._opened = 0, 0, False
        self._start = int(lib.ap_ring_position(self.segment.mic))
        self._read_params()
        self._done_ns = time.perf_counter_ns()

    def advance(self) -> bool:
        """Do the next thing there is to do: hear what lies behind, open the voice, or step. False if there is nothing.

        Never waits. The voice can be opened only when the callback has let go of what was open before.
        """
        missing = self.missing_frames()
        if not self._opened:
            if missing <= 0:
                self._prime()
                return True
            return self._open_voice()
        if missing > 0:
            return False
        if -missing > self._far_behind():
            self._give_up()
        else:
            self.step()
        return True

    def step(self) -> None:
        """Take one hop: `missing_frames` must be 0 or less."""
        began = time.perf_counter_ns()
        waited = began - self._done_ns
        if self._diary:
            self._diary.hears(self)
        position, frames = self.position, self._needed()
        mic = self._read_hop()
        self._read_params()
        self.chain.due_s = (self._due() + self._out_of.delay_frames) / self._rate
        marked = self._mark.step(self.chain.step(mic, self._params))
        voice = self._out_of.process(np.ascontiguousarray(marked, np.float32))
        took = time.perf_counter_ns() - began
        self._hop += 1
        if self._delay_writing:
            self._wait_for_frame(self._due() - self.timeline.lead_frames + self._delay_writing(self._hop - 1))
        behind = self.segment.clock - self._due()
        if behind > 0:
            self._late(behind, heard=bool(voice.any()))
        written = lib.ap_ring_write(self.segment.voice, ffi.from_buffer("float *", voice), len(voice))
        queued = lib.ap_ring_readable(self.segment.voice)
        self._held_up = behind > 0 and self.missing_frames() <= 0
        self._steps_ns.add(took)
        self._publish(PLAYING, took)
        put_off = time.perf_counter_ns()
        self.chain.settle()
        if self._diary:
            self._diary.stepped(self, position, frames, voice)
        ended = time.perf_counter_ns()
        self._whole_ns.add(took + ended - put_off)
        self._trace(took, ended - began, -behind, queued, voice, waited)
        self._done_ns = ended
        if written < len(voice):
            self._give_up()  # nobody reads the voice: positions would be wrong from here on

    def run(self, keep_on: Callable[[], bool], after_step: Callable[[int], None] = lambda hop: None) -> None:
        """Start, then go on until `keep_on` says no. It is asked several times a hop, so it must be cheap."""
        self.start()
        idle = 0
        while keep_on():
            if self.advance():
                after_step(self._hop)
                idle = 0
                continue
            # The last block of the hop may come at any moment within one block's time: poll only then, and seldom where
            # nothing comes at all because the device is gone.
            spare = self.missing_frames() - self.timeline.blocksize
            idle += 1
            time.sleep(max(spare / self._rate, _SHORTEST_SLEEP_S if idle < _IDLE_POLLS else _IDLE_SLEEP_S))

    @property
    def position(self) -> int:
        """Position in the microphone's ring of the frame that is read next."""
        return self._start + self._taken

    @property
    def counted(self) -> tuple[int, int]:
        """Hops, and frames of the device, that were read since it was started."""
        return self._hop, self._taken

    @property
    def params(self) -> np.ndarray:
        """The mailbox's values as they were read last, float64; valid until the next step."""
        return self._params

    def state(self) -> dict:
        """All that the steps to come depend on, but for what they will be told; between two steps."""
        return {"chain": self.chain.state(), "mark": self._mark.state(), "into": self._into.state(),
                "out_of": self._out_of.state(), "pending": self._pending.copy()}  # fmt: skip

    def note_realtime(self, granted: bool) -> None:
        """Remember for the status whether this process got realtime scheduling."""
        self._counts["realtime"] = int(granted)

    def _needed(self) -> int:
        """Device frames to read so that the resampler's output reaches the end of the next hop.

        After n input frames there are ceil(n * 48000 / rate) output frames (ap_resample.h), which is at least m as
        soon as n > (m - 1) * rate / 48000.
        """
        model_frames = (self._hop + 1) * HOP
        return (model_frames - 1) * self._rate // MODEL_RATE + 1 - self._taken

    def _far_behind(self) -> int:
        return _BEHIND_HOPS * self.timeline.hop_frames + 2 * self.timeline.blocksize

    def _late(self, behind: int, heard: bool) -> None:
        """Count a late step, and raise the lead if it was one too many. Silence that comes late costs nobody anything.

        Here and nowhere else, because the voice has run short just now: it waits a little longer to come back, and no
        sound that was in time is moved. Before the late frames are written: the callback would take them by the old lead.
        """
        self._counts["late"] += 1
        self._counts["late_heard"] += heard
        self._counts["late_frames_max"] = max(self._counts["late_frames_max"], behind)
        if self._growing_lead is None or self._held_up or not heard:
            return
        lead_frames = self._growing_lead.late(self.segment.clock, behind, self.timeline.lead_frames)
        if lead_frames > self.timeline.lead_frames:
            self.timeline = replace(self.timeline, lead_frames=lead_frames)
            lib.ap_segment_set_delay_frames(self.segment.pointer, self.timeline.delay_frames)

    def _due(self) -> int:
        """Clock at which the next voice frame to be written is due."""
        return int(lib.ap_ring_written(self.segment.voice)) + self._origin + self.timeline.delay_frames

    def _read_hop(self) -> np.ndarray:
        frames = self._needed()
        data = self._interleaved[:frames]
        lib.ap_ring_read(self.segment.mic, ffi.from_buffer("float *", data), frames)
        self._taken += frames
        data = as_kept(data)
        mono = heard(data, self._mic_channel)
        mic, self._pending = hop_of(self._into, mono, self._pending)
        return mic

    def _read_params(self) -> None:
        published = lib.ap_mailbox_version(self.segment.params)  # before: what comes in between is counted at the next step
        if lib.ap_mailbox_read(self.segment.params, ffi.from_buffer("double *", self._fresh)):
            self._params, self._fresh = self._fresh, self._params
            self._params_read = published
            self._mark.told(self._params)
        else:
            self._counts["params_torn"] += 1

    def _prime(self) -> None:
        """Hear some hops without a sound, faster than they come in."""
        if self._diary:
            self._diary.hears(self)
        hops, position = [], self.position
        while len(hops) < _PRIME_HOPS and self.missing_frames() <= 0:
            hops.append(self._read_hop().copy())
            self._hop += 1
        behind = max(-self.missing_frames(), 0) // self.timeline.hop_frames
        self.chain.prime(np.stack(hops), self._params, behind)
        if self._diary:
            self._diary.primed(self, position, len(hops), behind)
        self._counts["primed_hops"] += len(hops)
        self._read_params()
        self._publish(PRIMING)

    def _open_voice(self) -> bool:
        """Set the origin so that the next hop's first voice frame is due `delay_frames` after its first mic frame."""
        hop_begins = self._start - (-self._hop * HOP * self._rate // MODEL_RATE)
        origin = hop_begins - int(lib.ap_ring_written(self.segment.voice))
        if lib.ap_segment_voice_open(self.segment.pointer, origin) != lib.AP_OK:
            return False
        self._out_of.reset()
        self._origin, self._opened, self._held_up = origin, True, False
        if self._diary:
            self._diary.opened(self)
        self._publish(PLAYING)
        return True

    def _give_up(self) -> None:
        """Being further behind than stepping could mend (suspended, swapped out): hear what was missed, open anew."""
        self._counts["catch_ups"] += 1
        self._opened = False
        lib.ap_segment_voice_close(self.segment.pointer)

    def _wait_for_frame(self, frame: int) -> None:
        while self.segment.clock < frame:
            time.sleep(_SHORTEST_SLEEP_S)

    def _trace(self, took_ns: int, whole_ns: int, slack: int, queued: int, voice: np.ndarray, waited_ns: int) -> None:
        """Leave this step's record for whoever measures; nobody waits for it, and it is dropped where it finds no room."""
        self._record[:] = (
            (self._hop - 1) % TRACE_MODULUS,
            1e-3 * took_ns,
            1e-3 * whole_ns,
            slack,
            queued,
            voice.any(),
            self._params_read % TRACE_MODULUS,
            1e-3 * waited_ns,
        )
        lib.ap_ring_write(self.segment.trace_steps, ffi.from_buffer("float *", self._record), 1)

    def _publish(self, phase: int, step_ns: int = 0) -> None:
        status, index, steps = self._status, self._index, self._steps_ns
        for name, value in self.chain.status.items():
            status[index[name]] = value
        for name, value in self._counts.items():
            status[index[name]] = value
        status[index["phase"]], status[index["hop"]] = phase, self._hop
        status[index["steps"]], status[index["step_ns"]], status[index["step_ns_max"]] = (
            steps.count,
            step_ns,
            steps.max_ns,
        )
        if steps.count % _PERCENTILES_EVERY == 1:
            for name, percent in (("step_ns_p50", 50), ("step_ns_p99", 99), ("step_ns_p999", 99.9)):
                status[index[name]] = steps.percentile(percent)
            for name, percent in (("whole_ns_p50", 50), ("whole_ns_p99", 99)):
                status[index[name]] = self._whole_ns.percentile(percent)
        self.segment.publish_status(status)


def as_kept(sound: np.ndarray) -> np.ndarray:
    """Round float32 sound to 24 bits and within full scale, as float32: exactly what a take's files hold."""
    words = np.clip(np.rint(sound * _FULL), -_FULL, _FULL - 1) + np.float32(0)  # a file has one zero: -0.0 becomes 0.0
    return (words / _FULL).astype(np.float32, copy=False)


def heard(frames: np.ndarray, channel: int | None) -> np.ndarray:
    """What the model hears of (frames, channels): one of them, or the mean of all, (frames,)."""
    if frames.shape[1] == 1:
        return frames[:, 0]
    return np.ascontiguousarray(frames[:, channel]) if channel is not None else frames.mean(axis=1, dtype=np.float32)


def hop_of(into: Resampler, mono: np.ndarray, pending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give a hop at the model's rate (960,) and what is left over for the next one."""
    mic = into.process(mono)
    if not len(pending) and len(mic) == HOP:
        return mic, pending
    joined = np.concatenate((pending, mic))
    return joined[:HOP], joined[HOP:]
