"""What the instrument tells of itself many times a second: feeds, and how they are made from a status.

A feed is a row of FEEDS before it is anything else: OSC's /antiphon/feed/<name>, subscriptions and the OSCQuery tree come
from it. All fields are always there, in this order, so that a patch may unpack them by place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..params.spec import Value

LATENCY_TERMS = ("device in", "resampler in", "hop", "block", "lead", "resampler out", "device out")
"""As `antiphon doctor` names them; the sum comes before them."""

_COUNTED = ("xruns", "underflows", "overflows", "late", "restarts")
_OSC_COUNTED = ("accepted", "refused", "malformed", "silenced")


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a feed: its name, its OSC type, its unit in the table's words."""

    name: str
    tag: Literal["f", "i", "s"] = "f"
    unit: str = ""

    def fit(self, value: object) -> Value:
        """Give the value as the type says; a number that is none, or is not there, is 0."""
        if self.tag == "s":
            return "" if value is None else str(value)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return 0 if self.tag == "i" else 0.0
        number = number if math.isfinite(number) else 0.0
        return int(number) if self.tag == "i" else number


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed: `name`, and its fields in the order in which they are sent."""

    name: str
    help: str
    fields: tuple[Field, ...]

    def fit(self, values: Sequence[object]) -> tuple[Value, ...]:
        """Give one value for each field, whatever came."""
        short = len(self.fields) - len(values)
        return tuple(field.fit(value) for field, value in zip(self.fields, [*values, *[None] * short], strict=False))


def _levels(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, unit="dB") for name in names)


FEEDS = (
    Feed("meters", "Levels, re full scale",
         _levels("in_peak", "in_rms", "voice_peak", "out_peak", "out_rms", "limiter")),
    Feed("pitch", "Pitch heard and pitch played (MIDI semitones, cents behind the point); 0 none",
         (Field("heard", unit="note"), Field("played", unit="note"))),
    Feed("notes", "The note that sounds and the next one that is planned: onset from now (before it, negative), pitch (MIDI "
         "semitones, 0 where there is none), length (0 where it is open); tempo, and the next beat from now, 0 where not known",
         (Field("onset", unit="s"), Field("pitch", unit="note"), Field("length", unit="s"),
          Field("next_onset", unit="s"), Field("next_pitch", unit="note"), Field("next_length", unit="s"),
          Field("tempo", unit="bpm"), Field("next_beat", unit="s"))),
    Feed("heard", "What the performer is in, as heard: key, scale, tempo",
         (Field("key", "s"), Field("scale", "s"), Field("tempo", unit="bpm"))),
    Feed("latency", "The sum from performer to voice, and its terms",
         (Field("sum", unit="ms"), *(Field(name.replace(" ", "_"), unit="ms") for name in LATENCY_TERMS))),
    Feed("guard", "Notes that would have completed a quotation and were not played; of the last of them the work, and how many "
         "of its notes in a row it would have been; how many notes in a row, up to now, are some guarded melody's; whose protected "
         "voice the last answer kept apart from",
         (Field("hits", "i"), Field("work", "s"), Field("length", "i"), Field("now", "i"), Field("voice", "s"))),
    Feed("attribution", "What the last answer was nearest to: how many answers so far, the three largest shares of notes and sound "
         "(all of them sum to 1), the melody it has the longest run of notes in common with, and how many; no finding of cause",
         (Field("answers", "i"), *(field for n in ("first", "second", "third") for field in (Field(n, "s"), Field(f"{n}_share"))),
          Field("nearest", "s"), Field("nearest_notes", "i"))),
    Feed("recording", "The take that is recorded: 1 while one is, how long it is, what of it is missing, its folder",
         (Field("on", "i"), Field("length", unit="s"), Field("missing", unit="s"), Field("folder", "s"))),
    Feed("health", "Faults since the start, what steps of the model take, what came in over OSC",
         (*(Field(name, "i") for name in _COUNTED), Field("step_p50", unit="ms"), Field("step_p99", unit="ms"),
          *(Field(f"osc_{name}", "i") for name in _OSC_COUNTED))),
)
FEED_NAMES = tuple(feed.name for feed in FEEDS)


def feeds(
    status: Mapping[str, object],
    latency: Mapping[str, float],
    counters: Mapping[str, int],
    now_s: float | None = None,
    beat: Sequence[float] = (),
) -> dict[str, tuple[Value, ...]]:
    """Make every feed from one look.

    `status` has Status's fields by name; a field that it lacks is told as 0. `latency` is ms by term, with the sum under
    "sum"; `counters` are OscCounters' fields by name. `now_s` is the device's time, from which the note plan's onsets are
    told (frames by samplerate where it is None); `beat` is the row of that name: device time of a beat, beats per minute.
    """
    look = status.get
    if now_s is None:
        now_s = float(look("frames") or 0) / float(look("samplerate") or 1)
    bpm, next_beat_s = _beat(beat, now_s)
    values: dict[str, Sequence[object]] = {
        "meters": [look(n) for n in ("peak_in_db", "rms_in_db", "peak_voice_db", "peak_out_db", "rms_out_db", "limiter_db")],
        "pitch": [look("pitch_heard"), look("pitch_played")],
        "notes": [*_two_notes(look("plan") or (), now_s), bpm or look("tempo") or look("tempo_heard"), next_beat_s],
        "heard": [look("key_heard"), look("scale_heard"), look("tempo_heard")],
        "latency": [latency.get(name) for name in ("sum", *LATENCY_TERMS)],
        "guard": [look(name) for name in ("guard_hits", "guard_work", "guard_length", "quote_length", "voice_match")],
        "attribution": [look("attributed"), *_largest(look("attribution") or (), 3), *(look("nearest") or ())],
        "recording": [
            bool(look("take")), look("take_s"), float(look("take_gap_frames") or 0) / float(look("samplerate") or 1), look("take"),
        ],
        "health": [
            *(look(name) for name in _COUNTED),
            *(float(look(name) or 0) / 1e6 for name in ("step_ns_p50", "step_ns_p99")),
            *(counters.get(name) for name in _OSC_COUNTED),
        ],
    }
    return {feed.name: feed.fit(values[feed.name]) for feed in FEEDS}


def _largest(shares: Sequence[tuple[str, float]], most: int) -> list[object]:
    """Names and shares in turn, of as many as there is room for."""
    told = [part for share in shares[:most] for part in share]
    return told + ["", 0.0] * (most - len(told) // 2)


def _two_notes(plan: Sequence[Sequence[float]], now_s: float) -> list[float]:
    """The note of a plan that sounds now, and the first that is yet to come: onset from now, pitch, length each."""
    sounding = [note for note in plan if note[0] <= now_s and (not note[2] or now_s < note[0] + note[2])]
    coming = [note for note in plan if note[0] > now_s]
    told: list[float] = []
    for onset_s, pitch, length_s in (max(sounding, default=(now_s, 0.0, 0.0)), min(coming, default=(now_s, 0.0, 0.0))):
        told += [onset_s - now_s, pitch, length_s]
    return told


def _beat(beat: Sequence[float], now_s: float) -> tuple[float, float]:
    """Beats per minute, and how long until the next one; 0 and 0 where none is known."""
    if len(beat) < 2 or beat[1] <= 0:
        return 0.0, 0.0
    return beat[1], (beat[0] - now_s) % (60.0 / beat[1])
