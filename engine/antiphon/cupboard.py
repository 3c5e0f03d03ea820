"""What the player has kept, in a place that outlives the model process: slots and stored voices, in a folder of the engine's.

Only in memory where the system has such folders (/dev/shm); the engine removes it when it ends.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from .layout import folder
from .model.acoustic import AcousticModel
from .model.keeping import Kept, Keeping
from .model.moments import Moments

_PREFIX = "antiphon-kept-"


class Cupboard:
    """One per chain; model process only. `put` notes what has changed, `lock_up` writes it: a few milliseconds for half a minute of
    sound, so between two hops. A folder that is full or gone costs what would have been kept of a crash, nothing else."""

    def __init__(self, place: Path, keeping: Keeping, acoustic: AcousticModel):
        self._place, self._keeping, self._acoustic = place, keeping, acoustic
        self._waiting: list[tuple[str, int]] = []
        for path in sorted(place.glob("*-*.np[yz]")):
            kind, _, number = path.stem.partition("-")
            try:
                if kind == "keep":
                    keeping.put(int(number), Kept.load(path))
                elif kind == "store_voice":
                    acoustic.put_voice(int(number), Moments.load(path))
            except (OSError, ValueError, KeyError, IndexError):
                continue  # written while the process before was dying

    def put(self, kind: str, number: int) -> None:
        """Note that this slot ("keep") or voice ("store_voice") has changed."""
        self._waiting.append((kind, number))

    def lock_up(self) -> None:
        """Write one of what has changed."""
        if not self._waiting:
            return
        kind, number = self._waiting.pop(0)
        path = self._place / f"{kind}-{number}.{'npz' if kind == 'keep' else 'npy'}"
        half = path.with_suffix(".half")
        try:
            (self._keeping.slot(number) if kind == "keep" else self._acoustic.voice(number)).save(half)
            os.replace(half, path)
        except OSError:
            pass


def make_cupboard() -> Path:
    """Make an empty one, and remove those of engines that are gone. Raises OSError where there is no room."""
    for old in folder().glob(f"{_PREFIX}*"):
        found = re.match(rf"{_PREFIX}(\d+)-", old.name)
        if found and not _alive(int(found[1])):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder()))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
