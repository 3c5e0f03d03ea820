"""Who speaks OSC with the instrument, whichever way: over UDP, TCP or a WebSocket."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol


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
