"""The header of a stem: WAV at 24 bits that can be read while it grows, and that becomes RF64 where it must.

EBU Tech 3306 (RF64): a JUNK chunk as long as a ds64 comes first and turns into one when a size no longer fits 32 bits.
EBU Tech 3285 (BWF): the bext chunk. The header's bytes follow from what a take is, and from how long it is, alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime

import numpy as np

RIFF_MOST = 2**32 - 2
"""The largest size that stands in 32 bits; one more is RF64's way to say that it stands elsewhere."""
_ELSEWHERE = 0xFFFFFFFF
_PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
_TEXT_MOST = 200
WORD = 3
"""Bytes of a sample."""


@dataclass(frozen=True)
class Wave:
    """A WAV file but for its length: `chunks` are those that stand between fmt and data, whole."""

    samplerate: int
    channels: int
    chunks: bytes = b""

    @property
    def frame_bytes(self) -> int:
        return self.channels * WORD

    @property
    def head(self) -> int:
        """Bytes before the first frame."""
        return len(self.header(0))

    def padding(self, frames: int) -> bytes:
        """What stands after the last frame, so that a chunk after it begins at an even byte."""
        return bytes(frames * self.frame_bytes % 2)

    def header(self, frames: int, after: int = 0) -> bytes:
        """Write the header of a file of so many frames; `after` is all that follows the last, padding included, in bytes."""
        block = self.frame_bytes
        plain = struct.pack("<HHIIHH", 1, self.channels, self.samplerate, self.samplerate * block, block, 8 * WORD)
        if self.channels > 2:  # which speaker a channel is for is not told: it is for the jack it went to
            wide = struct.pack("<H", 0xFFFE) + plain[2:] + struct.pack("<HHI", 22, 8 * WORD, 0) + _PCM_GUID
        form = chunk(b"fmt ", wide if self.channels > 2 else plain)
        size = frames * block
        whole = 4 + 36 + len(form) + len(self.chunks) + 8 + size + after
        if whole > RIFF_MOST:
            sizes = chunk(b"ds64", struct.pack("<QQQI", whole, size, frames, 0))
            start = struct.pack("<4sI4s", b"RF64", _ELSEWHERE, b"WAVE") + sizes
            size = _ELSEWHERE
        else:
            start = struct.pack("<4sI4s", b"RIFF", whole, b"WAVE") + chunk(b"JUNK", bytes(28))
        return start + form + self.chunks + struct.pack("<4sI", b"data", size)


def chunk(name: bytes, content: bytes) -> bytes:
    """Write one chunk, padded to an even length."""
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def describe(words: str, reference: str, started: str, samplerate: int, artist: str, software: str) -> bytes:
    """Write the bext and LIST/INFO chunks: what a stem is made of, who performed, when it began (UTC), in plain words."""
    began = datetime.fromisoformat(started)
    midnight = began.replace(hour=0, minute=0, second=0, microsecond=0)
    frames = int((began - midnight).total_seconds() * samplerate)
    bext = struct.pack(
        "<256s32s32s10s8sQH",
        _ascii(words),
        b"Antiphon",
        _ascii(reference)[:32],
        f"{began:%Y-%m-%d}".encode(),
        f"{began:%H:%M:%S}".encode(),
        frames,
        1,
    ) + bytes(64 + 190)
    said = [(b"IART", artist), (b"ICMT", words), (b"ICRD", f"{began:%Y-%m-%d}"), (b"ISFT", software)]
    info = b"".join(chunk(name, _text(text) + b"\0") for name, text in said if text)
    return chunk(b"bext", bext) + chunk(b"LIST", b"INFO" + info)


def pack(pcm: np.ndarray) -> bytes:
    """Write (frames, channels) int32, 24-bit words in the upper bits, as the bytes of a WAV."""
    return np.ascontiguousarray(pcm, "<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()


def following(file, at: int, size: int) -> list[tuple[str, int]] | None:
    """List the chunks (name, bytes) from byte `at` of an open file to its end at `size`; None where they do not add up."""
    found = []
    while at < size:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not head[:4].isascii() or len(found) == 64:
            return None
        length = int.from_bytes(head[4:], "little")
        at += 8 + length + length % 2
        found.append((head[:4].decode("ascii"), length))
    return found if at == size else None


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")


def _text(text: str) -> bytes:
    return text.replace("\0", " ").encode("utf-8", "replace")[:_TEXT_MOST].decode("utf-8", "ignore").encode()
