"""The lead that grows by itself: how much time a step needs on this machine, learnt from the steps that were late."""

from __future__ import annotations

import math
from collections import deque

LATE_TIMES = 3
LATE_WITHIN_S = 10.0
LEAD_MOST_MS = 20
"""A hop. Who needs more has a machine that cannot keep up, or asks for it by name."""
_GROWS_LEAST_MS = 2
_KEPT = 64


class GrowingLead:
    """Decides how long the lead must be; all times are device frames. One thread at a time.

    It grows when LATE_TIMES steps were late within LATE_WITHIN_S: by what would have made all of them but the worst be
    in time, to a whole millisecond, by two at least. The worst is left out because one hold-up of the machine in three
    is chance. A lateness that no lead up to LEAD_MOST_MS could have covered asks for nothing: latency would be paid,
    and the voice would break all the same. It never shrinks: a lead that moves to and fro is felt as unsteady.
    """

    def __init__(self, samplerate: int):
        self._samplerate = samplerate
        self._within = round(LATE_WITHIN_S * samplerate)
        self._late: deque[tuple[int, int]] = deque(maxlen=_KEPT)

    def late(self, at: int, behind: int, lead_frames: int) -> int:
        """Take a step that was `behind` frames late at clock `at`; give the lead from now on, `lead_frames` or more.

        Two kinds of late step must not be given: one that is late only because the one before it was, which tells of
        the same hold-up, and one whose voice was silence, which nobody missed.
        """
        self._late.append((at, behind))
        while self._late[0][0] <= at - self._within:
            self._late.popleft()
        if len(self._late) < LATE_TIMES:
            return lead_frames
        room = most_frames(self._samplerate, lead_frames) - lead_frames
        all_but_the_worst = sorted(frames for _, frames in self._late)[:-1]
        needed = max((frames for frames in all_but_the_worst if frames <= room), default=0)
        if not needed:
            return lead_frames
        self._late.clear()  # they were late by another lead
        least_ms = round(lead_frames * 1000 / self._samplerate) + _GROWS_LEAST_MS
        needed_ms = math.ceil((lead_frames + needed) * 1000 / self._samplerate)
        return _frames(min(max(least_ms, needed_ms), LEAD_MOST_MS), self._samplerate)


def most_frames(samplerate: int, lead_frames: int) -> int:
    """Give the longest that a lead which is `lead_frames` now can become."""
    return max(lead_frames, _frames(LEAD_MOST_MS, samplerate))


def _frames(ms: int, samplerate: int) -> int:
    return math.ceil(ms * samplerate / 1000)
