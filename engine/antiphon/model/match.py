"""The match model: what followed the last time the performer's latest intervals were heard?

A deterministic companion of the note language model. It looks for the longest suffix of intervals that occurred before
in the window, the latest occurrence among equals, and names what came next there. The network is told (embedding and
learned bias), so motifs come back by recall and not by chance.
"""

from __future__ import annotations

import numpy as np

from . import score


def longest_suffix(pitches: np.ndarray, iois: np.ndarray, theirs: np.ndarray | None = None) -> tuple[int, int, int]:
    """Find the earlier place that best matches the end of ``pitches``.

    ``pitches``: (n,) integers, oldest first, n <= window; ``iois``: (n,) inter-onset bins, where ``iois[-1]`` is not known yet
    and not read. With ``theirs``, (n,) bool, which notes were the performer's: a place among those is taken before any other
    from two intervals on, so that an answer comes back to their motifs and not to its own. Returns (interval index that
    followed there, inter-onset bin there, suffix length 0..8); the first two are NO_INTERVAL and NO_IOI when nothing matched.
    About 30 us; any thread.
    """
    n = len(pitches)
    if n < 3:
        return score.NO_INTERVAL, score.NO_IOI, 0
    intervals = np.diff(pitches)  # intervals[j] leads from note j to note j + 1
    last = n - 2
    ends = last  # candidate ends are intervals 0..last-1
    lengths = np.zeros(ends, dtype=np.int64)
    alive = np.ones(ends, dtype=bool)
    for back in range(min(score.LONGEST_MATCH, ends)):
        alive[back:] &= intervals[: ends - back] == intervals[last - back]
        alive[:back] = False
        if not alive.any():
            break
        lengths += alive
    if theirs is not None:
        own = np.where(theirs[2:n], lengths, 0)  # what followed interval `end` is note end + 2
        if own.max() >= 2:
            lengths = own
    longest = lengths.max()
    if longest == 0:
        return score.NO_INTERVAL, score.NO_IOI, 0
    end = int(np.flatnonzero(lengths == longest)[-1])
    return int(score.interval_index(intervals[end + 1])), int(iois[end + 1]), int(longest)
