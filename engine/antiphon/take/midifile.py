"""The notes of a take as a standard MIDI file of type 1: a track for the time and the words, one for each of the two.

120 quarters a minute of 960 ticks: 1920 ticks a second, so a note is at most 0.26 ms from where it was. Cents are pitch
bend, its range set to 2 semitones; loudness is velocity as General MIDI has it (40 log10(v / 127) dB).
"""

from __future__ import annotations

import heapq
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from .chain import hash_span
from .form import LINE_MOST, MIDI_WORDS, sync

TICKS_PER_QUARTER = 960
TICKS_PER_SECOND = 2 * TICKS_PER_QUARTER
BEND_SEMITONES = 2
WHO = ("performer", "voice")
_PROGRAMS = {"performer": 53, "voice": 54}  # voice oohs, synth voice; counted from 0
_DELTA_MOST = 0x0FFFFFFF


def write(target: BinaryIO, notes: Callable[[], Iterable[dict]], samplerate: int, frames: int, title: str, words: str) -> None:
    """Write a MIDI file to `target`, which can seek.

    `notes` gives them as often as it is asked: {"who", "frame", "length", "pitch", "loudness_db"}, in any order. Memory
    goes with how far they are out of order, not with how many there are.
    """
    target.write(b"MThd" + (6).to_bytes(4) + (1).to_bytes(2) + (1 + len(WHO)).to_bytes(2) + TICKS_PER_QUARTER.to_bytes(2))
    end = _tick(frames, samplerate)
    tempo = _meta(0x51, (500_000).to_bytes(3))
    _track(target, [(0, _meta(0x03, _text(title)) + b"\0" + _meta(0x01, _text(words)) + b"\0" + tempo)], end)
    for channel, who in enumerate(WHO):
        _track(target, _events(who, channel, notes, samplerate), end)


def make(file: int, notes: int, about: dict, frames: int) -> list:
    """Write the MIDI file of the whole lines in the open file `notes` into the open file `file`; give its size and SHA-256."""
    length = os.fstat(notes).st_size

    def read() -> Iterator[dict]:
        with open(os.dup(notes), "rb") as source:
            source.seek(0)
            left = length
            while left > 0 and (line := source.readline(LINE_MOST)):
                left -= len(line)
                yield json.loads(line)

    with open(os.dup(file), "w+b") as target:
        write(target, read, about["samplerate"], frames, f"Antiphon take {about['id']}", MIDI_WORDS.format(id=about["id"]))
        target.flush()
        sync(target.fileno())
        size = target.tell()
        return [size, hash_span(target, 0, size)]


def bend(pitch: float) -> tuple[int, int]:
    """Give the key, 0..127, and the pitch bend, 0..16383, that together are a pitch."""
    key = min(max(round(pitch), 0), 127)
    return key, min(max(8192 + round((pitch - key) * 8192 / BEND_SEMITONES), 0), 16383)


def velocity(loudness_db: float) -> int:
    """Give the velocity, 1..127, of a loudness in dB of full scale."""
    return min(max(round(127 * 10 ** (loudness_db / 40)), 1), 127)


def _events(who: str, channel: int, notes: Callable[[], Iterable[dict]], samplerate: int) -> Iterator[tuple[int, bytes]]:
    """Yield (tick, message) in order."""
    on, off, control, turn = 0x90 | channel, 0x80 | channel, 0xB0 | channel, 0xE0 | channel
    rpn = b"\0".join(bytes((control, *pair)) for pair in ((101, 0), (100, 0), (6, BEND_SEMITONES), (38, 0), (101, 127), (100, 127)))
    yield 0, _meta(0x03, who.encode()) + b"\0" + bytes((0xC0 | channel, _PROGRAMS[who])) + b"\0" + rpn
    sounding: Counter[int] = Counter()
    bent = 8192
    for tick, _, _, key, turned, loud in _in_order(_of(who, notes), samplerate):
        if loud:
            if turned != bent:
                bent = turned
                yield tick, bytes((turn, bent & 127, bent >> 7))
            if sounding[key]:  # the same key again while it is held: begun anew, and let go by the last of them
                yield tick, bytes((off, key, 0))
            sounding[key] += 1
            yield tick, bytes((on, key, loud))
        else:
            sounding[key] -= 1
            if not sounding[key]:
                yield tick, bytes((off, key, 0))


def _of(who: str, notes: Callable[[], Iterable[dict]]) -> Callable[[], Iterator[dict]]:
    return lambda: (note for note in notes() if note["who"] == who)


def _in_order(notes: Callable[[], Iterable[dict]], samplerate: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield (tick, 0 off | 1 on, nth, key, bend, velocity or 0) in order of time; a key is let go before one is struck.

    Notes are written when they end: looked through once for how late a beginning can come, then sorted within that.
    """
    latest = disorder = 0
    for note in notes():
        begin, end = _span(note, samplerate)
        latest = max(latest, end)
        disorder = max(disorder, latest - begin)
    waiting: list[tuple[int, int, int, int, int, int]] = []
    latest = 0
    for nth, note in enumerate(notes()):
        begin, end = _span(note, samplerate)
        key, turned = bend(note["pitch"])
        heapq.heappush(waiting, (begin, 1, nth, key, turned, velocity(note["loudness_db"])))
        heapq.heappush(waiting, (end, 0, nth, key, turned, 0))
        latest = max(latest, end)
        while waiting and waiting[0][0] < latest - disorder:
            yield heapq.heappop(waiting)
    while waiting:
        yield heapq.heappop(waiting)


def _span(note: dict, samplerate: int) -> tuple[int, int]:
    begin = max(_tick(note["frame"], samplerate), 0)
    return begin, max(_tick(note["frame"] + note["length"], samplerate), begin + 1)


def _tick(frame: int, samplerate: int) -> int:
    return (2 * frame * TICKS_PER_SECOND + samplerate) // (2 * samplerate)


def _track(target: BinaryIO, events: Iterable[tuple[int, bytes]], end: int) -> None:
    """Write one track; each message may hold several, the deltas between them in it. It ends where the take does."""
    start = target.tell()
    target.write(b"MTrk\0\0\0\0")
    at = 0
    for tick, message in events:
        target.write(_delta(tick - at) + message)
        at = tick
    target.write(_delta(max(end - at, 0)) + _meta(0x2F, b""))
    past = target.tell()
    target.seek(start + 4)
    target.write((past - start - 8).to_bytes(4))
    target.seek(past)


def _delta(ticks: int) -> bytes:
    """Write a time; one longer than a delta holds, 38 hours, by way of empty texts."""
    over, ticks = divmod(ticks, _DELTA_MOST)
    return (_variable(_DELTA_MOST) + _meta(0x01, b"")) * over + _variable(ticks)


def _variable(number: int) -> bytes:
    written = [number & 127]
    while number := number >> 7:
        written.append(128 | (number & 127))
    return bytes(reversed(written))


def _meta(kind: int, content: bytes) -> bytes:
    return bytes((0xFF, kind)) + _variable(len(content)) + content


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")
