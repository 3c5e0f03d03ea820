"""Ableton Link's beat, at arm's length: from Carabiner, a program of its own that speaks Link and answers on a TCP port.

Link's library is under the GPL or a licence one buys, so it is no part of this instrument; neither is Carabiner (GPL), which a
player starts beside it. Its protocol is lines of text (github.com/Deep-Symmetry/carabiner, README.md):

    -> status
    <- status { :peers 0 :bpm 120.000000 :start 73743731220 :beat 597.737570 }
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import time
from collections import deque
from collections.abc import Callable

from .desk import Desk
from .pulse import Pulse

HOST, PORT = "127.0.0.1", 17_000
_SOURCE = "link"
_ASK_S = 0.25
_SILENT_S = 2.0
_AGAIN_S = (1.0, 10.0)
_LINE_BYTES = 1024
_KEPT = 8
_BPM = (10.0, 1000.0)
_PART = re.compile(rb":([a-z-]{1,16}) +([-+0-9.eE]{1,32})(?= |})")


class LinkClient:
    """Follows Carabiner while `sync` is link; costs nothing else. Control thread only.

    It is asked four times a second, and tells changes by itself. What it tells of is always a little past when it is
    heard; of the last eight, the earliest counts, so that a busy machine does not move the beat. It is followed from when
    there are other peers: alone, Link's tempo is nobody's. Where there is no Carabiner, it is looked for again every ten
    seconds.
    """

    def __init__(
        self,
        desk: Desk,
        pulse: Pulse,
        host: str = HOST,
        port: int = PORT,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._desk, self._pulse, self._host, self._port, self._clock = desk, pulse, host, port, clock
        self._wanted = asyncio.Event()
        self._connected = False
        self._told = False
        desk.handle("sync", lambda _: self._look())
        self._look()

    @property
    def connected(self) -> bool:
        """Whether it answers."""
        return self._connected

    async def run(self) -> None:
        """Follow until cancelled."""
        wait_s = _AGAIN_S[0]
        while True:
            await self._wanted.wait()
            if await self._follow():
                wait_s = _AGAIN_S[0]
            if self._connected:
                self._connected = False
                self._pulse.stop(_SOURCE)
                if self._wanted.is_set():
                    self._desk.log("Link: Carabiner is gone; looking for it")
            elif self._wanted.is_set() and not self._told:
                self._told = True
                self._desk.log(f"Link: no Carabiner on {self._host}:{self._port} yet; start it beside the instrument")
            if self._wanted.is_set():
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _AGAIN_S[1])

    def _look(self) -> None:
        self._wanted.set() if self._desk.values["sync"] == "link" else self._wanted.clear()

    async def _follow(self) -> bool:
        """Ask until it no longer answers or is no longer wanted; whether it ever did."""
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port, limit=_LINE_BYTES), _SILENT_S)
        except (OSError, TimeoutError, ValueError):  # UnicodeError is one: a..b cannot even be asked for
            return False
        answered, asked_s = False, -math.inf
        last_s = self._clock()
        heard: deque[tuple[tuple, float]] = deque(maxlen=_KEPT)
        try:
            while self._wanted.is_set() and self._clock() - last_s < _SILENT_S:
                if self._clock() - asked_s >= _ASK_S:
                    asked_s = self._clock()
                    writer.write(b"status\n")
                try:
                    line = await asyncio.wait_for(reader.readline(), _ASK_S)
                except TimeoutError:
                    continue
                if not line:
                    break
                if (status := parse(line)) is None:
                    continue
                last_s = self._clock()
                if not answered:
                    answered = self._connected = True
                    self._desk.log(f"Link: {int(status.get('peers', 0))} other peers, {status['bpm']:.1f} bpm")
                self._take(status, heard)
        except (OSError, ValueError):  # gone, or no Carabiner: a line without end
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)
        return answered

    def _take(self, status: dict[str, float], heard: deque[tuple[tuple, float]]) -> None:
        now_s = self._pulse.now_s()
        if now_s is None or (self._pulse.following != _SOURCE and status.get("peers", 0) < 1):
            return
        bpm, beat = status["bpm"], status["beat"]
        line = (bpm, status.get("start"))
        if heard and heard[-1][0] != line:
            heard.clear()
        heard.append((line, now_s - beat * 60.0 / bpm))
        first_s = min(beat_0_s for _, beat_0_s in heard)
        self._pulse.place(now_s, (now_s - first_s) * bpm / 60.0, bpm, _SOURCE)


def parse(line: bytes) -> dict[str, float] | None:
    """Read a status line; None for any other, and for one that makes no sense."""
    if not line.startswith(b"status "):
        return None
    try:
        parts = {name.decode(): float(number) for name, number in _PART.findall(line)}
    except ValueError:
        return None
    if not {"bpm", "beat"} <= parts.keys() or not all(map(math.isfinite, parts.values())):
        return None
    return parts if _BPM[0] <= parts["bpm"] <= _BPM[1] and abs(parts["beat"]) < 1e9 else None
