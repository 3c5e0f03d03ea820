"""Where content credentials lie in a sound file: read without any library, and put there without moving the sound.

WAV: a chunk `C2PA` at the end of the RIFF. It is appended first and the RIFF's size, four bytes, is written last, so that a
file whose signing was cut off is the file it was, with bytes after its end that `seal` takes away again.
FLAC: an ID3v2 tag before the stream with one GEOB frame; that moves the stream, so the file is written anew and put in place.
All else, RF64 among it: a file of the same name that ends in .c2pa, beside it.

C2PA 2.x, A.3 (embedding) and 18.5 (data hash: SHA-256 of all of the file but the manifest).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import UsageError

INSIDE, BESIDE = "in the file", "beside it"
SIDECAR = ".c2pa"
_BLOCK = 1 << 20
_MANIFEST_MOST = 64 << 20
_RIFF_MOST = 2**32 - 2
_CHUNKS_MOST = 4096
_GEOB = b"\x03application/c2pa\0c2pa\0c2pa manifest store\0"
_MIME = {"wav": "audio/wav", "rf64": "audio/wav", "flac": "audio/flac"}


@dataclass(frozen=True)
class Container:
    """What was found in a file. Ranges are (start, bytes).

    `form` is "wav", "rf64", "flac" or "other"; `manifest` where credentials lie in it; `sound` where a WAV's frames lie; `end`
    where a chunk may be appended, None where none may; `cut` whether a signing was cut off there. `md5` is what a FLAC
    file says of its own sound.
    """

    path: Path
    size: int
    form: str = "other"
    manifest: tuple[int, int] | None = None
    sound: tuple[int, int] | None = None
    end: int | None = None
    cut: bool = False
    md5: str = ""

    @property
    def mime(self) -> str | None:
        """The media type; None where it is left to the reader."""
        return _MIME.get(self.form)

    @property
    def sidecar(self) -> Path:
        """The file beside it that may hold its credentials, as other C2PA readers look for it."""
        return self.path.with_suffix(SIDECAR)


@dataclass(frozen=True)
class Sealed:
    """Credentials that were put in place: the manifest, and where it lies, INSIDE or BESIDE."""

    manifest: bytes
    where: str


def look(path: str | Path) -> Container:
    """Look where credentials are or may be. Raises UsageError for a file that cannot be read."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UsageError(f"{path}: is not a file; give a sound file")
        with open(path, "rb") as file:
            head = file.read(12)
            if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE":
                return _wav(path, file, size, head)
            if head[:4] == b"fLaC" or head[:3] == b"ID3":
                return _flac(path, file, size)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    return Container(path, size)


def manifest(container: Container) -> tuple[bytes, str] | None:
    """Read the manifest of a file, and say where it was: INSIDE or BESIDE. None where there is none."""
    try:
        if container.manifest:
            with open(container.path, "rb") as file:
                file.seek(container.manifest[0])
                return file.read(container.manifest[1]), INSIDE
        beside = container.sidecar
        if beside != container.path and beside.is_file() and beside.stat().st_size <= _MANIFEST_MOST:
            return beside.read_bytes(), BESIDE
    except OSError as error:
        raise UsageError(f"{error.filename}: cannot be read ({error.strerror})") from None
    return None


def sound_of(container: Container) -> str:
    """Name the sound itself, whatever stands around it: "sha256:…" of a WAV's frames, "flac-md5:…" of FLAC's; "" of others."""
    if container.form == "flac":
        return f"flac-md5:{container.md5}"
    if container.sound is None:
        return ""
    with open(container.path, "rb") as file:
        whole = hashlib.sha256()
        _feed(file, container.sound[0], sum(container.sound), whole)
    return f"sha256:{whole.hexdigest()}"


