"""Latency as a sum that is printed, tested and measured: the one place where its arithmetic is written down.

All frames here are the device's. With R the device's samplerate, B the block, H the hop, L the lead:

* Hop k covers the input frames [kH, (k+1)H). Its last frame is in the ring when the block that holds it begins its
  callback, at most B - 1 frames after it. The step is then run, and its voice is written to the voice ring.
* Voice frame p therefore is *due* at device frame p + `Timeline.delay_frames`, with delay_frames = H + B + L. One B,
  because a voice can be heard at the earliest in the block after the one that completed the hop; L is what the model
  has for its step beyond that, and becomes longer when steps are late (model/lead.py). A step that takes no longer
  than L + B - (0 .. B) is in time: at least L always.
* The resamplers delay the sound inside the rings by their own `delay_frames`; they move no ring position.

So a frame sung at the microphone shapes the voice heard device_in + resampler_in + H + B + L + resampler_out +
device_out later if the answer is thought of as lying beside it; the first voice frame that *can* depend on it comes
between B + L + 1 and H + B + L frames after it, plus the device, the resamplers taken off by half their length.
Dry sound is delayed by device_in + device_out and by nothing of ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .clock import frames_to_ms

MODEL_RATE = 48_000
HOP = 960
DEFAULT_LEAD_S = 0.006
"""What the model is given for its step beyond a block, to begin with: the lead grows where steps are late (model/lead.py)."""
LEAD_MAX_S = 1.0
"""More would not fit into the voice ring, and nobody can play with it."""


def hop_device_frames(samplerate: float) -> int:
    """Give the device frames that are certain to hold one hop: 960 at 48 kHz, 882 at 44.1 kHz, rounded up."""
    return math.ceil(HOP * samplerate / MODEL_RATE)


@dataclass(frozen=True)
class Timeline:
    """When voice frames are due, in device frames.

    The engine says how long the lead is to begin with; the worker may raise it. What counts is `delay_frames` in the
    segment, from which either process gets its timeline with `with_delay`.
    """

    samplerate: int
    blocksize: int
    lead_frames: int

    @property
    def hop_frames(self) -> int:
        return hop_device_frames(self.samplerate)

    @property
    def delay_frames(self) -> int:
        """Voice frame p is due at device frame p + voice_origin + delay_frames."""
        return self.hop_frames + self.blocksize + self.lead_frames

    def with_delay(self, delay_frames: int) -> Timeline:
        """Give the timeline of the lead that makes up this delay."""
        return replace(self, lead_frames=delay_frames - self.hop_frames - self.blocksize)


@dataclass(frozen=True)
class Term:
    """One summand: its name, what it is in device frames, whether dry sound passes it and whether voice does."""

    name: str
    frames: float
    dry: bool
    voice: bool
    help: str


@dataclass(frozen=True)
class Latency:
    """The table `doctor` prints. `source` says where the device's terms come from: reported, measured or none."""

    samplerate: int
    terms: tuple[Term, ...]
    source: str

    @property
    def rows(self) -> list[tuple[str, float, float]]:
        """(name, frames, ms) of every term that the voice passes."""
        return [(term.name, term.frames, self._ms(term.frames)) for term in self.terms if term.voice]

    @property
    def total_frames(self) -> float:
        """Performer to voice, frame beside frame."""
        return sum(term.frames for term in self.terms if term.voice)

    @property
    def total_ms(self) -> float:
        return self._ms(self.total_frames)

    @property
    def dry_frames(self) -> float:
        """Performer to loudspeaker of the dry sound: the round trip that a loopback cable shows."""
        return sum(term.frames for term in self.terms if term.dry)

    @property
    def dry_ms(self) -> float:
        return self._ms(self.dry_frames)

    @property
    def trigger_frames(self) -> tuple[float, float]:
        """Least and most frames from a trigger to the first voice frame heard: block + lead, and a hop more."""
        after = self._named("block", "lead", "resampler out", "device out")
        return after, after + self._named("hop")

    def _named(self, *names: str) -> float:
        return sum(term.frames for term in self.terms if term.name in names)

    def _ms(self, frames: float) -> float:
        return frames_to_ms(frames, self.samplerate)


def latency(
    timeline: Timeline,
    device_in: float,
    device_out: float,
    resampler_in: float = 0.0,
    resampler_out: float = 0.0,
    source: str = "reported",
) -> Latency:
    """Add up what delays sound; every argument is in device frames."""
    return Latency(
        timeline.samplerate,
        (
            Term("device in", device_in, True, True, "converter and driver, before our callback"),
            Term("resampler in", resampler_in, False, True, "to the model's 48 kHz"),
            Term("hop", timeline.hop_frames, False, True, "what the model hears at a time"),
            Term("block", timeline.blocksize, False, True, "the hop is complete only when a block is"),
            Term("lead", timeline.lead_frames, False, True, "what the model has for its step"),
            Term("resampler out", resampler_out, False, True, "from the model's 48 kHz"),
            Term("device out", device_out, True, True, "after our callback, driver and converter"),
        ),
        source,
    )
