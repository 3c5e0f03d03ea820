"""Durations, condensed: what a run of hours looked like without keeping every event."""

from __future__ import annotations

import math

_LOWEST_NS = 1_000
_BINS_PER_OCTAVE = 16
_BINS = _BINS_PER_OCTAVE * 24  # 1 microsecond .. 16 s


class Histogram:
    """Durations in log-spaced bins, 4.4 % wide: constant memory and cost however long the run.

    Percentiles are exact to one bin; count and maximum are exact. One thread at a time.
    """

    def __init__(self) -> None:
        self.counts = [0] * _BINS
        self.count = 0
        self.max_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration; costs about a microsecond."""
        octaves = math.log2(max(duration_ns, _LOWEST_NS) / _LOWEST_NS)
        self.counts[min(int(octaves * _BINS_PER_OCTAVE), _BINS - 1)] += 1
        self.count += 1
        self.max_ns = max(self.max_ns, duration_ns)

    def percentile(self, percent: float) -> float:
        """Give the duration in ns that `percent` of all events did not exceed; 0.0 while there are none."""
        if not self.count:
            return 0.0
        rank, below = math.ceil(self.count * percent / 100.0), 0
        for index, count in enumerate(self.counts):
            below += count
            if below >= rank:
                return min(_LOWEST_NS * 2.0 ** ((index + 1) / _BINS_PER_OCTAVE), float(self.max_ns))
        return float(self.max_ns)
