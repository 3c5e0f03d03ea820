"""Manifests kept at home, by the payload of the mark: what was stripped from a file is found again through its sound.

A file PAYLOAD-KIND.c2pa each in the folder `manifests` of the player's home, PAYLOAD-KIND-2.c2pa where there is one, and a line
in index.jsonl. Nothing is ever taken away but by the owner (`clear`); when it is full no more is kept, and that is said.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UsageError
from ..home import home

MOST = 20_000
"""Manifests that are kept: at about 15 kB each, some 300 MB."""
INDEX = "index.jsonl"
_NAME = re.compile(r"([0-9a-f]{12})-([a-z-]+?)(?:-(\d+))?\.c2pa")
_INDEX_MOST = 64 << 20


@dataclass(frozen=True)
class Kept:
    """A manifest that was kept. `file` is the name of what was signed, `signed` when (ISO UTC, this machine's clock),
    `sound` names the sound as container.sound_of does; "" for what the index does not tell."""

    payload: str
    kind: str
    manifest: Path
    file: str = ""
    signed: str = ""
    sound: str = ""
    performer: str = ""
    bundle: str = ""

    def as_json(self) -> dict:
        return {**asdict(self), "manifest": str(self.manifest)}


def folder() -> Path:
    """Give where they lie."""
    return home() / "manifests"


def keep(manifest: bytes, payload: str, kind: str, **told: str) -> Path:
    """Keep a manifest. Raises UsageError where it cannot be written, or where there are MOST already."""
    where = folder()
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sum(1 for _ in os.scandir(where)) > MOST:
            raise UsageError(f"{where}: holds {MOST} manifests, no more are kept; antiphon credentials clear --before DATE")
        path = _new(where, f"{payload}-{kind}", manifest)
        line = json.dumps({"manifest": path.name, "payload": payload, "kind": kind, **told}, ensure_ascii=False)
        with open(where / INDEX, "a", encoding="utf-8") as index:
            index.write(line + "\n")
    except OSError as error:
        raise UsageError(f"{error.filename or where}: the manifest cannot be kept there ({error.strerror})") from None
    return path


def find(payload: str) -> list[Kept]:
    """List what was kept for a payload, 12 hex digits, in the order it was made. Raises UsageError for what is no payload."""
    payload = payload.strip().lower()
    if not re.fullmatch("[0-9a-f]{12}", payload):
        raise UsageError(f"{payload!r}: is no payload of a mark; it has 12 hexadecimal digits")
    return [one for one in everything() if one.payload == payload]


def everything() -> list[Kept]:
    """List all that was kept, oldest first; the files are the truth, the index only adds to it."""
    where = folder()
    try:
        paths = list(where.iterdir())
    except OSError:  # there is none, or it is not for us
        return []
    told = _index(where / INDEX)
    found = []
    for path in paths:
        if name := _NAME.fullmatch(path.name):
            said = {key: str(told.get(path.name, {}).get(key, "")) for key in ("file", "signed", "sound", "performer", "bundle")}
            found.append((said["signed"], int(name[3] or 1), Kept(name[1], name[2], path, **said)))
    return [one for *_, one in sorted(found, key=lambda entry: (*entry[:2], entry[2].manifest.name))]


def clear(before: str | None = None) -> int:
    """Take away manifests signed before a day (ISO, UTC), or all; say how many. Raises UsageError where one stays."""
    if before is not None and not re.fullmatch(r"\d{4}-\d\d-\d\d", before):
        raise UsageError(f"--before {before!r}: expected a day as 2026-08-02")
    gone, kept = [], []
    for one in everything():
        (gone if before is None or (one.signed and one.signed < before) else kept).append(one)
    where = folder()
    try:
        for one in gone:
            one.manifest.unlink(missing_ok=True)
        if gone:
            part = where / f".{INDEX}.{os.getpid()}"
            lines = (json.dumps({**one.as_json(), "manifest": one.manifest.name}, ensure_ascii=False) for one in kept)
            part.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
            os.replace(part, where / INDEX)
    except OSError as error:
        raise UsageError(f"{error.filename or where}: cannot be removed ({error.strerror})") from None
    return len(gone)


def _new(where: Path, stem: str, content: bytes) -> Path:
    """Write a file of a name that nobody has: two programs may keep at once."""
    number = 1
    while True:
        path = where / (f"{stem}.c2pa" if number == 1 else f"{stem}-{number}.c2pa")
        try:
            with open(path, "xb") as file:
                file.write(content)
            return path
        except FileExistsError:
            number += 1


def _index(path: Path) -> dict[str, dict]:
    told = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file.read(_INDEX_MOST).splitlines():
                try:
                    entry = json.loads(line)
                    told[entry["manifest"]] = entry
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue  # half a line of a program that was killed
    except OSError:
        pass
    return told
