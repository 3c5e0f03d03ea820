"""Presets: values for some rows under a name, in TOML; those that come with the instrument, and the player's own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import patches
from ..errors import UsageError, did_you_mean
from ..home import home
from .spec import Registry, Value, as_shown

_KEYS = ("title", "help", "complete", "values", "midi")
_MOST_BYTES = 65_536
_NAME = r"[^\W_][\w-]{0,39}"
_MOST_PRESETS = 500  # of one's own: who may save over OSC must not be able to fill the disk
_BINDING = r"(\d{1,2}:)?(cc\d{1,3}\+\d{1,3}|bend|pressure|pc|(cc|nrpn|note|pc)\d{1,5})"
"""How a MIDI control is written; what it is, and what it may steer, control/midimap.py knows."""


@dataclass(frozen=True)
class Preset:
    """Values for some rows, checked by the table. `name` is the file's, without its ending.

    A `complete` preset, as all are that were saved, is all of the music: what it does not name is at its default. What one
    that is not does not name stays as it is. The room's rows and the moment's (`Param.kept`) are set where they are named
    and only there: a preset saved at home must not change how loud a stage is unless its file says so. `midi` binds
    controllers ("cc74", "2:cc74" for channel 2) to rows, or to one value of one ("recall=1"); to "" for none. `remarks`
    says in a line each which values were moved into their range, and what else is to be known of it.
    """

    name: str
    title: str
    help: str
    values: dict[str, Value]
    complete: bool = False
    midi: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    path: Path | None = None

    def whole(self, registry: Registry) -> dict[str, Value]:
        """All that is to be set when it is taken while something else plays."""
        rest = {row.path: row.default for row in registry.rows if row.of_the_music} if self.complete else {}
        return rest | self.values


def preset_folder() -> Path:
    """Where a player's own presets are. It need not exist."""
    return home() / "presets"


def preset_files() -> dict[str, Path]:
    """Find the presets that come with the instrument and the player's own, by name; of two with one name the player's."""
    return _shipped() | _own()


def load_preset(name: str | Path, registry: Registry, files: bool = True) -> Preset:
    """Read a preset by its name or, where `files` says so, its file; every value goes through the table.

    Raises UsageError with one line for a missing or unreadable file, an unknown key or row, a refused value, a trigger.
    """
    path = _find_preset(str(name), files)
    content = _read_preset(path)
    values, midi = content.get("values", {}), content.get("midi", {})
    for key, table in (("values", values), ("midi", midi)):
        if not isinstance(table, dict):
            raise UsageError(f"preset {path}: {key} must be a table; write [{key}] above them")
    try:
        accepted = {row_path: _preset_value(registry, row_path, value) for row_path, value in values.items()}
        for binding, row_path in midi.items():
            _check_binding(registry, binding, row_path)
        complete = _yes_or_no("complete", content.get("complete", False))
    except UsageError as error:
        raise UsageError(f"preset {path}: {error}") from None
    remarks = [f"preset {path}: {remark}" for row, value in values.items() if (remark := registry.resolve(row).clipped(value))]
    if path == _own().get(path.stem) and path.stem in _shipped():
        remarks.append(f"preset {path.stem} is your own, {path}, not the one that comes with Antiphon")
    title, help = (_one_line(content.get(key, "")) for key in ("title", "help"))
    return Preset(path.stem, title or path.stem, help, accepted, complete, dict(midi), tuple(remarks), path)


