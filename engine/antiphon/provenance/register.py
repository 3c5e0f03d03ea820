"""A register of the player's: one JSON file for each entry, in a folder of their home. What cannot be read is told, and left out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Entry = TypeVar("Entry")


def entries(place: Path, kind: str, most: int, read: Callable[[Path], Entry]) -> tuple[list[Entry], list[str]]:
    """Give all entries, by name, at most so many, and a line for each file that is none. `kind` is what an entry is called in it."""
    found, problems = [], []
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(".json"))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{place}: cannot be read ({error.strerror}); no {kind} that is registered there is protected"]
    for path in [place / name for name in names[:most]]:
        try:
            found.append(read(path))
        except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
            reason = (next(iter(str(error).splitlines()), "") or type(error).__name__)[:80]
            problems.append(f"{path}: not a registered {kind} that can be read ({reason}); remove it, and add the {kind} again")
    return found, problems
