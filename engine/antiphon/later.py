"""Events that wait for their frame."""

from __future__ import annotations

import heapq
import itertools

from .errors import UsageError
from .events import Event

MOST = 4096


class Later:
    """Events and the clock each waits for, earliest first; those of one frame in the order they came. One thread at a time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Event]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, frame: int, event: Event) -> None:
        """Keep an event until the clock is at `frame`. Raises UsageError where MOST are kept already."""
        if len(self._heap) >= MOST:
            raise UsageError(f"{event.path}: {MOST} events wait for their time already; send it when it is due")
        heapq.heappush(self._heap, (frame, next(self._order), event))

    def next_frame(self) -> int | None:
        """Give the clock that the first of them waits for; None where there is none."""
        return self._heap[0][0] if self._heap else None

    def take(self, clock: int) -> Event | None:
        """Take out the first that is due at `clock`; None where there is none."""
        return heapq.heappop(self._heap)[2] if self._heap and self._heap[0][0] <= clock else None

    def clear(self) -> None:
        """Forget all of them."""
        self._heap.clear()
