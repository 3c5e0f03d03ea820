"""OSC by the parameter table: every packet of everybody is taken here, whichever way it came, and answered.

    /antiphon/<path> VALUE...          set a row; answered by /antiphon/echo/<path> VALUE..., or by /antiphon/error TEXT
    /antiphon/<path>                   without a value: ask for it; a trigger fires
    /antiphon/keep 3, /antiphon/keep/3 a numbered trigger; the second form takes a button's 1 and 0
    /antiphon/send/* -6                a pattern (OSC 1.0): every row that has a value, matches and takes this one
    /antiphon/status                   answered by /antiphon/status NAME VALUE NAME VALUE ...; a switch as 1 or 0
    /antiphon/ask TEXT                 answered by /antiphon/asked LINE LINE ... too: what was understood
    /antiphon/feed/<name>              answered by the feed as it is now
    /antiphon/subscribe PATH HZ SECONDS    hear of a row, a pattern, a feed or of everything (echo); the numbers may be left out
    /antiphon/unsubscribe PATH             and no more; without PATH of nothing any more
    /antiphon/reply_to PORT                answer me on another port of my machine, where I listen (Max, TouchOSC)

An unknown path is answered with the nearest ones: /antiphon/error TEXT PATH PATH ... Bundles' time tags become frame times
through the desk's clock. A pattern reaches what has a value, never what happens: a trigger, a panic and a text are spelled out.

No answer is ever obeyed or answered: an instrument may be pointed at another, or (by reply_to) at itself. Its address says so
(`echo/`, `error`, `asked`), or that it has arguments where a question has none (`status`, `feed/`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..errors import AntiphonError, UsageError
from ..events import Event
from ..params.spec import Param, UnknownParam, Value
from . import wire
from .desk import Desk
from .feedback import FEED_NAMES
from .pace import Pace, Sparing
from .patterns import Pattern, is_pattern
from .peers import Peer
from .subscriptions import ECHO, FEED, ROOT, USUAL_HZ, Feeds, Subscriptions

_ANSWERS = (ROOT + "error", ROOT + "asked")
_MAX_AHEAD_S = 10.0  # a time tag further ahead than this is a clock that is set wrong, not a plan
_ERROR_REPLIES_PER_S = 50
_LONG_REPLIES_PER_S = 50  # to one sender: as often as there is news of the model
_LONG_REPLY_SENDERS = 20  # in one second
_PATTERNS_PER_S = 100  # one may be obeyed by seventy rows


@dataclass(slots=True)
class OscCounters:
    """What came in since the start. `silenced` counts what was not answered, to keep floods from growing: a status is
    fifty times as long as the question, and the sender's address may be somebody else's."""

    datagrams: int = 0
    accepted: int = 0
    asked: int = 0
    refused: int = 0
    malformed: int = 0
    silenced: int = 0


class Dialogue:
    """Take packets and answer them; control thread only. Nothing that arrives makes it raise.

    `status` is read when /antiphon/status is asked for: names to numbers or words; `feeds` when a feed is due. The desk's `log`
    gets a line a person should see, at most one in two seconds however much arrives.
    """

    def __init__(
        self,
        desk: Desk,
        status: Callable[[], Mapping[str, Value]] = dict,
        feeds: Feeds = dict,
    ):
        self.desk, self.feeds = desk, feeds
        self._status = status
        self.counters = OscCounters()
        self.subscriptions = Subscriptions(desk, feeds)
        self._rows = {row.path: row for row in desk.registry.rows}
        self._words = {"status": self._tell_status, "subscribe": self._subscribe, "unsubscribe": self._unsubscribe,
                       "reply_to": self._reply_to}
        self._meant = lru_cache(64)(self._matching)
        self._errors, self._patterns = Pace(_ERROR_REPLIES_PER_S, "errors"), Pace(_PATTERNS_PER_S, "address patterns")
        self._long_second, self._long_replies = 0, Counter()
        self._speaker: Peer | None = None
        self._sparing = Sparing(desk.log)

    def take(self, packet: bytes, peer: Peer) -> None:
        """Take one packet: a message, or a bundle of them."""
        self.counters.datagrams += 1
        try:
            messages = wire.decode(packet)
        except wire.Malformed as error:
            self.refuse(error, peer)
            return
        for message in messages:
            try:
                self._take(message, peer)
            except AntiphonError as error:
                self.counters.refused += 1
                self._complain(peer, str(error), *(error.nearest if isinstance(error, UnknownParam) else ()))
            except Exception as error:  # whoever plays has more use for an instrument that goes on than for its traceback
                self.counters.refused += 1
                self._complain(peer, f"{message.address[:80]}: {type(error).__name__}: {error}")

    def refuse(self, malformed: wire.Malformed, peer: Peer) -> None:
        """Answer what is no OSC, or no frame of it."""
        self.counters.malformed += 1
        self._complain(peer, f"malformed OSC: {malformed}")

    def answer(self, word: str, *arguments: Value) -> None:
        """Tell whoever is being obeyed at this moment, from within a row's handler; nobody, where no message is.

        The word is one of those that are ignored when they come in: by a row's own the answer would be obeyed in its turn.
        """
        assert ROOT + word in _ANSWERS
        if self._speaker is not None:
            self._speaker.send(wire.encode(ROOT + word, *arguments))

    def gone(self, peer: Peer) -> None:
        """Forget a peer whose connection has ended."""
        self.subscriptions.forget(peer.key)

    def note(self, line: str) -> None:
        """Log a line that a person should see: at most one in two seconds, however much arrives."""
        self._sparing.say(line)

    def _take(self, message: wire.Message, peer: Peer) -> None:
        address = message.address
        if address.startswith(ECHO) or address in _ANSWERS:
            return  # two instruments that answer each other's answers would never stop
        if is_pattern(address):
            self._take_pattern(message, peer)
            return
        if not address.startswith(ROOT):
            raise UsageError(f"addresses begin with {ROOT}, this one is {address[:80]!r}")
        path = address[len(ROOT) :]
        if path in self._words:
            self._words[path](message.arguments, peer)
        elif path.startswith("feed/"):
            self._tell_feed(path[len("feed/") :], message.arguments, peer)
        else:
            row, arguments = self._row(path, message.arguments)
            if not arguments and row.access != "w":
                self.counters.asked += 1
                self._echo(peer, row, self.desk.values[row.path])
            else:
                self._echo(peer, row, self._set(row, arguments, self._frame(message.time_s), peer))

    def _row(self, path: str, arguments: tuple) -> tuple[Param, tuple]:
        """Find the row an address means, and what it is told: for `keep/3`, 3, or 0 where a button is let go."""
        if row := self._rows.get(path):
            return row, arguments
        base, _, number = path.rpartition("/")
        row = self._rows.get(base)
        if row and row.numbered and number.isascii() and number.isdigit() and len(number) < 10:
            if len(arguments) > 1:
                raise UsageError(f"{path} takes one value, not {len(arguments)}")
            row.accept(int(number))  # an unknown number is told also where its button is let go
            let_go = arguments and isinstance(arguments[0], int | float) and arguments[0] == 0
            return row, (0 if let_go else int(number),)
        if not self._errors.left():  # looking for the nearest costs more than all the rest
            raise UsageError(f"no parameter {path[:80]!r}")
        raise UnknownParam(path[:80], self._nearest(path))

    def _nearest(self, path: str) -> list[str]:
        try:
            self.desk.registry.resolve(path)
        except UnknownParam as error:
            return error.nearest
        return []

    def _set(self, row: Param, arguments: tuple, frame: int | None, peer: Peer) -> Value:
        """Let a row take what it is told, and give the value that it has taken."""
        told = _told(row, arguments)
        value = row.accept(told)
        if row.kind != "trigger" or value:  # a button that is let go is accepted, and nothing
            self._speaker = peer
            try:
                self.desk.emit(Event(row.path, value, frame, peer.name))
            finally:
                self._speaker = None
            if row.kind != "trigger" and value != told:
                self.subscriptions.differs(row.path)
        self.counters.accepted += 1
        return value

    def _take_pattern(self, message: wire.Message, peer: Peer) -> None:
        if not self._patterns.may():
            raise UsageError(f"more than {_PATTERNS_PER_S} address patterns in a second; address rows by their names")
        rows = self._meant(message.address)
        if not rows:
            raise UsageError(f"no parameter that has a value matches {message.address!r}; triggers and texts are spelled out")
        answers = self._may_be_long(peer)
        if not message.arguments:
            self.counters.asked += 1
            said = [(row, self.desk.values[row.path]) for row in rows]
        else:
            frame, said, refusal = self._frame(message.time_s), [], None
            for row in rows:
                try:
                    said.append((row, self._set(row, message.arguments, frame, peer)))
                except UsageError as error:
                    refusal = refusal or error
            if not said:
                raise refusal
        for row, value in said if answers else ():
            self._echo(peer, row, value)

    def _matching(self, address: str) -> tuple[Param, ...]:
        pattern = Pattern(address)
        return tuple(row for row in self._rows.values() if row.access != "w" and pattern.matches(ROOT + row.path))

    def _tell_status(self, arguments: tuple, peer: Peer) -> None:
        if len(arguments) > 1:
            return  # another instrument's answer; a button sends one number
        self.counters.asked += 1
        if self._may_be_long(peer) and (words := self._status()):  # without a word it would be a question
            peer.send(wire.encode(ROOT + "status", *(_plain(part) for pair in words.items() for part in pair)))

    def _tell_feed(self, name: str, arguments: tuple, peer: Peer) -> None:
        if arguments:
            return  # another instrument's
        if name not in FEED_NAMES:
            raise UsageError(f"no feed {name[:80]!r}; there is: {', '.join(FEED_NAMES)}")
        self.counters.asked += 1
        if self._may_be_long(peer) and (values := self.feeds().get(name)):
            peer.send(wire.encode(FEED + name, *values))

    def _subscribe(self, arguments: tuple, peer: Peer) -> None:
        if not 1 <= len(arguments) <= 3 or not isinstance(arguments[0], str):
            raise UsageError(f"subscribe takes PATH HZ SECONDS, as in subscribe meters {USUAL_HZ:g}; the numbers may be left out")
        self.subscriptions.subscribe(peer, arguments[0].removeprefix(ROOT), *arguments[1:])
        self.counters.accepted += 1

    def _unsubscribe(self, arguments: tuple, peer: Peer) -> None:
        if len(arguments) > 1 or not all(isinstance(path, str) for path in arguments):
            raise UsageError("unsubscribe takes the PATH that was subscribed to, or nothing for all of them")
        self.subscriptions.unsubscribe(peer, *(path.removeprefix(ROOT) for path in arguments))
        self.counters.accepted += 1

    def _reply_to(self, arguments: tuple, peer: Peer) -> None:
        """Max and TouchOSC send from one port and listen on another."""
        port = arguments[0] if len(arguments) == 1 else None
        if isinstance(port, bool) or not isinstance(port, int | float) or not 1024 <= port < 65536 or port != int(port):
            raise UsageError("reply_to takes the port to answer on, 1024 to 65535, as in reply_to 9001")
        if not hasattr(peer, "reply_to"):
            raise UsageError("reply_to: a connection is answered where it is")
        peer.reply_to(int(port))
        self.counters.accepted += 1

    def _may_be_long(self, peer: Peer) -> bool:
        """Say whether this sender may have one more answer that is much longer than its question, and count where not."""
        second = int(time.monotonic())
        if second != self._long_second:
            self._long_second, self._long_replies = second, Counter()
        known = peer.host in self._long_replies or len(self._long_replies) < _LONG_REPLY_SENDERS
        if known:
            self._long_replies[peer.host] += 1
        may = known and self._long_replies[peer.host] <= _LONG_REPLIES_PER_S
        self.counters.silenced += not may
        return may

    def _frame(self, time_s: float | None) -> int | None:
        if time_s is None:
            return None
        ahead_s = time_s - time.time()
        if ahead_s > _MAX_AHEAD_S:
            raise UsageError(
                f"time tag is {ahead_s:.0f} s ahead, at most {_MAX_AHEAD_S:.0f} are taken; are the clocks set?"
            )
        return self.desk.frame_at(time_s) if ahead_s > 0 else None

    def _echo(self, peer: Peer, row: Param, value: Value) -> None:
        peer.send(wire.encode(ECHO + row.path, *wire.spoken(value)))

    def _complain(self, peer: Peer, text: str, *near: str) -> None:
        if self._errors.may():
            peer.send(wire.encode(ROOT + "error", text, *near))
        else:
            self.counters.silenced += 1
        self.note(f"OSC from {peer.name.partition(':')[2]}: {text}")


def _plain(value: Value | None) -> Value:
    """Give a part of the status without T, F and N: Pd 0.53's [oscparse] drops them, and names and values go out of step."""
    return "none" if value is None else int(value) if isinstance(value, bool) else value


def _told(row: Param, arguments: tuple) -> object:
    """Give the one value that a message's arguments are to a row; what several words say is one text."""
    if row.kind == "list":
        return arguments
    if row.kind == "text" and all(isinstance(argument, str | int | float) for argument in arguments):
        words = [f"{argument:.10g}" if isinstance(argument, float) else str(argument) for argument in arguments]
        return " ".join(words) if words else None
    if len(arguments) > 1:
        raise UsageError(f"{row.path} takes one value, not {len(arguments)}")
    return arguments[0] if arguments else None
