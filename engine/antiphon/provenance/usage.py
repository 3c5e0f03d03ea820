"""What was played and rendered here: a log for the owner of the instrument alone, who may read it, clear it and switch it off.

A line of JSON a performance, in usage.jsonl of the player's folder; when that is full it becomes usage.old.jsonl, and what was
there goes: two megabytes at most, some thousands of performances. Nothing sends it anywhere.
"""

from __future__ import annotations

import json
import math
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from ..errors import UsageError
from ..home import home

MOST_BYTES = 1_000_000
"""Of one file."""
_MOST_LINE, _MOST_TEXT = 4096, 500


def path() -> Path:
    """Where the newest lines are."""
    return home() / "usage.jsonl"


def old_path() -> Path:
    """Where those before them are."""
    return home() / "usage.old.jsonl"


def off_path() -> Path:
    """The file that switches the log off by being there; what is in it does not matter."""
    return home() / "usage-off"


def is_on() -> bool:
    """Whether anything is noted."""
    return not off_path().exists()


def note(kind: str, **fields) -> bool:
    """Add a line: `kind` ("play", "render"), the time (UTC), and `fields`. Any thread but the audio's; it is one short write.

    Never raises and waits for nobody: what can't be written is not noted, and False is returned. A function among the fields is
    called here, so that what it raises is no trouble either. Numbers that are not finite become null, long texts are cut, what JSON
    has no word for is told in text.
    """
    try:
        if not is_on():
            return False
        when = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        line = json.dumps({"when": when, "kind": str(kind)[:_MOST_TEXT], **{key: _plain(value) for key, value in fields.items()}})
        data = line.encode() + b"\n"
        if len(data) > _MOST_LINE:
            return False
        _append(data)
        return True
    except Exception:  # whatever it is, it is no reason to stop playing
        return False


def entries() -> tuple[list[dict], int]:
    """Read the log, oldest line first, and how many lines could not be read. Raises UsageError where a file can't be opened."""
    found, damaged = [], 0
    for file in (old_path(), path()):
        try:
            lines = file.read_bytes().splitlines()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            if isinstance(entry, dict):
                found.append(entry)
            else:
                damaged += 1
    return found, damaged


def clear() -> int:
    """Remove the log; returns how many lines there were. Raises UsageError where it can't be removed."""
    try:
        count = len(entries()[0])
    except UsageError:
        count = 0
    for file in (path(), old_path()):
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"{file}: cannot be removed ({error.strerror}); remove it yourself") from None
    return count


def switch(on: bool) -> None:
    """Note from now on, or no more; what was noted stays. Raises UsageError where the folder can't be written."""
    try:
        if on:
            off_path().unlink(missing_ok=True)
        else:
            off_path().parent.mkdir(parents=True, exist_ok=True)
            off_path().touch()
    except OSError as error:
        raise UsageError(f"{off_path()}: cannot be {'removed' if on else 'made'} ({error.strerror})") from None


def _append(data: bytes) -> None:
    """One write to the end: two instruments at once write whole lines each."""
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)  # a pipe put there must not be waited for
    handle = os.open(file, flags, 0o600)
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise OSError("no file")
        if state.st_size + len(data) > MOST_BYTES:
            os.replace(file, old_path())
            os.close(handle)
            handle = os.open(file, flags, 0o600)
        os.write(handle, data)
    finally:
        os.close(handle)


def _plain(value):
    if callable(value):
        try:
            value = value()
        except Exception:
            return None
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value)[:_MOST_TEXT]
