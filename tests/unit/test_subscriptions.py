"""Who is told what, and how often, by a clock that is turned by hand."""

import pytest
from osc_stage import Peer, a_desk

from antiphon.control import subscriptions
from antiphon.control.feedback import FEED_NAMES
from antiphon.control.subscriptions import Subscriptions
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.params import REGISTRY


class Stage:
    """Subscriptions of a desk, at a time that `at` sets."""

    def __init__(self):
        self.now = 100.0
        self.feeds = {name: (1.0, 2.0) for name in FEED_NAMES}
        self.desk = a_desk()
        self.looks = 0
        self.subscriptions = Subscriptions(self.desk, self.look, clock=lambda: self.now)

    def look(self):
        self.looks += 1
        return self.feeds

    def set(self, path, value, source="key"):
        self.desk.emit(Event(path, value, None, source))

    def run(self, seconds, step=0.005):
        """Let time pass as the task does; gives how long the last turn said to wait."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now += step
            self.subscriptions.turn(self.now)


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.subscriptions.close()
    made.set("dry", -1.0)  # nobody hears any more


def test_a_feed_comes_as_often_as_it_was_wished_for(stage):
    """20 a second, for one second; it is looked at once for all who are due together."""
    one, other = Peer("osc:10.0.0.1:1"), Peer("osc:10.0.0.2:1")
    stage.subscriptions.subscribe(one, "meters", 20)
    stage.subscriptions.subscribe(other, "feed/meters", 20)
    stage.run(1.0)
    assert one.count()["/antiphon/feed/meters"] == pytest.approx(20, abs=2) and other.count() == one.count()
    assert stage.looks <= 22 and one.got[0] == ("/antiphon/feed/meters", [1.0, 2.0])
    stage.subscriptions.unsubscribe(one, "feed/meters")  # by either name
    stage.subscriptions.unsubscribe(other, "meters")
    assert len(stage.subscriptions) == 0


def test_a_row_is_told_as_it_is_and_then_its_changes_and_the_newest_only(stage):
    """A hundred changes in a second at 10 Hz are ten messages, the last one of them the last change."""
    peer = Peer()
    stage.subscriptions.subscribe(peer, "dry", 10)
    stage.run(0.2)
    assert peer.heard() == [("/antiphon/echo/dry", [0.0])]
    for n in range(100):
        stage.set("dry", -float(n) / 2)
        stage.run(0.01)
    stage.run(0.2)
    assert 9 <= len(peer.got) <= 12 and peer.got[-1] == ("/antiphon/echo/dry", [-49.5])
    peer.heard()
    stage.run(5.0)
    assert peer.heard() == []  # nothing new, nothing told
    stage.set("dry", -1.0)
    stage.run(0.005)
    assert peer.heard() == [("/antiphon/echo/dry", [-1.0])]  # and after a rest, at once


def test_a_pattern_and_echo_hear_of_many_rows(stage):
    """All values first, each row's changes after."""
    pattern, everything = Peer("osc:10.0.0.1:1"), Peer("osc:10.0.0.2:1")
    stage.subscriptions.subscribe(pattern, "send/*")
    stage.subscriptions.subscribe(everything, "echo", 100)
    stage.run(0.5)
    assert [address for address, _ in pattern.heard()] == [f"/antiphon/echo/send/{n}" for n in range(1, 9)]
    assert [a for a, _ in everything.heard()] == ["/antiphon/echo/" + row.path for row in REGISTRY.rows if row.access != "w"]
    for path, value in (("send/3", -6.0), ("trigger", True), ("keep", 3), ("chord", (60.0, 64.0)), ("chord", ()), ("ask", "dark")):
        stage.set(path, value)
    stage.run(0.1)
    assert pattern.heard() == [("/antiphon/echo/send/3", [-6.0])]
    assert everything.heard() == [
        ("/antiphon/echo/send/3", [-6.0]), ("/antiphon/echo/trigger", [True]), ("/antiphon/echo/keep", [3]),
        ("/antiphon/echo/chord", ["none"]), ("/antiphon/echo/ask", ["dark"])]  # fmt: skip


def test_nobody_is_told_what_it_said_itself_unless_it_became_something_else(stage):
    """A fader is not moved under the finger; a value that was clipped is told."""
    peer = Peer("osc:10.0.0.1:1")
    stage.subscriptions.subscribe(peer, "dry", 100)
    stage.run(0.1)
    peer.heard()
    stage.set("dry", -3.0, source=peer.name)
    stage.run(0.1)
    assert peer.heard() == []
    stage.set("dry", 12.0, source=peer.name)
    stage.subscriptions.differs("dry")
    stage.run(0.1)
    assert peer.heard() == [("/antiphon/echo/dry", [12.0])]


