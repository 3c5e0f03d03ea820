"""The numbers by which program changes take presets. They stay, whatever is saved later.

Presets that come with Antiphon are first, sorted, then one's own in the order in which they came to be. Once there is one of
one's own, `programs.txt` beside them keeps the order: a name a line, the first is program 0. A new preset goes to its end; one
that was deleted keeps its line; whoever wants other numbers moves lines.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .. import patches
from ..params.presets import preset_files, preset_folder

_FILE = "programs.txt"
_MOST_BYTES = 65_536


def programs() -> list[str]:
    """Give the names of presets by program number. Reads the folders and one file; writes that where a preset is new.

    Where it cannot be read or written, new presets are ordered anew each time. Raises nothing.
    """
    files, path = preset_files(), preset_folder() / _FILE
    shipped = {name for name in files if (patches() / "presets" / f"{name}.toml").is_file()}
    known = _read(path)
    new = [name for name in files if name not in known]
    new.sort(key=lambda name: (False, 0.0) if name in shipped else (True, _written_s(files[name])))
    if new and files.keys() - shipped:
        _write(path, known + new)
    return known + new


def _written_s(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _read(path: Path) -> list[str]:
    with contextlib.suppress(OSError), open(path, "rb") as file:
        text = file.read(_MOST_BYTES).decode("utf-8", "replace")
        return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    return []


def _write(path: Path, names: list[str]) -> None:
    """Write the file as a whole or not at all."""
    new = path.with_name(f".{_FILE}-{os.getpid()}")
    with contextlib.suppress(OSError):
        try:
            new.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
