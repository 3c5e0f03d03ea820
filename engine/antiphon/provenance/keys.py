"""The installation's own keys of the mark: made at first use, kept for its owner alone, changed, taken along.

They lie in the folder `keys` of the player's home, one a file: mark-1.key, mark-2.key, ... the last of which is in use, and
other-ID.key, brought from elsewhere to verify with. Whoever has a key can read the payloads of what was marked with it, and
can make sound that claims to be of that installation: it is a secret. Presence needs none of them.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import UsageError
from ..home import home

SIZE = 32
_OWN = re.compile(r"mark-(\d+)\.key")
_OTHER = re.compile(r"other-([0-9a-f]{8})\.key")
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class MarkKey:
    """A key; `id` is 8 hexadecimal digits that tell it from others and nothing about it.

    `made` is the day, ISO. `path` is None for one that could not be written: it is for this run only. `note` is one line on
    what was odd about it, for the player; empty: nothing.
    """

    secret: bytes = field(repr=False)
    made: str
    path: Path | None = None
    note: str = ""

    @property
    def id(self) -> str:
        return hashlib.sha256(b"antiphon key id" + self.secret).hexdigest()[:8]


_this_run: MarkKey | None = None


def folder() -> Path:
    """Give where the keys lie."""
    return home() / "keys"


def mark_key() -> bytes:
    """Give the key that is in use, 32 bytes; made where there is none. `current()` tells more."""
    return current().secret


def mark_keys() -> list[tuple[str, bytes]]:
    """List (id, key) of all that there are, the newest own one first. Makes none."""
    return [(key.id, key.secret) for key in known()]


def known() -> list[MarkKey]:
    """List all keys: own ones, newest first, then those from elsewhere. What cannot be read is left out."""
    found = _own() + _others()
    return [_this_run, *found] if _this_run else found


def damaged() -> list[str]:
    """Say of each file that should hold a key and cannot be read as one, in a line, what that means."""
    have = {key.path for key in known()}
    return [f"{path}: is no key that can be read; payloads of marks made with it cannot be read here; bring it back, or take it away"
            for path in sorted(path for name in (_OWN, _OTHER) for path, _ in _files(name)) if path not in have]  # fmt: skip


def current() -> MarkKey:
    """Give the key that is in use, making it at first use. Never fails: see `note` and `path` of what it gives."""
    global _this_run
    if _this_run:
        return _this_run
    try:
        own = _own()
        key = own[0] if own else _make()
        unread = damaged()
        return replace(key, note=unread[0]) if unread and not key.note else key
    except OSError as error:
        where = error.filename or folder()
        _this_run = _fresh(
            f"{where}: cannot be written ({error.strerror}); this run's mark has a key of its own that is not kept, so that "
            "its payload cannot be read later; its presence can"
        )
        return _this_run


def rotate() -> MarkKey:
    """Make a new key and use it from the next start on; the old ones stay, for verification. Raises UsageError."""
    try:
        return _make()
    except OSError as error:
        raise UsageError(f"{error.filename or folder()}: no key can be written there ({error.strerror})") from None


def export(path: str | Path) -> int:
    """Write all keys to a file that only its owner may read, and say how many. Raises UsageError, also where it exists."""
    current()
    keys = [key for key in known() if key.path]
    if not keys:
        raise UsageError(f"{folder()}: holds no key that is kept; make the folder writable first")
    content = {"antiphon": "mark keys", "keys": [_as_json(key) for key in keys]}
    try:
        _write(Path(path), content)
    except FileExistsError:
        raise UsageError(f"{path}: exists; keys are never written over, name another file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    return len(keys)


def take_in(path: str | Path) -> list[MarkKey]:
    """Keep the keys of an exported file, and give those that are new here. Raises UsageError.

    Where there was none, as on a new machine, the first of them comes into use; else they serve to verify.
    """
    told = read(path)
    have, added = {key.id for key in known()}, []
    alone = not _own()
    try:
        for number, key in enumerate(reversed(told) if alone else told, 1):
            if key.id not in have:
                name = f"mark-{number}.key" if alone else f"other-{key.id}.key"
                added.append(_keep(key, _private_folder() / name))
    except OSError as error:
        raise UsageError(f"{error.filename or folder()}: cannot be written ({error.strerror})") from None
    return added


def read(path: str | Path) -> list[MarkKey]:
    """Read the keys of an exported file or of a single key's, newest first. Raises UsageError."""
    try:
        return _parse(Path(path))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise UsageError(f"{path}: holds no key of a mark; give a file that `antiphon keys export` wrote") from None


def _own() -> list[MarkKey]:
    numbered = sorted(((int(found[1]), path) for path, found in _files(_OWN)), reverse=True)
    return _readable([path for _, path in numbered])


def _others() -> list[MarkKey]:
    return _readable(sorted(path for path, _ in _files(_OTHER)))


def _files(name: re.Pattern) -> list[tuple[Path, re.Match]]:
    try:
        return [(path, found) for path in folder().iterdir() if (found := name.fullmatch(path.name))]
    except OSError:  # there is none, or it is not for us: who makes a key there is told
        return []


def _readable(paths: list[Path]) -> list[MarkKey]:
    found = []
    for path in paths:
        try:
            (key,) = _parse(path)
        except (OSError, ValueError):
            continue
        found.append(MarkKey(key.secret, key.made, path, _close(path)))
    return found


def _close(path: Path) -> str:
    """Take from others what they may do with a key's file; say so."""
    if os.name != "posix" or not path.stat().st_mode & 0o077:
        return ""
    try:
        path.chmod(0o600)
    except OSError as error:
        return f"{path}: can be read by others, and that cannot be mended ({error.strerror}); move the folder"
    return f"{path}: could be read by others, mended; if anybody may have taken it: antiphon keys rotate"


def _make() -> MarkKey:
    """Make the next own key. Of two that make the first at once, both use the one that was there first."""
    where = _private_folder()
    number = max((int(found[1]) for _, found in _files(_OWN)), default=0) + 1
    try:
        return _keep(_fresh(), where / f"mark-{number}.key")
    except FileExistsError:
        if own := _own():
            return own[0]
        raise


def _fresh(note: str = "") -> MarkKey:
    return MarkKey(secrets.token_bytes(SIZE), datetime.datetime.now(datetime.UTC).date().isoformat(), None, note)


def _private_folder() -> Path:
    where = folder()
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and where.stat().st_mode & 0o077:
        where.chmod(0o700)
    return where


def _keep(key: MarkKey, path: Path) -> MarkKey:
    _write(path, {"antiphon": "mark keys", "keys": [_as_json(key)]})
    return MarkKey(key.secret, key.made, path)


def _write(path: Path, content: dict) -> None:
    """Write a new file, 0600, whole or not at all. Raises OSError, FileExistsError where there is one."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # unlike rename, it never takes the place of another
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if path.exists():
                raise FileExistsError(path) from None
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _as_json(key: MarkKey) -> dict:
    return {"id": key.id, "made": key.made, "key": key.secret.hex()}


def _parse(path: Path) -> list[MarkKey]:
    with open(path, "rb") as file:
        text = file.read(_LARGEST_FILE)
    try:
        content = json.loads(text)
        keys = [MarkKey(bytes.fromhex(one["key"]), str(one["made"]), path) for one in content["keys"]]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not keys or any(len(key.secret) != SIZE for key in keys):
        raise ValueError("keys of a wrong length")
    return keys