def test_a_subscription_ends_by_itself_where_nobody_could_end_it(stage):
    """60 s without a connection, renewed by asking again; with a connection it lasts until `forget`."""
    udp, short, connected = Peer("osc:10.0.0.1:1"), Peer("osc:10.0.0.2:1"), Peer("tcp:10.0.0.3:1", lasting=True)
    stage.subscriptions.subscribe(udp, "dry")
    stage.subscriptions.subscribe(short, "dry", 20, 5)
    stage.subscriptions.subscribe(connected, "dry")
    stage.run(6.0, step=0.1)
    assert len(stage.subscriptions) == 2
    stage.run(50.0, step=0.5)
    stage.subscriptions.subscribe(udp, "dry")
    stage.run(50.0, step=0.5)
    assert len(stage.subscriptions) == 2
    stage.run(20.0, step=0.5)
    assert len(stage.subscriptions) == 1
    stage.subscriptions.forget(connected.key)
    assert len(stage.subscriptions) == 0 and stage.subscriptions.turn(stage.now) == float("inf")


def test_there_are_only_so_many(stage):
    """32 subscribers of 16 paths each; renewing is always possible, and who ends one makes room."""
    peers = [Peer(f"osc:10.0.0.{n % 3}:{n}") for n in range(33)]
    for peer in peers[:32]:
        stage.subscriptions.subscribe(peer, "dry")
    with pytest.raises(UsageError, match="32 subscribers"):
        stage.subscriptions.subscribe(peers[32], "dry")
    for path in [path for path in REGISTRY.paths if path != "dry"][:15]:
        stage.subscriptions.subscribe(peers[0], path)
    stage.subscriptions.unsubscribe(peers[0])
    stage.subscriptions.subscribe(peers[32], "dry")
    with pytest.raises(UsageError, match="at most 16"):
        for path in REGISTRY.paths:
            stage.subscriptions.subscribe(peers[32], path)
    stage.subscriptions.subscribe(peers[32], "dry", 50)
    stage.subscriptions.unsubscribe(peers[32], "never subscribed to")
    stage.now += 61.0  # those whose time is up take no place, also where nothing was due since
    for n in range(32):
        stage.subscriptions.subscribe(Peer(f"osc:10.0.1.{n % 2}:{n}"), "dry")


def test_one_machine_leaves_room_for_others(stage):
    """16 subscribers on a host, renewing and listening apart; however long is asked for, it ends after an hour unless renewed."""
    hog = [Peer(f"osc:10.0.0.1:{n}") for n in range(17)]
    for peer in hog[:16]:
        stage.subscriptions.subscribe(peer, "dry", 20, float("inf"))
    with pytest.raises(UsageError, match="16 subscribers on 10.0.0.1"):
        stage.subscriptions.subscribe(hog[16], "dry")
    stage.subscriptions.subscribe(hog[0], "voice", 20, float("inf"))
    assert stage.subscriptions.listen(hog[16], "dry")
    stage.subscriptions.subscribe(Peer("osc:10.0.0.2:1"), "dry")
    stage.now += 3599.0
    with pytest.raises(UsageError, match="16 subscribers on 10.0.0.1"):
        stage.subscriptions.subscribe(hog[16], "dry")
    stage.now += 2.0
    stage.subscriptions.subscribe(hog[16], "dry")


def test_who_wants_to_hear_is_whoever_subscribed_or_listens_until_that_ends(stage):
    """By time, by ignoring the last address, by unsubscribing."""
    peer = Peer("tcp:10.0.0.1:1", lasting=True)
    assert not stage.subscriptions.wants(peer)
    stage.subscriptions.subscribe(peer, "dry", 20, 10)
    assert stage.subscriptions.wants(peer)
    stage.now += 11.0
    assert not stage.subscriptions.wants(peer)
    assert stage.subscriptions.listen(peer, "dry") and stage.subscriptions.wants(peer)
    stage.subscriptions.ignore(peer, "dry")
    assert not stage.subscriptions.wants(peer)
    stage.subscriptions.subscribe(peer, "pitch")
    stage.subscriptions.unsubscribe(peer)
    assert not stage.subscriptions.wants(peer)


def test_a_renewal_makes_nothing_come_sooner(stage):
    """A thousand of them in a second, at 2 Hz: two or three answers."""
    peer = Peer()
    for _ in range(1000):
        stage.subscriptions.subscribe(peer, "dry", 2)
        stage.run(0.001, step=0.001)
    assert 1 <= len(peer.got) <= 3


