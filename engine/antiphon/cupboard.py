"""What the player has kept, in a place that outlives the model process: slots and stored voices, in a folder of the engine's.

Only in memory where the system has such folders (/dev/shm); the engine removes it when it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .layout import folder, is_stale
from .model.acoustic import AcousticModel
from .model.keeping import Keeping, Kept
from .model.moments import Moments

try:
    import fcntl
except ImportError:  # no such locks on Windows
    fcntl = None

_PREFIX, _LOCK, _KEPT = "antiphon-kept-", "lock", "*-*.np[yz]"


class Cupboard:
    """One per chain; model process only. `put` notes what has changed, `lock_up` writes it: a few milliseconds for half a minute of
    sound, so between two hops. A folder that is full or gone costs what would have been kept of a crash, nothing else."""

    def __init__(self, place: Path, keeping: Keeping, acoustic: AcousticModel):
        self._place, self._keeping, self._acoustic = place, keeping, acoustic
        self._waiting: list[tuple[str, int]] = []
        for path in sorted(place.glob(_KEPT)):
            kind, _, number = path.stem.partition("-")
            try:
                if kind == "keep":
                    keeping.put(int(number), Kept.load(path))
                elif kind == "store_voice":
                    acoustic.put_voice(int(number), Moments.load(path))
            except Exception:  # written while the process before was dying; whatever it is, the model starts
                continue

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
        except OSError:  # no room: what was kept there before must not come back in its place
            half.unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def is_filled(place: Path) -> bool:
    """Whether anything is kept there."""
    return any(place.glob(_KEPT))


class CupboardFolder:
    """The engine's side of it: an empty folder, made now and removed by `close`. Folders of engines that are gone are removed first:
    those whose lock can be had belong to nobody, whatever their names say. Raises OSError where there is no room."""

    def __init__(self) -> None:
        for old in folder().glob(f"{_PREFIX}*"):
            if is_stale(old / _LOCK):
                shutil.rmtree(old, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=folder()))
        self._lock = open(self.path / _LOCK, "wb")
        if fcntl:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Remove it. Harmless when called twice."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)
