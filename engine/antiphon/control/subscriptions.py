"""Who wants to hear of what, and how often; one task sends it.

Nothing is queued for anybody. The newest change of every row is kept once, in the order of the changes, and each wish
remembers up to which of them it was told: a sender that asks for little, a client that does not read and a spent budget
all mean that the values that came meanwhile are passed over, and the newest one is sent. Memory is that of the table,
however much changes and however many listen.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import UsageError, nearest
from ..events import Event
from ..params.spec import Param, UnknownParam, Value
from . import wire
from .desk import Desk
from .feedback import FEED_NAMES
from .patterns import Pattern, is_pattern
from .peers import Peer

ROOT = "/antiphon/"
ECHO, FEED = ROOT + "echo/", ROOT + "feed/"
MAX_SUBSCRIBERS = 32
MAX_OF_A_HOST = 16
MAX_PATHS = 16  # of one subscriber
LEAST_HZ, MOST_HZ, USUAL_HZ = 0.1, 100.0, 20.0
USUAL_S, MOST_S = 60.0, 3600.0
LISTEN_HZ = 60.0
_MESSAGES_PER_S = 4000  # to everybody together
_BURST = 400
_TURN_S = 0.005  # between two looks: changes that come closer together are told together
_NOT_READY_S = 0.02
_LISTEN = "\0listen"  # no path has this name

Feeds = Callable[[], Mapping[str, Sequence[Value]]]


@dataclass(slots=True, eq=False)
class _Wish:
    """What one peer wants to hear of: a feed, or changes of rows (None: of all). `owed` are rows whose value as it is now
    is still to be told, `seen` the last change that was."""

    peer: Peer
    prefix: str
    every_s: float
    feed: str = ""
    rows: set[str] | None = None
    until_s: float = math.inf
    next_s: float = 0.0
    seen: int = 0
    owed: list[str] = field(default_factory=list)
    only_new: bool = False
    last: tuple = ()

    def wants(self, path: str) -> bool:
        return self.rows is None or path in self.rows


class Subscriptions:
    """All wishes of all peers. Control thread only.

    `feeds` gives the values of every feed as they are now; it is asked once for all who are due. `counts` of what went out: `sent`,
    and `put_off`, the turns in which the budget was spent.
    """

    def __init__(self, desk: Desk, feeds: Feeds, clock: Callable[[], float] = time.monotonic):
        self._desk, self._feeds, self._clock = desk, feeds, clock
        self._rows: dict[str, Param] = {row.path: row for row in desk.registry.rows}
        self._peers: dict[Hashable, dict[str, _Wish]] = {}
        self._news: OrderedDict[str, tuple[int, Value, str]] = OrderedDict()
        self._serial = 0
        self._budget, self._refilled_s = float(_BURST), clock()
        self._rotation = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._unwatch = desk.watch(self._heard)
        self.sent = self.put_off = 0

    def start(self) -> None:
        """Begin to send; needs a running loop. Harmless when called again."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="antiphon-subscriptions")

    def close(self) -> None:
        """Stop sending and hearing; harmless when called twice."""
        self._unwatch()
        self._peers.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def __len__(self) -> int:
        """How many have subscribed to something."""
        return sum(bool(self._subscribed(key)) for key in self._peers)

    def subscribe(self, peer: Peer, path: str, hz: float = USUAL_HZ, seconds: float | None = None) -> None:
        """Tell `peer` of a row, of the rows that a pattern means, of a feed, or of every change (echo); what is so now at once.

        A repeat renews it. It ends by itself after `seconds`, 60 where a peer has no connection that could end it; an hour at most.
        Raises UsageError with one line for a path that is none, for numbers that are none, and where too many listen.
        """
        hz, seconds, path = _within(hz, LEAST_HZ, MOST_HZ, "HZ"), _lasting(peer, seconds), _named(path)
        feed, rows = self._meant(path)
        self._expire(self._clock())
        paths = self._subscribed(peer.key)
        if not paths and len(self) >= MAX_SUBSCRIBERS:
            raise UsageError(f"{MAX_SUBSCRIBERS} subscribers are served already; unsubscribe one")
        if not paths and self._of_host(peer.host) >= MAX_OF_A_HOST:
            raise UsageError(f"{MAX_OF_A_HOST} subscribers on {peer.host} are served already; unsubscribe one")
        if path not in paths and len(paths) >= MAX_PATHS:
            raise UsageError(f"one sender subscribes to at most {MAX_PATHS} paths; a pattern is one, and echo is all")
        wish = _Wish(peer, FEED if feed else ECHO, 1.0 / hz, feed, rows, self._clock() + seconds)
        if path in paths:  # a renewal makes nothing come sooner
            wish.next_s = self._peers[peer.key][path].next_s
        self._begin(path, wish)

    def unsubscribe(self, peer: Peer, path: str = "") -> None:
        """End what was subscribed to, all of it where no path is given; nothing where there was nothing."""
        for name in [_named(path)] if path else self._subscribed(peer.key):
            self._end(peer.key, name)

    def listen(self, peer: Peer, path: str) -> bool:
        """Pass every message to a row, or a feed (`feed/<name>`), on to a WebSocket's client, by its own address.

        Says whether there is such a one. Nothing of it is sent before something changes.
        """
        if path.startswith("feed/") and (feed := path[len("feed/") :]) in FEED_NAMES:
            self._begin(f"{_LISTEN}/{feed}", _Wish(peer, FEED, 1.0 / USUAL_HZ, feed, only_new=True))
            return True
        if path not in self._rows:
            return False
        known = self._peers.get(peer.key, {}).get(_LISTEN)
        if known is None:
            self._begin(_LISTEN, _Wish(peer, ROOT, 1.0 / LISTEN_HZ, rows={path}))
        else:
            known.rows.add(path)
        return True

    def ignore(self, peer: Peer, path: str) -> None:
        """End what `listen` began."""
        wish = self._peers.get(peer.key, {}).get(_LISTEN)
        if path.startswith("feed/"):
            self._end(peer.key, f"{_LISTEN}/{path[len('feed/') :]}")
        elif wish is not None:
            wish.rows.discard(path)
            if not wish.rows:
                self._end(peer.key, _LISTEN)

    def wants(self, peer: Peer) -> bool:
        """Say whether a peer hears of anything: has subscribed, or listens."""
        return any(wish.until_s > self._clock() for wish in self._peers.get(peer.key, {}).values())

    def forget(self, key: Hashable) -> None:
        """End all that a peer wanted: it has gone."""
        self._peers.pop(key, None)

    def differs(self, path: str) -> None:
        """Tell the newest value of a row to whom it came from, too: it is another one than was sent."""
        if path in self._news:
            serial, value, _ = self._news[path]
            self._news[path] = serial, value, ""

    def turn(self, now_s: float) -> float:
        """Send what is due at a time of the clock; give the time of the next turn, inf where nothing waits."""
        self._budget = min(self._budget + (now_s - self._refilled_s) * _MESSAGES_PER_S, _BURST)
        self._refilled_s = now_s
        self._expire(now_s)
        wishes = [wish for of_peer in self._peers.values() for wish in of_peer.values()]
        if wishes:
            start = self._rotation % len(wishes)
            wishes = wishes[start:] + wishes[:start]
        looked: Mapping[str, Sequence[Value]] | None = None
        next_s = math.inf
        for place, wish in enumerate(wishes):
            if not wish.feed and not wish.owed and wish.seen == self._serial:
                continue
            if wish.next_s <= now_s:
                if wish.feed and looked is None:
                    looked = self._look()
                if self._send_feed(wish, looked) if wish.feed else self._send_rows(wish):
                    grid_s = wish.next_s + wish.every_s if wish.feed else 0.0
                    wish.next_s = max(grid_s, now_s + wish.every_s * (0.5 if wish.feed else 1.0))
                else:
                    wish.next_s = now_s + _NOT_READY_S
                if self._budget < 1:  # whoever was not served comes first at the next turn
                    self._rotation += place
                    self.put_off += 1
                    return now_s + _NOT_READY_S
            if wish.feed or wish.owed or wish.seen != self._serial:
                next_s = min(next_s, wish.next_s)
        return next_s

    def _meant(self, path: str) -> tuple[str, set[str] | None]:
        """Give the feed, or the rows, None for all, that a path means."""
        if path == "echo":
            return "", None
        if path in FEED_NAMES:
            return path, set()
        if is_pattern(path):
            pattern = Pattern(path)
            rows = {row.path for row in self._rows.values() if row.access != "w" and pattern.matches(row.path)}
            if not rows:
                raise UsageError(f"no parameter that has a value matches {path!r}")
            return "", rows
        if path not in self._rows:
            raise UnknownParam(path[:80], nearest(path[:80], (*self._rows, *FEED_NAMES, "echo")))
        return "", {path}

    def _of_host(self, host: str) -> int:
        """How many of a host have subscribed to something."""
        return sum(
            any(not name.startswith(_LISTEN) and wish.peer.host == host for name, wish in wishes.items())
            for wishes in self._peers.values()
        )

    def _subscribed(self, key: Hashable) -> list[str]:
        return [name for name in self._peers.get(key, ()) if not name.startswith(_LISTEN)]

    def _begin(self, name: str, wish: _Wish) -> None:
        wish.seen = self._serial
        if not wish.feed and wish.prefix == ECHO:
            wish.owed = [row.path for row in self._rows.values() if row.access != "w" and wish.wants(row.path)][::-1]
        self._peers.setdefault(wish.peer.key, {})[name] = wish
        self._wake.set()

    def _end(self, key: Hashable, name: str) -> None:
        wishes = self._peers.get(key, {})
        wishes.pop(name, None)
        if not wishes:
            self._peers.pop(key, None)

    def _expire(self, now_s: float) -> None:
        for key in list(self._peers):
            for name in [name for name, wish in self._peers[key].items() if wish.until_s <= now_s]:
                self._end(key, name)

    def _heard(self, event: Event) -> None:
        self._serial += 1
        self._news[event.path] = self._serial, event.value, event.source
        self._news.move_to_end(event.path)
        if self._peers:
            self._wake.set()

    def _look(self) -> Mapping[str, Sequence[Value]]:
        try:
            return self._feeds()
        except Exception:  # an engine that is just being stopped: there is nothing to tell
            return {}

    def _send_feed(self, wish: _Wish, looked: Mapping[str, Sequence[Value]]) -> bool:
        values = looked.get(wish.feed)
        if not values or wish.only_new and tuple(values) == wish.last:
            return True
        if not self._may_send(wish):
            return False
        wish.last = tuple(values)
        self._send(wish, wish.feed, *values)
        return True

    def _send_rows(self, wish: _Wish) -> bool:
        while wish.owed:
            if not self._may_send(wish):
                return False
            path = wish.owed.pop()
            if path in self._desk.values:
                self._send(wish, path, *wire.spoken(self._desk.values[path]))
        for path, (serial, value, source) in self._since(wish.seen):
            if wish.wants(path) and source != wish.peer.name:
                if not self._may_send(wish):
                    return False
                row = self._rows[path]
                pressed = row.kind == "trigger" and not row.numbered and wish.prefix == ROOT
                self._send(wish, path, *((wire.IMPULSE,) if pressed else wire.spoken(value)))
            wish.seen = serial
        return True

    def _since(self, seen: int) -> Collection[tuple[str, tuple[int, Value, str]]]:
        """The newest change of each row that changed after change number `seen`, oldest first."""
        found = []
        for path, news in reversed(self._news.items()):
            if news[0] <= seen:
                break
            found.append((path, news))
        return found[::-1]

    def _may_send(self, wish: _Wish) -> bool:
        return self._budget >= 1 and wish.peer.ready

    def _send(self, wish: _Wish, path: str, *values: Value) -> None:
        self._budget -= 1
        self.sent += wish.peer.send(wire.encode(wish.prefix + path, *values))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            began_s = self._clock()
            wait_s = self.turn(began_s) - began_s
            try:
                await asyncio.wait_for(self._wake.wait(), None if math.isinf(wait_s) else max(wait_s, 0.0))
            except TimeoutError:
                pass
            await asyncio.sleep(max(began_s + _TURN_S - self._clock(), 0.0))


def _named(path: str) -> str:
    """Give the one name of what has two: a feed is `meters` and `feed/meters`."""
    name = path.removeprefix("feed/")
    return name if name in FEED_NAMES else path


def _within(value: object, least: float, most: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise UsageError(f"{name} is a number, {least:g} to {most:g}, not {str(value)[:40]!r}")
    return min(max(float(value), least), most) if abs(value) < math.inf else (most if value > 0 else least)


def _lasting(peer: Peer, seconds: float | None) -> float:
    if seconds is None:
        return math.inf if peer.lasting else USUAL_S
    return _within(seconds, 1.0, MOST_S, "SECONDS")
