"""The player's register of works: what is not to be quoted, and what is their own and may be.

One JSON file a work, in `home()/guard/works`: title, owner, whether it is the player's own, and its lines as pitches in semitones
and waits in quarter notes or seconds (a tempo means nothing here). It is read when the instrument starts, and not again while it
plays.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UsageError, did_you_mean
from ..home import home
from .quotes import Melody, Work, works_of
from .register import entries

FORMAT = 1
SHORTEST = 6
"""Notes; a shorter line says nothing."""
_MOST_BYTES, _MOST_NOTES, _MOST_WORKS = 8_000_000, 100_000, 2000
_REGISTERED = 1 << 32


@dataclass(frozen=True)
class Registered:
    """A work in the register. `name` is its file's; each of `lines` is (pitches (n,), waits (n,))."""

    name: str
    title: str
    owner: str
    own: bool
    file: str
    added: str
    lines: tuple[tuple[np.ndarray, np.ndarray], ...]

    @property
    def notes(self) -> int:
        return sum(len(pitches) for pitches, _ in self.lines)

    @property
    def key(self) -> int:
        """What a status names it by, whatever else is registered: above every number of a bundle's melodies."""
        return _REGISTERED + zlib.crc32(self.name.encode())

    def as_json(self) -> dict:
        """All but the notes themselves."""
        told = {key: getattr(self, key) for key in ("name", "title", "owner", "own", "file", "added", "notes")}
        return told | {"lines": len(self.lines)}


def folder() -> Path:
    """Where the register lies. It need not exist."""
    return home() / "guard" / "works"


def read() -> tuple[list[Registered], list[str]]:
    """All works, by name, and a line for each file that can't be read as one."""
    return entries(folder(), "work", _MOST_WORKS, _read)


def melodies() -> list[Melody]:
    """The register as the guard takes it. What can't be read is left out: `guard work list` tells of it."""
    found = []
    for work in read()[0]:
        named = Work(work.title, work.owner, "registered works", "registered by the player", own=work.own, key=work.key)
        found += [Melody(named, pitches, waits) for pitches, waits in work.lines]
    return found


def add(title: str, lines: Sequence[tuple[np.ndarray, np.ndarray]], owner: str = "", own: bool = False,
        file: str = "") -> Registered:
    """Register a work; one of the same title is replaced. Raises UsageError for one with no melody, or too much of it."""
    lines = [(np.asarray(p, np.float64), np.asarray(w, np.float64)) for p, w in lines if len(p) >= SHORTEST]
    notes = sum(len(pitches) for pitches, _ in lines)
    if not lines:
        raise UsageError(f"{file or title}: no line of {SHORTEST} notes or more in it; nothing to guard")
    if notes > _MOST_NOTES:
        raise UsageError(f"{file or title}: {notes} notes; a work has at most {_MOST_NOTES}")
    title = " ".join(title.split())[:200]
    name = re.sub(r"[^\w-]+", "-", title.lower()).strip("-")[:60] or "work"
    taken = {work.name: work.title for work in read()[0]}
    if len(taken) >= _MOST_WORKS:
        raise UsageError(f"the register holds {_MOST_WORKS} works, which is the most; remove one")
    base, number = name, 2
    while taken.get(name, title) != title:
        name, number = f"{base}-{number}", number + 1
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    work = Registered(name, title, " ".join(owner.split())[:200], own, file, now, tuple(lines))
    _write(work)
    return work


def remove(name: str) -> Registered:
    """Take a work out. Raises UsageError where there is none of that name."""
    work = find(name)
    try:
        (folder() / f"{work.name}.json").unlink()
    except OSError as error:
        raise UsageError(f"{folder() / work.name}.json: can't be removed ({error.strerror})") from None
    return work


def mark_own(name: str, own: bool) -> Registered:
    """Say whether a work is the player's own. Raises UsageError where there is none of that name."""
    work = find(name)
    work = Registered(**{**vars(work), "own": own})
    _write(work)
    return work


def find(name: str) -> Registered:
    """The work of a name, or of a title. Raises UsageError with the nearest where there is none."""
    found, _ = read()
    for work in found:
        if name in (work.name, work.title):
            return work
    near = did_you_mean(name, [work.name for work in found])
    raise UsageError(f"no work {name!r} in the register{near or '; `antiphon guard work list` shows all'}")


def name_of(key: int, learned: Path | None) -> str:
    """The name of the work that a status tells of by its key; `learned` is a bundle's constant. Empty where there is none."""
    if key >= _REGISTERED:
        return next((work.title + (f", {work.owner}" if work.owner else "") for work in read()[0] if work.key == key), "")
    works = works_of(learned) if learned else ()
    return works[key].name if 0 <= key < len(works) else ""


def digest() -> str:
    """A checksum of what the register holds the guard to: answers are the same only where it is the same."""
    found = hashlib.sha256()
    for work in read()[0]:
        found.update(f"{work.name}\0{work.own}\0".encode())
        for pitches, waits in work.lines:
            found.update(np.stack([pitches, waits]).astype("<f8").tobytes())
    return found.hexdigest()


def _read(path: Path) -> Registered:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES / 1e6:.0f} MB")
    told = json.loads(path.read_text(encoding="utf-8"))
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']!r}, expected {FORMAT}")
    lines = []
    for line in told["lines"]:
        notes = np.array(line, np.float64).reshape(-1, 2)
        if not np.isfinite(notes).all() or np.abs(notes).max(initial=0) > 1e6:
            raise ValueError("a note in it is none")
        lines.append((notes[:, 0], notes[:, 1]))
    if sum(len(pitches) for pitches, _ in lines) > _MOST_NOTES:
        raise ValueError(f"more than {_MOST_NOTES} notes")
    words = [str(told[key])[:200] for key in ("title", "owner", "file", "added")]
    return Registered(path.stem, words[0], words[1], bool(told["own"]), words[2], words[3], tuple(lines))


def _write(work: Registered) -> None:
    told = {
        "format": FORMAT, "title": work.title, "owner": work.owner, "own": work.own, "file": work.file, "added": work.added,
        "lines": [np.stack(line, 1).round(4).tolist() for line in work.lines],
    }  # fmt: skip
    path = folder() / f"{work.name}.json"
    half = path.with_suffix(".half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        os.replace(half, path)
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror})") from None
