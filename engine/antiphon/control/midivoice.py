"""MIDI out of what the instrument sings: notes with their bends, for a synthesizer to double it or a DAW to write down."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .midifollow import MidiOut

BEND_RANGE, MPE_BEND_RANGE = 2.0, 48.0  # semitones
_QUIETEST_DB, _LOUDEST_DB = -50.0, -6.0  # velocity 1 and 127
_CENTRE, _BEND_MOST = 8192, 16_383
_DYNAMICS_S = 0.02
_ALL_SOUND_OFF, _ALL_NOTES_OFF = 120, 123


@dataclass(frozen=True, slots=True)
class Sung:
    """What sounds at a moment: `note` counts the notes, `pitch` in semitones with its fraction, loudness in dB re full scale."""

    sounding: bool
    note: int = 0
    pitch: float = 0.0
    loudness_db: float = -120.0


@dataclass(frozen=True, slots=True)
class _Struck:
    note: int
    channel: int
    key: int


class MidiVoice:
    """Turns looks at what is sung into note on, note off, pitch bend and dynamics. Control thread only.

    Call `look` every 5 ms or so; looks that are missed heal at the next one. A glide bends the key that was struck, up to
    `bend_range` semitones, and strikes anew beyond. `dynamics` go out as expression (CC 11), as channel pressure, or not.
    With `mpe` each note has one of the member channels 2 to 16 in turn. No note stays: it ends with `silence`, with
    `close`, and before anything else when the port has been opened again.
    """

    def __init__(
        self,
        out: MidiOut,
        *,
        channel: int = 1,
        bend_range: float | None = None,
        dynamics: Literal["expression", "pressure", "off"] = "expression",
        mpe: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._out, self._clock, self._dynamics, self._mpe = out, clock, dynamics, mpe
        self._range = (MPE_BEND_RANGE if mpe else BEND_RANGE) if bend_range is None else min(max(float(bend_range), 1.0), 96.0)
        self._members = list(range(1, 16)) if mpe else [min(max(channel, 1), 16) - 1]
        self._turn = 0
        self._struck: _Struck | None = None
        self._sounding: int | None = None
        self._ended: int | None = None  # the note that panic ended; the model sings it a few looks longer
        self._bend: dict[int, int] = {}
        self._level: dict[int, int] = {}
        self._level_s = -math.inf
        self._closed = False
        out.opened.append(self._begin)
        if out.is_open:
            self._begin()

    def look(self, sung: Sung) -> None:
        """Take what sounds now."""
        if self._closed:
            return
        if not sung.sounding or not 0.0 < sung.pitch < 127.5 or not math.isfinite(sung.loudness_db):
            self._end()
            self._sounding = self._ended = None
            return
        self._sounding = sung.note
        if sung.note == self._ended:
            return
        self._ended = None
        struck = self._struck
        if struck is None or struck.note != sung.note or abs(sung.pitch - struck.key) > self._range:
            self._end()
            self._strike(sung)
        else:
            self._bend_to(struck.channel, sung.pitch - struck.key)
            self._swell(struck.channel, sung.loudness_db)

    def silence(self) -> None:
        """End what sounds, and all that may, at once: panic. The note that is sung now is not struck again."""
        self._ended = self._sounding
        self._end()
        for channel in self._members:
            self._out.send(0xB0 | channel, _ALL_NOTES_OFF, 0)
            self._out.send(0xB0 | channel, _ALL_SOUND_OFF, 0)

    def close(self) -> None:
        """End what sounds, for good. Harmless when called twice; the port is left open."""
        if not self._closed:
            self.silence()
            self._closed = True

    def _begin(self) -> None:
        """Tell a port that has just been opened how far bends go; what it may still play is ended."""
        self._struck = None
        self._bend.clear()
        self._level.clear()
        if self._mpe:
            self._parameter(0, 6, len(self._members), 0)  # MPE configuration: a lower zone of so many members
        whole = int(self._range)
        for channel in self._members:
            self._out.send(0xB0 | channel, _ALL_NOTES_OFF, 0)
            self._parameter(channel, 0, whole, round((self._range - whole) * 100))

    def _parameter(self, channel: int, number: int, coarse: int, fine: int) -> None:
        """Set a registered parameter, and leave none selected."""
        for controller, value in ((101, 0), (100, number), (6, coarse), (38, fine), (101, 127), (100, 127)):
            self._out.send(0xB0 | channel, controller, value)

    def _strike(self, sung: Sung) -> None:
        channel = self._members[self._turn % len(self._members)]
        self._turn += 1
        key = min(max(math.floor(sung.pitch + 0.5), 0), 127)
        self._bend_to(channel, sung.pitch - key)
        self._swell(channel, sung.loudness_db, at_once=True)
        if self._out.send(0x90 | channel, key, max(_level(sung.loudness_db), 1)):
            self._struck = _Struck(sung.note, channel, key)

    def _end(self) -> None:
        if self._struck is not None:
            struck, self._struck = self._struck, None
            self._out.send(0x80 | struck.channel, struck.key, 64)

    def _bend_to(self, channel: int, semitones: float) -> None:
        bend = min(max(round(_CENTRE + semitones / self._range * _CENTRE), 0), _BEND_MOST)
        if self._bend.get(channel, _CENTRE) != bend and self._out.send(0xE0 | channel, bend & 127, bend >> 7):
            self._bend[channel] = bend

    def _swell(self, channel: int, loudness_db: float, at_once: bool = False) -> None:
        level, now_s = _level(loudness_db), self._clock()
        if self._dynamics == "off" or self._level.get(channel) == level or not (at_once or now_s - self._level_s >= _DYNAMICS_S):
            return
        message = (0xB0 | channel, 11, level) if self._dynamics == "expression" else (0xD0 | channel, level)
        if self._out.send(*message):
            self._level[channel], self._level_s = level, now_s


def _level(loudness_db: float) -> int:
    """Give 0 to 127 for a loudness."""
    return min(max(round(1 + 126 * (loudness_db - _QUIETEST_DB) / (_LOUDEST_DB - _QUIETEST_DB)), 0), 127)