def seal(path: str | Path, make: Callable[[dict, str], bytes], name_sound: bool = True) -> Sealed:
    """Put credentials into a file, or beside it where its form has no place for them.

    `make(binding, sound)` gives a manifest for the data hash and the name of the sound (see `sound_of`; "" where it is not
    wanted, which halves what a WAV costs), always of the same length for bindings of the same size. Reads the file once, and
    writes only the manifest into a WAV; the sound's bytes stay. Raises UsageError where the file already carries
    credentials or cannot be written; it is then as it was.
    """
    place = look(path)
    if place.manifest:
        raise UsageError(f"{path}: already carries content credentials; sign the file they were made from")
    try:
        if place.form == "wav" and place.end is not None:
            return _into_wav(place, make, name_sound)
        if place.form == "flac" and place.end is not None:
            return _into_flac(place, make)
        return _beside(place, make, name_sound)
    except OSError as error:
        raise UsageError(f"{path}: the credentials cannot be written ({error.strerror})") from None


def _into_wav(place: Container, make, name_sound: bool) -> Sealed:
    start = place.end + place.end % 2  # a chunk begins at an even byte
    size = _size(make, start, 8, "sha256:" + "0" * 64 if name_sound else "")
    tail = start + 8 + size + size % 2
    if tail - 8 > _RIFF_MOST:
        return _beside(place, make, name_sound)
    riff = struct.pack("<I", tail - 8)
    with open(place.path, "r+b") as file:
        whole = hashlib.sha256(b"RIFF" + riff)
        sound = _hash(file, place, 8, place.end, whole, name_sound)
        whole.update(bytes(start - place.end + size % 2))
        made = make(_binding(whole.digest(), start, 8 + size), sound)
        assert len(made) == size
        try:
            file.seek(place.end)
            file.write(bytes(start - place.end) + b"C2PA" + struct.pack("<I", size) + made + bytes(size % 2))
            file.truncate()
            _settle(file)
        except OSError:
            file.truncate(place.end)
            raise
        file.seek(4)
        file.write(riff)
        _settle(file)
    return Sealed(made, INSIDE)


def _into_flac(place: Container, make) -> Sealed:
    before = 20 + len(_GEOB)
    size = _size(make, before, 0, f"flac-md5:{place.md5}")
    body = len(_GEOB) + size
    tag = b"ID3\x04\0\0" + _syncsafe(10 + body) + b"GEOB" + _syncsafe(body) + b"\0\0" + _GEOB
    target = place.path.resolve()  # a link stays a link
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(place.path, "rb") as source, open(part, "wb") as file:
            shutil.copymode(place.path, part)
            file.write(tag + bytes(size))
            whole = hashlib.sha256(tag)
            _feed(source, 0, place.size, whole, file)
            made = make(_binding(whole.digest(), before, size), f"flac-md5:{place.md5}")
            assert len(made) == size
            file.seek(before)
            file.write(made)
            _settle(file)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return Sealed(made, INSIDE)