def save_preset(
    name: str, values: Mapping[str, Value], registry: Registry, title: str = "", midi: Mapping[str, str] | None = None
) -> Path:
    """Keep what differs from the defaults as a preset of the player's own; returns its file.

    One of that name is replaced as a whole or not at all, and stays beside it as NAME.toml~. Raises UsageError for a name
    that is none, and where the folder cannot be written.
    """
    check_preset_name(name)
    folder = preset_folder()
    path = folder / f"{name}.toml"
    differing = {
        row.path: values[row.path]
        for row in registry.rows
        if row.saved and values.get(row.path, row.default) != row.default
    }
    text = preset_toml(differing, title or name, complete=True, midi=midi or {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists() and len(_own()) >= _MOST_PRESETS:
            raise UsageError(f"preset {name!r} is not saved: there are {_MOST_PRESETS} in {folder} already; clear some away")
        _write_whole(path, text)
    except OSError as error:
        raise UsageError(f"preset {name!r} cannot be saved in {folder} ({error.strerror})") from None
    return path


def check_preset_name(name: str) -> None:
    """Raise UsageError for what cannot be the name of a preset: it becomes the name of a file, in one folder and no other."""
    if not re.fullmatch(_NAME, name) or name.lower() == "save":
        raise UsageError(f"{name[:80]!r} is no name for a preset; letters, digits, - and _ will do, at most 40")


def preset_toml(
    values: Mapping[str, Value], title: str = "", complete: bool = False, midi: Mapping[str, str] | None = None
) -> str:
    """Write values as `load_preset` reads them."""
    lines = [f"title = {_quoted(title)}"] if title else []
    lines += ["complete = true"] if complete else []
    lines += ["", "[values]"] if lines else ["[values]"]
    lines += [f"{_quoted(path)} = {_quoted(value)}" for path, value in values.items()]
    if midi:
        lines += ["", "[midi]", *(f"{_quoted(binding)} = {_quoted(path)}" for binding, path in midi.items())]
    return "\n".join(lines) + "\n"


def _preset_value(registry: Registry, path: str, value: object) -> Value:
    row = registry.resolve(path)
    if row.access == "w":
        raise UsageError(f"{path} is a {row.kind}, and has no value to keep")
    return row.accept(value)


def _check_binding(registry: Registry, binding: str, target: object) -> None:
    if not re.fullmatch(_BINDING, binding):
        raise UsageError(f"{binding[:80]!r} is no MIDI control; write cc74, 2:cc74, cc16+48, bend, note36, pc or nrpn300")
    if not isinstance(target, str):
        raise UsageError(f'{binding} must be bound to the path of a row, as in {binding} = "temperature"')
    path, equals, value = target.partition("=")
    if target:
        row = registry.resolve(path.strip())
    if equals:
        row.parse(value)


def _yes_or_no(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{key} is true or false, not {as_shown(value)}")
    return value


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in sorted((patches() / "presets").glob("*.toml"))}


def _own() -> dict[str, Path]:
    with contextlib.suppress(OSError):  # a folder that may not be looked into has none
        return {path.stem: path for path in sorted(preset_folder().glob("*.toml")) if re.fullmatch(_NAME, path.stem)}
    return {}


def _find_preset(name: str, files: bool) -> Path:
    known = preset_files()
    if name in known:
        return known[name]
    path = Path(name)
    with contextlib.suppress(OSError, ValueError):  # a name no file can have
        if files and path.is_file():
            return path
    there = f"there is: {', '.join(known)}" if known else "none is installed"
    or_file = ", or give a .toml file" if files else ""
    raise UsageError(f"no preset {name[:80]!r}{did_you_mean(name[:80], known)}; {there}{or_file}")


def _read_preset(path: Path) -> dict:
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"preset {path}: larger than {_MOST_BYTES} bytes; is it a preset?")
        content = tomllib.loads(data.decode("utf-8-sig"))  # Notepad begins a file with a mark of its own
    except OSError as error:
        raise UsageError(f"preset {path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"preset {path}: is not TOML ({_one_line(error)[:160]})") from None
    except (ValueError, RecursionError):  # numbers of thousands of digits, arrays thousands deep: TOML, but not for us
        raise UsageError(f"preset {path}: cannot be read (a number too long, or arrays too deep)") from None
    for key in content:
        if key not in _KEYS:
            raise UsageError(f"preset {path}: unknown key {key[:80]!r}{did_you_mean(key[:80], _KEYS)}; rows go under [values]")
    return content


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it, and a power cut, find the old one or the new one."""
    handle, new = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(new, 0o644)  # mkstemp makes it for its owner alone
        if path.is_file():
            with contextlib.suppress(OSError):
                shutil.copyfile(path, f"{path}~")
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _quoted(value: object) -> str:
    """A TOML value: JSON's strings, numbers and arrays are."""
    return json.dumps(value, ensure_ascii=False)


def _one_line(text: object) -> str:
    """A title as it can be shown: what a file says must not steer a terminal."""
    text = text if isinstance(text, str | Exception) else as_shown(text)
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:400]).split())
