"""OSC 1.0 datagrams, bounded: bytes from a network in, typed messages out.

Why not python-osc's parser, which the tests hold this one against: an element of negative size in a bundle makes its
1.10.2 loop for ever, bundles nest as deep as they like, a string that is no UTF-8 raises UnicodeDecodeError, and every
unknown type tag writes a line to the log. All of these can be sent by anyone who reaches the port.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

MAX_BYTES = 16_384
MAX_NESTING = 4
MAX_MESSAGES = 256
MAX_ARGUMENTS = 256  # another instrument's status has 156
IMMEDIATELY = 1
_NTP_EPOCH_S = 2_208_988_800  # seconds from 1900 to 1970
_BUNDLE = b"#bundle\0"
_NUMBERS = {"i": ">i", "f": ">f", "d": ">d", "h": ">q", "t": ">Q", "r": ">I", "c": ">I"}
_FLOAT_MAX = (2 - 2**-23) * 2.0**127  # the largest 32-bit float
_CONSTANTS = {"T": True, "F": False, "N": None, "I": True}
_MAX_TEXT = 512

IMPULSE = object()
"""OSC 1.1's argument I, as `encode` takes it: something happens. It is read as True."""


class Malformed(ValueError):
    """These bytes are no OSC; the text is one line."""


class Message(NamedTuple):
    """One message; `time_s` is the latest time tag of the bundles it is in, in Unix seconds, None for at once."""

    address: str
    arguments: tuple
    time_s: float | None


def decode(datagram: bytes) -> list[Message]:
    """Decode one datagram, a message or a bundle of them; raise Malformed for anything else or too much of it."""
    if len(datagram) > MAX_BYTES:
        raise Malformed(f"datagram of {len(datagram)} bytes, at most {MAX_BYTES} are taken")
    messages: list[Message] = []
    for message in _packet(datagram, None, 0):
        messages.append(message)
        if len(messages) > MAX_MESSAGES:
            raise Malformed(f"bundle of more than {MAX_MESSAGES} messages")
    return messages


def encode(address: str, *arguments: object) -> bytes:
    """Encode one message of strings, bools, ints, floats, None and IMPULSE; strings are cut at 512 characters.

    Whole numbers beyond 32 bits go as floats, and floats as 32 bits, the nearest there is: Pd 0.53's [oscparse] drops d (and T,
    F, N and I), so that the other arguments of a list would move up. After a week of device time `beat` is coarse by 0.06 s
    for that; `next_beat` of feed/notes counts from now, and is not.
    """
    tags, data = [","], []
    for value in arguments:
        if value is None or value is IMPULSE or isinstance(value, bool):
            tags.append("N" if value is None else "I" if value is IMPULSE else "T" if value else "F")
        elif isinstance(value, int) and -(2**31) <= value < 2**31:
            tags.append("i")
            data.append(struct.pack(">i", value))
        elif isinstance(value, int | float):
            tags.append("f")
            data.append(struct.pack(">f", _fitting(value)))
        else:
            tags.append("s")
            data.append(_padded(str(value)[:_MAX_TEXT]))
    return b"".join((_padded(address), _padded("".join(tags)), *data))


def spoken(value: object) -> tuple:
    """Give the arguments that say a row's value: a list's numbers, or the word none where it holds none; else the value."""
    return (value or ("none",)) if isinstance(value, tuple) else (value,)


def _fitting(value: float) -> float:
    if math.isnan(value):
        return value
    return float(max(min(value, _FLOAT_MAX), -_FLOAT_MAX))


def _padded(text: str) -> bytes:
    data = text.encode("utf-8", "replace").replace(b"\0", b"?")
    return data + b"\0" * (4 - len(data) % 4)


def _packet(data: bytes, time_s: float | None, depth: int) -> Iterator[Message]:
    if not data.startswith(_BUNDLE):
        yield _message(data, time_s)
        return
    if depth >= MAX_NESTING:
        raise Malformed(f"bundles nested more than {MAX_NESTING} deep")
    (tag,) = _unpack(">Q", data, 8)
    if tag != IMMEDIATELY:  # what is inside is due no earlier than what it is in (OSC 1.0)
        own_s = tag / 2**32 - _NTP_EPOCH_S
        time_s = own_s if time_s is None else max(own_s, time_s)
    at = 16
    while at < len(data):
        (size,) = _unpack(">i", data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise Malformed(f"bundle element of {size} bytes where {len(data) - at} are left")
        yield from _packet(data[at : at + size], time_s, depth + 1)
        at += size


def _message(data: bytes, time_s: float | None) -> Message:
    address, at = _string(data, 0)
    if not address.startswith("/"):
        raise Malformed("neither an address that begins with / nor a bundle")
    if at >= len(data):  # senders of long ago leave out the type tags of a message without arguments
        return Message(address, (), time_s)
    tags, at = _string(data, at)
    if not tags.startswith(","):
        raise Malformed("type tags do not begin with a comma")
    if len(tags) > MAX_ARGUMENTS + 1:
        raise Malformed(f"{len(tags) - 1} arguments, at most {MAX_ARGUMENTS} are taken")
    arguments = []
    for tag in tags[1:]:
        if tag in _CONSTANTS:
            arguments.append(_CONSTANTS[tag])
        elif tag in _NUMBERS:
            arguments.append(_unpack(_NUMBERS[tag], data, at)[0])
            at += struct.calcsize(_NUMBERS[tag])
        elif tag in "sS":
            value, at = _string(data, at)
            arguments.append(value)
        elif tag == "b":
            (size,) = _unpack(">i", data, at)
            if size < 0 or at + 4 + size > len(data):
                raise Malformed(f"blob of {size} bytes where {len(data) - at - 4} are left")
            arguments.append(data[at + 4 : at + 4 + size])
            at += 4 + (size + 3) // 4 * 4
        elif tag == "m":
            arguments.append(_unpack("4s", data, at)[0])
            at += 4
        elif tag not in "[]":  # an array is taken flat: a list's numbers come either way
            raise Malformed(f"argument of type {tag!r}")
    return Message(address, tuple(arguments), time_s)


def _unpack(format: str, data: bytes, at: int) -> tuple:
    try:
        return struct.unpack_from(format, data, at)
    except struct.error:
        raise Malformed("cut short") from None


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise Malformed("a string without an end")
    try:
        return data[at:end].decode("utf-8"), (end + 4) & ~3
    except UnicodeDecodeError:
        raise Malformed("a string that is not UTF-8") from None