def _beside(place: Container, make, name_sound: bool) -> Sealed:
    whole = hashlib.sha256()
    with open(place.path, "rb") as file:
        sound = _hash(file, place, 0, place.size, whole, name_sound)
    made = make(_binding(whole.digest()), sound)
    part = place.sidecar.with_name(f".{place.sidecar.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(made)
            _settle(file)
        os.replace(part, place.sidecar)
    finally:
        part.unlink(missing_ok=True)
    return Sealed(made, BESIDE)


def _size(make, start: int, around: int, sound: str) -> int:
    """Find how long a manifest will be: its length is in its own data hash, as a number that takes more bytes when larger."""
    size = 1 << 14
    for _ in range(4):
        size, guess = len(make(_binding(bytes(32), start, around + size), sound)), size
        if size == guess:
            break
    return size


def _binding(digest: bytes, start: int | None = None, length: int = 0) -> dict:
    """Write the data hash assertion of a file; bytes as lists, which is how the library takes them."""
    excluded = {} if start is None else {"exclusions": [{"start": start, "length": length}]}
    return {**excluded, "name": "content credentials", "alg": "sha256", "hash": list(digest), "pad": []}


def _hash(file: BinaryIO, place: Container, start: int, stop: int, whole, name_sound: bool) -> str:
    """Hash a range of the file, and the frames in it by themselves; gives the name of the sound, "" where there is none."""
    if place.sound is None or not name_sound:
        _feed(file, start, stop, whole)
        return ""
    sound, first, last = hashlib.sha256(), place.sound[0], sum(place.sound)
    _feed(file, start, first, whole)
    _feed(file, first, last, whole, sound)
    _feed(file, last, stop, whole)
    return f"sha256:{sound.hexdigest()}"


def _feed(file: BinaryIO, start: int, stop: int, *takers) -> None:
    """Give a range's bytes to hashes (`update`) and files (`write`), a block at a time. Raises OSError where some are missing."""
    file.seek(start)
    block = memoryview(bytearray(_BLOCK))
    takes = [getattr(taker, "update", None) or taker.write for taker in takers]
    while start < stop:
        got = file.readinto(block[: min(_BLOCK, stop - start)])
        if not got:
            raise OSError(0, "it became shorter meanwhile")
        for take in takes:
            take(block[:got])
        start += got


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _wav(path: Path, file: BinaryIO, size: int, head: bytes) -> Container:
    wide = head[:4] == b"RF64"  # EBU Tech 3306: the sizes that do not fit are in the chunk ds64
    stop = size if wide else 8 + int.from_bytes(head[4:8], "little")
    at, found, sound, number, long = 12, None, None, 0, 0
    while at + 8 <= min(stop, size) and number < _CHUNKS_MOST:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if wide and name == b"ds64":
            long = int.from_bytes(file.read(16)[8:], "little")
        if wide and name == b"data" and length == 2**32 - 1:
            length = long
        if at + 8 + length > min(stop, size):
            break
        if name == b"C2PA" and found is None and length <= _MANIFEST_MOST:
            found = (at + 8, length)
        if name == b"data" and sound is None:
            sound = (at + 8, length)
        at, number = at + 8 + length + length % 2, number + 1
    if wide:
        return Container(path, size, "rf64", None, sound)
    file.seek(min(stop, size))
    after = file.read(5)  # of a signing that was cut off, or a byte that pads the last chunk
    cut = after.startswith((b"C2PA", b"\0C2PA"))
    whole = stop in (at, at - 1) and sound is not None and (stop == size or cut)
    return Container(path, size, "wav", found, sound, stop if whole else None, whole and cut)


def _flac(path: Path, file: BinaryIO, size: int) -> Container:
    file.seek(0)
    head = file.read(10)
    tag, found = 0, None
    if head[:3] == b"ID3" and len(head) == 10:
        tag = 10 + _plain(head[6:10])
        found = _geob(file, head[3], min(tag, size))
    file.seek(tag)
    stream = file.read(42)
    if stream[:4] != b"fLaC" or len(stream) < 42:
        return Container(path, size)  # an MP3 with its tag: the library's own business
    return Container(path, size, "flac", found, end=None if tag else 0, md5=stream[26:42].hex())


def _geob(file: BinaryIO, version: int, stop: int) -> tuple[int, int] | None:
    """Find the manifest among the frames of an ID3v2.3 or 2.4 tag."""
    at = 10
    while at + 10 <= stop:
        file.seek(at)
        name, size, _ = struct.unpack(">4s4s2s", file.read(10))
        length = _plain(size) if version >= 4 else int.from_bytes(size)
        if not name.strip(b"\0") or at + 10 + length > stop:
            return None
        if name == b"GEOB":
            head = file.read(min(length, 512))
            kind, _, rest = head[1:].partition(b"\0")
            if kind in (b"application/c2pa", b"application/x-c2pa-manifest-store") and head[0] in (0, 3):
                texts = rest.split(b"\0", 2)
                if len(texts) == 3:
                    before = len(head) - len(texts[2])
                    return at + 10 + before, length - before
        at += 10 + length
    return None


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def _plain(syncsafe: bytes) -> int:
    return sum((byte & 127) << shift for byte, shift in zip(syncsafe, (21, 14, 7, 0), strict=True))
