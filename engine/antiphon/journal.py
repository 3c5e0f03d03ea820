"""The model's journal while a take runs: all that its steps were told and a digest of what they made, so that they can be made again.

The worker writes records into a ring of the segment; the recorder keeps their bytes; a replay reads them. A record is eight bytes
(kind, length) and its content, padded to whole words of 32 bits. Nothing here waits: a record that finds no room is left out,
and so is everything after it until the state is written down anew.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator

import numpy as np

from .kernels import Ring, lib
from .layout import Segment
from .tape import Begun, begun

BEGIN, TAPE, PARAMS, PRIME, OPEN, STEP, NOTE, BREAK = b"BTPHOSNX"
"""Kinds of records: where steps begin and from what state; where the tape does (the recorder writes it); the mailbox's values from
here on; hops of the past that were heard; the voice was opened; one step; a note that ended; records are missing here."""

_HEAD, _PRIME, _STEP = struct.Struct("<B3xI"), struct.Struct("<QII"), struct.Struct("<QId16s")
DIGEST_BYTES = 16


class Journal:
    """The worker's side; its thread. `epoch` is of the tape that is being journaled, 0 none."""

    def __init__(self, segment: Segment):
        self._segment = segment.pointer
        self._ring = Ring(pointer=lib.ap_segment_journal(segment.pointer))
        self._params = b""
        self.epoch = 0

    def due(self, position: int) -> Begun | None:
        """The tape that has begun by this position of the microphone and is not journaled yet. None while half of the journal
        waits to be read: a state is not put down at each step of a disk that stands still."""
        if not self._running():
            self.epoch = 0
            return None
        if self.epoch or self._ring.writable < self._ring.capacity // 2:
            return None
        there = begun(self._segment)
        return there if there and position >= there.clock else None

    def begin(self, epoch: int, **about) -> None:
        """Steps are told from here on; `about` says from what state."""
        self._params = b""
        self.epoch = epoch
        self._put(BEGIN, json.dumps({"epoch": epoch, **about}).encode())

    def primed(self, position: int, hops: int, behind: int, params: np.ndarray) -> None:
        """These hops of the past were heard, the first of them read from the microphone's `position`."""
        if self._follows(params):
            self._put(PRIME, _PRIME.pack(position, hops, behind))

    def opened(self, params: np.ndarray) -> None:
        """The voice was opened: its resampler begins anew."""
        if self._follows(params):
            self._put(OPEN, b"")

    def stepped(self, position: int, frames: int, due_s: float, params: np.ndarray, voice: np.ndarray) -> None:
        """A step: what it read of the microphone, when its voice is due, and what that was, (frames,) float32 at the device's rate."""
        if self._follows(params):
            self._put(STEP, _STEP.pack(position, frames, due_s, digest(voice)))

    def note(self, who: str, position: int, frames: int, pitch: float, loudness_db: float) -> None:
        """A note ended, of "performer" or "voice": the clock at its beginning, how long it was, its pitch in semitones."""
        if self.epoch:
            self._put(NOTE, json.dumps([who, position, frames, round(pitch, 3), round(loudness_db, 1)]).encode())

    def _running(self) -> bool:
        """Whether there is a tape: what is heard after it was broken off is not on it, and can't be made again."""
        return bool(lib.ap_segment_tape_epoch(self._segment) & 1) and not lib.ap_segment_tape_broken(self._segment)

    def _follows(self, params: np.ndarray) -> bool:
        """Whether steps are told; what has changed in the mailbox's values is told first."""
        if not self.epoch or not self._running() or int(lib.ap_segment_tape_epoch(self._segment)) != self.epoch:
            self.epoch = 0
            return False
        values = params.tobytes()
        if values != self._params:
            self._params = values
            self._put(PARAMS, values)
        return bool(self.epoch)

    def _put(self, kind: int, content: bytes) -> None:
        words = np.frombuffer(record(kind, content), np.float32)
        if self._ring.writable < len(words) + 2:  # two words are left for saying so
            self.epoch = 0
            self._ring.write(np.frombuffer(record(BREAK, b""), np.float32))
            return
        self._ring.write(words)


def state_name(begin: dict) -> str:
    """How a take calls the file with the state that steps begin from; `begin` is what BEGIN says. One epoch may have several."""
    return f"state-{begin['epoch']}-{begin['position']}.bin"


def record(kind: int, content: bytes) -> bytes:
    """One record as it is written."""
    return _HEAD.pack(kind, len(content)) + content + bytes(-len(content) % 4)


def records(data: bytes) -> Iterator[tuple[int, object]]:
    """Read whole records: (kind, content): a dict of BEGIN and TAPE, values of PARAMS (n,) float64, (position, hops, behind) of
    PRIME, (position, frames, due_s, digest) of STEP, a list of NOTE, None of BREAK. Ends where what follows is no whole record."""
    at = 0
    while at + _HEAD.size <= len(data):
        kind, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + length > len(data):
            return
        content = data[at : at + length]
        at += length + -length % 4
        try:
            yield kind, _read(kind, content)
        except (ValueError, struct.error):  # not ours: whoever compares digests finds it
            return


def whole(data: bytes) -> int:
    """Bytes of `data` that are whole records."""
    at = 0
    while at + _HEAD.size <= len(data):
        length = _HEAD.unpack_from(data, at)[1]
        end = at + _HEAD.size + length + -length % 4
        if end > len(data):
            break
        at = end
    return at


def digest(voice: np.ndarray) -> bytes:
    """What a hop of voice is known by: BLAKE2b over its bytes."""
    return hashlib.blake2b(np.ascontiguousarray(voice, np.float32).tobytes(), digest_size=DIGEST_BYTES).digest()


def _read(kind: int, content: bytes) -> object:
    if kind in (BEGIN, TAPE, NOTE):
        return json.loads(content)
    if kind == PARAMS:
        return np.frombuffer(content, np.float64)
    if kind == PRIME:
        return _PRIME.unpack(content)
    if kind == STEP:
        return _STEP.unpack(content)
    return None
