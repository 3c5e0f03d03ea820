"""mDNS on the loopback interface alone: what is played here is found there, under a name of its own, and is gone after."""

import socket
import threading
import time

import pytest

from antiphon.control.announce import OSC, OSCQUERY, Announcement, service_name

zeroconf = pytest.importorskip("zeroconf")


def multicast_on_loopback():
    """Whether this machine lets multicast through its loopback interface; some containers do not."""
    group = "224.0.0.251"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            ear.bind(("", 0))
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton("127.0.0.1"))
            ear.settimeout(1.0)
            mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            mouth.sendto(b"?", (group, ear.getsockname()[1]))
            return ear.recv(8) == b"?"
    except OSError:
        return False


needs_multicast = pytest.mark.skipif(not multicast_on_loopback(), reason="no multicast on the loopback interface here")


class Ear:
    """Somebody who looks for instruments."""

    def __init__(self, kind):
        self.found, self._changed = {}, threading.Condition()
        self._zeroconf = zeroconf.Zeroconf(interfaces=["127.0.0.1"])
        self._browser = zeroconf.ServiceBrowser(self._zeroconf, kind, self)

    def add_service(self, service, kind, name):
        info = service.get_service_info(kind, name)
        with self._changed:
            self.found[name] = None if info is None else (info.parsed_addresses(), info.port)
            self._changed.notify_all()

    update_service = add_service

    def remove_service(self, service, kind, name):
        with self._changed:
            self.found.pop(name, None)
            self._changed.notify_all()

    def wait_for(self, what, seconds=20):
        until = time.monotonic() + seconds
        with self._changed:
            while not what(self.found):
                assert self._changed.wait(until - time.monotonic()), f"found only {self.found}"

    def close(self):
        self._zeroconf.close()


@needs_multicast
def test_two_instruments_are_found_by_their_names_and_are_gone_when_they_end():
    """OSCQuery's service with its port, on this machine's loopback address."""
    lines = []
    one, other = (Announcement(service_name(port), "127.0.0.1", {OSCQUERY: port + 100}, lines.append) for port in (9000, 9001))
    ear = Ear(OSCQUERY)
    try:
        one.start()
        other.start()
        names = [f"{service_name(port)}.{OSCQUERY}" for port in (9000, 9001)]
        expected = {name: (["127.0.0.1"], port) for name, port in zip(names, (9100, 9101), strict=True)}
        ear.wait_for(lambda found: expected.items() <= found.items())
        one.close()
        one.close()
        ear.wait_for(lambda found: names[0] not in found)
        assert names[1] in ear.found and lines == []
    finally:
        other.close()
        one.close()
        ear.close()


@pytest.mark.parametrize("host", ["203.0.113.7", "nowhere.invalid", "not an address"])
def test_a_network_that_is_not_there_is_one_line(host):
    """It is said and playing goes on."""
    lines = []
    announcement = Announcement("Antiphon test 1", host, {OSC: 9000}, lines.append)
    announcement.start()
    assert announcement.told.wait(20)
    announcement.close()
    assert len(lines) <= 1 and all(line.startswith("not announced on the network: ") and "\n" not in line for line in lines)


def test_without_zeroconf_there_is_a_line_that_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "zeroconf", None)
    lines = []
    announcement = Announcement("Antiphon test 1", "127.0.0.1", {OSC: 9000}, lines.append)
    announcement.start()
    assert announcement.told.wait(20)
    announcement.close()
    assert len(lines) == 1 and "pip install 'antiphon[oscquery]'" in lines[0]


def test_it_may_be_ended_before_it_has_begun():
    """Stopping is not held up by it."""
    announcement = Announcement("Antiphon test 1", "127.0.0.1", {OSC: 9000})
    announcement.close()
    announcement.start()
    announcement.close()
