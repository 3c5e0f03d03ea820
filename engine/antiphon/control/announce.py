"""mDNS: let ossia score, Chataigne, TouchDesigner and others find what is played here without being told a port.

`_oscjson._tcp` is OSCQuery's service, `_osc._udp` plain OSC's. What listens on this machine only is announced on this
machine only (the loopback interface): elsewhere its address would mean somebody else.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping

from .osc import is_loopback

OSCQUERY, OSC = "_oscjson._tcp.local.", "_osc._udp.local."
_END_S = 1.0


class Announcement:
    """Say on the network what is served, from `start` to `close`; in a thread of its own, since it takes seconds.

    `services` are ports by service type, `host` what they are bound to. `log` is called from that thread, with one line where it
    cannot be: playing goes on. Never raises.
    """

    def __init__(self, name: str, host: str, services: Mapping[str, int], log: Callable[[str], None] = lambda line: None):
        self.name, self.host, self.services, self._log = name, host, dict(services), log
        self._thread: threading.Thread | None = None
        self._end = threading.Event()
        self.told = threading.Event()
        """Set once everything is announced, or cannot be."""

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread = threading.Thread(target=self._announce, name="antiphon-announce", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Begin to say that it has gone; returns at once."""
        self._end.set()

    def close(self) -> None:
        """Say that it has gone; takes no more than a second. Harmless when called twice."""
        self.end()
        if self._thread is not None:
            self._thread.join(_END_S)

    def _announce(self) -> None:
        try:
            from zeroconf import ServiceInfo, Zeroconf
        except ImportError:
            self.told.set()
            self._log("not announced on the network: zeroconf is missing; pip install 'antiphon[oscquery]'")
            return
        service = None
        try:
            interfaces, addresses = _where(self.host)
            service = Zeroconf(interfaces=interfaces)
            for kind, port in self.services.items():
                if self._end.is_set():
                    break
                info = ServiceInfo(
                    kind,
                    f"{self.name}.{kind}",
                    port=port,
                    addresses=[ipaddress.ip_address(address).packed for address in addresses],
                    server=f"{'-'.join(self.name.lower().split())}.local.",
                    properties={"txtvers": "1"},
                )
                service.register_service(info, allow_name_change=True)
            self.told.set()
            self._end.wait()
        except Exception as error:  # no network, no multicast, no such interface: whatever it is, it is only mDNS
            self._log(f"not announced on the network: {type(error).__name__}: {error}".rstrip(": "))
        finally:
            self.told.set()
            if service is not None:
                try:
                    service.close()
                except Exception:
                    pass  # the network went first


def service_name(osc_port: int) -> str:
    """Name this instrument among others on the network: its machine, and its OSC port, since two may play on one machine."""
    return f"Antiphon {socket.gethostname().partition('.')[0]} {osc_port}"


def _where(host: str) -> tuple[list[str], list[str]]:
    """Give the interfaces to announce on and the addresses to announce for what is bound to a host; both by address."""
    from zeroconf import get_all_addresses

    if is_loopback(host):
        return ["127.0.0.1"], ["127.0.0.1"]
    address = socket.gethostbyname(host) if ":" not in host else host
    if address not in ("0.0.0.0", "::"):
        return [address, "127.0.0.1"], [address]
    here = list(dict.fromkeys(str(found) for found in get_all_addresses()))
    reached = [found for found in here if not ipaddress.ip_address(found).is_loopback]
    return here, reached or here
