"""Packets out of a stream of bytes and back: OSC 1.1's SLIP (RFC 1055), or OSC 1.0's length before each packet.

Both keep at most one packet of `wire.MAX_BYTES`, whatever comes. `pythonosc.slip` frames and unframes a packet; it keeps
no stream, and python-osc's own TCP server reads on without end until a frame is closed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pythonosc import slip

from . import wire

_MOST_ESCAPED = 2 * wire.MAX_BYTES  # every byte may have been escaped


class Slip:
    """Frames that begin and end with 0xC0. A frame that is too long or escapes what needs no escape is given as Malformed,
    and the next one is read."""

    def __init__(self) -> None:
        self._frame = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | wire.Malformed]:
        """Take what came, and give each packet that is whole now."""
        *whole, rest = data.split(slip.END)
        for part in whole:
            self._keep(part)
            if self._too_long:
                yield wire.Malformed(f"SLIP frame of more than {_MOST_ESCAPED} bytes")
            elif self._frame:
                yield _unescaped(bytes(self._frame))
            self._frame.clear()
            self._too_long = False
        self._keep(rest)

    @staticmethod
    def frame(packet: bytes) -> bytes:
        """Give the bytes that carry one packet."""
        return slip.encode(packet)

    def _keep(self, part: bytes) -> None:
        if len(self._frame) + len(part) > _MOST_ESCAPED:
            self._too_long = True
            self._frame.clear()
        elif not self._too_long:
            self._frame += part


class Sized:
    """Packets with their length before them, 4 bytes. One that is too long is given as Malformed, and passed over."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._passing_over = 0

    def feed(self, data: bytes) -> Iterator[bytes | wire.Malformed]:
        """Take what came, and give each packet that is whole now."""
        over = min(self._passing_over, len(data))
        self._passing_over -= over
        self._kept += memoryview(data)[over:]
        while len(self._kept) >= 4:
            (size,) = struct.unpack_from(">I", self._kept)
            if size > wire.MAX_BYTES:
                here = min(size, len(self._kept) - 4)
                self._passing_over = size - here
                del self._kept[: 4 + here]
                yield wire.Malformed(f"packet of {size} bytes, at most {wire.MAX_BYTES} are taken")
            elif len(self._kept) < 4 + size:
                return
            else:
                packet = bytes(self._kept[4 : 4 + size])
                del self._kept[: 4 + size]
                yield packet

    @staticmethod
    def frame(packet: bytes) -> bytes:
        """Give the bytes that carry one packet."""
        return struct.pack(">I", len(packet)) + packet


def framing_of(first: int) -> Slip | Sized:
    """Tell the framing by a stream's first byte: a length that we would take begins with 0, which no SLIP frame of OSC does."""
    return Sized() if first == 0 else Slip()


def _unescaped(frame: bytes) -> bytes | wire.Malformed:
    try:
        return slip.decode(frame)
    except slip.ProtocolError:
        return wire.Malformed("SLIP frame with a wrong escape")
