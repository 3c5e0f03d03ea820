"""The keys of MIDI keyboards, and the chord they hold.

A keyboard is read as its player thinks: the chord is the keys that are down, of all ports and channels. Keys that go down
within 30 ms are one change. When fingers leave, it waits until none has moved for 80 ms, so that going from chord to chord
is one change too, and not each finger's; when all keys are up there is no chord.
"""

from __future__ import annotations

_GATHER_S, _QUIET_S, _RELEASE_S = 0.030, 0.015, 0.080


class Keys:
    """The keys that are down, and when their chord should be told. `most` of them count, the latest."""

    def __init__(self, most: int):
        self._most = most
        self._down: dict[tuple[str, int, int], None] = {}
        self._since_s: float | None = None
        self.due_s: float | None = None

    def press(self, port: str, channel: int, note: int, now_s: float) -> None:
        """A key goes down."""
        self._down.pop((port, channel, note), None)
        self._down[port, channel, note] = None
        self._since_s = now_s if self._since_s is None else self._since_s
        self.due_s = min(self._since_s + _GATHER_S, now_s + _QUIET_S)

    def release(self, port: str, channel: int, note: int, now_s: float) -> None:
        """A key goes up."""
        if (port, channel, note) in self._down:
            del self._down[port, channel, note]
            if self._since_s is None:
                self.due_s = now_s + _RELEASE_S

    def drop(self, port: str, now_s: float, channel: int | None = None) -> None:
        """All keys of a port, or of one channel of it, go up at once."""
        for key in [key for key in self._down if key[0] == port and channel in (None, key[1])]:
            del self._down[key]
            self.due_s = now_s

    def chord(self) -> tuple[float, ...]:
        """Give the pitches, lowest first, and take them for told."""
        self._since_s = self.due_s = None
        return tuple(sorted({float(note) for _, _, note in [*self._down][-self._most :]}))
