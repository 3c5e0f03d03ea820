"""Who speaks OSC with the instrument, whichever way: over UDP, TCP or a WebSocket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable
from typing import Protocol, TypeVar


class Peer(Protocol):
    """One who sends packets and is answered. Control thread only.

    `name` is the source of its events ("osc:127.0.0.1:52000"), `host` what its share of long answers is counted by. `key` is
    equal for two packets of one sender. `lasting`: a connection is there, and ends what it subscribed to; without one a
    sender may vanish silently.
    """

    name: str
    host: str
    key: Hashable
    lasting: bool

    @property
    def ready(self) -> bool:
        """Whether it reads what it is sent: while not, what can wait waits, and what is newest then is sent."""

    def send(self, packet: bytes) -> bool:
        """Send one packet, or give it up where there is no room: says which. Never waits, never raises."""


class Connected(Peer, Protocol):
    """A peer with a connection; `heard_s` is when it said something last, or was opened, by the monotonic clock."""

    heard_s: float


Somebody = TypeVar("Somebody", bound=Connected)


def who_makes_room(peers: Collection[Somebody], wants: Callable[[Peer], bool], host: str, share: int) -> Somebody | None:
    """Choose whose connection ends where all are taken and one more comes, from `host`; None: nobody's, it is turned away.

    Whoever has been silent longest of those who wish to hear of nothing (`wants`). Where all wish to, of those on another
    host with more than `share`: one machine cannot shut the others out, and a display that only listens stays.
    """
    free = [peer for peer in peers if not wants(peer)]
    if not free:
        held = Counter(peer.host for peer in peers)
        free = [peer for peer in peers if peer.host != host and held[peer.host] > share]
    return min(free, key=lambda peer: peer.heard_s, default=None)