@pytest.mark.parametrize("path, hz, seconds, words", [
    ("nothing", 20, None, "no parameter"), ("metres", 20, None, "did you mean meters"), ("no*thing", 20, None, "matches"),
    ("dry", "often", None, "HZ is a number"), ("dry", float("nan"), None, "HZ"), ("dry", 20, "long", "SECONDS"),
    ("dry", True, None, "HZ"),
    ("panic*", 20, None, "has a value"),
])  # fmt: skip
def test_what_cannot_be_subscribed_to_is_one_line(stage, path, hz, seconds, words):
    with pytest.raises(UsageError, match=words):
        stage.subscriptions.subscribe(Peer(), path, hz, seconds)
    assert len(stage.subscriptions) == 0


@pytest.mark.parametrize("hz, expected", [(1e9, 100), (0, 1), (-5, 1), (float("inf"), 100)])
def test_how_often_is_moved_into_its_range(stage, hz, expected):
    """0.1 to 100 Hz, whatever is asked for."""
    peer = Peer()
    stage.subscriptions.subscribe(peer, "pitch", hz)
    stage.run(1.0)
    assert len(peer.got) == pytest.approx(expected, abs=2)


def test_all_together_get_only_so_much_and_nobody_is_left_out(stage):
    """32 who want 16 patterns' worth at 100 Hz: at most 4,000 messages a second, shared; in the end all know the last value."""
    peers = [Peer(f"osc:10.0.0.{n}:1") for n in range(32)]
    for peer in peers:
        for feed in FEED_NAMES:
            stage.subscriptions.subscribe(peer, feed, 100)
        stage.subscriptions.subscribe(peer, "echo", 100)
    stage.run(2.0)
    counts = [len(peer.got) for peer in peers]
    assert sum(counts) <= 2 * subscriptions._MESSAGES_PER_S + subscriptions._BURST and stage.subscriptions.put_off > 0
    assert min(counts) > max(counts) / 4
    for peer in peers:
        for feed in FEED_NAMES:
            stage.subscriptions.unsubscribe(peer, feed)
    stage.set("dry", -7.0)
    stage.run(3.0)
    assert all(("/antiphon/echo/dry", [-7.0]) in peer.got for peer in peers)


def test_who_does_not_read_is_told_the_newest_when_it_reads_again(stage):
    """Nothing piles up for it: a thousand changes are one message."""
    peer = Peer("tcp:10.0.0.1:1", lasting=True)
    stage.subscriptions.subscribe(peer, "dry", 100)
    stage.subscriptions.subscribe(peer, "pitch", 100)
    stage.run(0.1)
    peer.heard()
    peer.ready = False
    for n in range(1000):
        stage.set("dry", -n / 20)
        stage.run(0.005)
    assert peer.heard() == []
    peer.ready = True
    stage.run(0.05)
    ((address, (value,)),) = [said for said in peer.heard() if "dry" in said[0]]
    assert address == "/antiphon/echo/dry" and value == pytest.approx(-49.95)
    assert len(stage.subscriptions._news) <= len(REGISTRY.rows)


def test_listening_is_by_the_rows_own_address_and_of_what_changes_only(stage):
    """As OSCQuery has it: no value before there is a change, a bang is a bang, a feed only where it moves."""
    peer = Peer("oscquery:10.0.0.1:1", lasting=True)
    for path in ("dry", "trigger", "keep", "feed/pitch"):
        assert stage.subscriptions.listen(peer, path)
    assert not stage.subscriptions.listen(peer, "nothing") and not stage.subscriptions.listen(peer, "feed/nothing")
    stage.run(1.0)
    assert peer.heard() == [("/antiphon/feed/pitch", [1.0, 2.0])]
    for path, value in (("dry", -3.0), ("trigger", True), ("keep", 2), ("voice", -1.0)):
        stage.set(path, value)
    stage.run(0.1)
    assert peer.heard() == [("/antiphon/dry", [-3.0]), ("/antiphon/trigger", [True]), ("/antiphon/keep", [2])]
    stage.feeds["pitch"] = (3.0, 4.0)
    stage.run(0.1)
    assert peer.heard() == [("/antiphon/feed/pitch", [3.0, 4.0])]
    for path in ("dry", "feed/pitch", "nothing", "feed/nothing"):
        stage.subscriptions.ignore(peer, path)
    stage.set("dry", -4.0)
    stage.feeds["pitch"] = (5.0, 6.0)
    stage.run(0.1)
    assert peer.heard() == [] and len(stage.subscriptions) == 0


def test_feeds_that_cannot_be_had_stop_nothing(stage):
    """An engine that is being stopped raises: rows are told all the same."""
    def broken():
        raise RuntimeError("stopped")

    peer = Peer()
    stage.subscriptions._feeds = broken
    stage.subscriptions.subscribe(peer, "pitch")
    stage.subscriptions.subscribe(peer, "dry")
    stage.run(0.2)
    assert peer.heard() == [("/antiphon/echo/dry", [0.0])]
