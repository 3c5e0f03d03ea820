"""So many in a second and no more: what costs milliseconds on the control thread, and lines that a person should read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ..errors import UsageError


class Pace:
    """Counts what is taken in each second of a clock. Control thread only."""

    def __init__(self, most: int, what: str, now_s: Callable[[], float] = time.monotonic):
        self._most, self._what, self._now_s = most, what, now_s
        self._second, self._taken = -1, 0

    def left(self) -> bool:
        """Whether one more may be had in this second."""
        second = int(self._now_s())
        if second != self._second:
            self._second, self._taken = second, 0
        return self._taken < self._most

    def may(self) -> bool:
        """Count one more, if it may be had: says which."""
        left = self.left()
        self._taken += left
        return left

    def take(self) -> None:
        """Count one more; raises UsageError where there were too many in this second."""
        if not self.may():
            raise UsageError(f"more than {self._most} {self._what} in a second; wait a little")


class Sparing:
    """Hands lines to a log, one in two seconds at most: the others are counted, and said with the next. Control thread only."""

    EVERY_S = 2.0

    def __init__(self, log: Callable[[str], None], now_s: Callable[[], float] = time.monotonic):
        self._log, self._now_s = log, now_s
        self._logged_s, self._unlogged = -math.inf, 0

    def say(self, line: str) -> None:
        """Log a line that a person should see, or count it."""
        now_s = self._now_s()
        if now_s - self._logged_s < self.EVERY_S:
            self._unlogged += 1
            return
        more = f" (and {self._unlogged} more)" if self._unlogged else ""
        self._logged_s, self._unlogged = now_s, 0
        self._log(line + more)
