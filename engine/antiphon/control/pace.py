"""So many in a second and no more: what costs milliseconds on the control thread must not be had by the thousand."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import UsageError


class Pace:
    """Counts what is taken in each second of a clock. Control thread only."""

    def __init__(self, most: int, what: str, now_s: Callable[[], float] = time.monotonic):
        self._most, self._what, self._now_s = most, what, now_s
        self._second, self._taken = -1, 0

    def take(self) -> None:
        """Count one more; raises UsageError where there were too many in this second."""
        second = int(self._now_s())
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken >= self._most:
            raise UsageError(f"more than {self._most} {self._what} in a second; wait a little")
        self._taken += 1
