"""What doctor reads from a system: each trap that a performer steps into is found in a machine made of files, with what mends it,
and a machine without it is not accused."""

import dataclasses
import os

import pytest

from antiphon.suite import fitness
from antiphon.suite.fitness import BAD, GOOD, NOTE, Moment
from antiphon.suite.machine import machine

FIT = dataclasses.replace(machine(), cores=8, governors=("performance",), virtual=None, realtime=True, rtprio=95, memlock_mb=-1)


class Root:
    """A made-up system below `path`."""

    def __init__(self, path):
        self.path = path

    def at(self, name, words):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(words)


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path)


def only(checks, name):
    (found,) = [check for check in checks if check.name == name]
    return found


def stat(name, parent, ticks):
    """/proc/PID/stat, as far as it is read: the 14th and 15th fields are ticks."""
    return f"1 ({name}) S {parent} " + "0 " * 9 + f"{ticks} 0 " + "0 " * 30


def test_an_empty_system_is_accused_of_nothing(root):
    """Files that are not there say nothing: another system, a container."""
    checks = fitness.rights(FIT, root.path) + fitness.processor(FIT, set(), root.path) + fitness.usb(root.path)
    moment = Moment.take(root.path)
    checks += fitness.meanwhile(FIT, moment, moment, root.path) + fitness.when_strained(FIT, 1333.0, root.path)
    assert {check.verdict for check in checks} == {GOOD}
    assert not any(check.mend or check.command for check in checks)


def test_rights_are_mended_by_one_command_for_both(root, monkeypatch):
    """Realtime and locked memory come from the same file; whoever is in the group already is not told to join it."""
    root.at("etc/group", "audio:x:987654:\n")
    poor = dataclasses.replace(FIT, realtime=False, rtprio=0, memlock_mb=8)
    first, second = fitness.rights(poor, root.path)
    assert (first.verdict, second.verdict) == (NOTE, NOTE) and first.command == second.command
    assert "usermod" in first.command and "limits.d" in first.command and "\n" not in first.command
    monkeypatch.setattr(os, "getgroups", lambda: [987654])
    assert "usermod" not in fitness.rights(poor, root.path)[0].command
    root.at(".dockerenv", "")
    assert "docker" in fitness.rights(poor, root.path)[0].command


def test_who_may_lock_memory_by_right_needs_no_limit(root):
    """CAP_IPC_LOCK goes before the limit."""
    small = dataclasses.replace(FIT, memlock_mb=8)
    assert only(fitness.rights(small, root.path), "locked memory").verdict == NOTE
    root.at("proc/self/status", "Name:\tx\nCapEff:\t0000000000004000\n")
    assert only(fitness.rights(small, root.path), "locked memory").verdict == GOOD


def test_a_governor_is_told_to_its_keeper(root):
    """Where a daemon keeps the profile, what is written by hand does not last."""
    slow = dataclasses.replace(FIT, governors=("powersave",))
    by_hand = only(fitness.processor(slow, set(), root.path), "governor")
    by_daemon = only(fitness.processor(slow, {"power-profiles-"}, root.path), "governor")
    assert by_hand.verdict == NOTE and "scaling_governor" in by_hand.command
    assert by_daemon.command == "powerprofilesctl set performance"


def test_a_battery_is_only_the_machines_own(root):
    """On mains all is well, a mouse's battery is no matter, and a discharging one is told."""
    assert "power" not in [check.name for check in fitness.processor(FIT, set(), root.path)]
    mouse, battery = "sys/class/power_supply/hid0", "sys/class/power_supply/BAT0"
    root.at(f"{mouse}/type", "Battery"), root.at(f"{mouse}/scope", "Device"), root.at(f"{mouse}/status", "Discharging")
    assert "power" not in [check.name for check in fitness.processor(FIT, set(), root.path)]
    root.at(f"{battery}/type", "Battery"), root.at(f"{battery}/status", "Charging")
    assert only(fitness.processor(FIT, set(), root.path), "power").verdict == GOOD
    root.at(f"{battery}/status", "Discharging")
    assert only(fitness.processor(FIT, set(), root.path), "power").verdict == NOTE


def test_a_sound_card_that_may_sleep_is_named(root):
    """Class 01 is audio and MIDI; a keyboard may sleep, and a card that may not is not mentioned."""
    devices = "sys/bus/usb/devices"
    root.at(f"{devices}/1-1:1.0/bInterfaceClass", "03"), root.at(f"{devices}/1-1/power/control", "auto")
    root.at(f"{devices}/1-2:1.1/bInterfaceClass", "01"), root.at(f"{devices}/1-2/power/control", "on")
    assert fitness.usb(root.path) == []
    root.at(f"{devices}/1-2/power/control", "auto"), root.at(f"{devices}/1-2/product", "Scarlett 2i2")
    (found,) = fitness.usb(root.path)
    assert "Scarlett 2i2" in found.found and found.command.endswith("/1-2/power/control")


def test_other_programs_are_named_and_ours_and_the_servers_are_not_counted(root):
    """A browser is told by its name; this program, what it started, and JACK belong to the performance."""

    def moment(total, browser, ours):
        root.at("proc/stat", f"cpu  {total} 0 0 1000 0 0 0 7\n")
        root.at("proc/10/stat", stat("Web (Content) x", 1, browser)), root.at("proc/11/stat", stat("jackd", 1, 5 * browser))
        root.at("proc/20/stat", stat("antiphon", 1, ours)), root.at("proc/21/stat", stat("python", 20, ours))
        return Moment.take(root.path)

    before = moment(0, 100, 0)
    busy = fitness.meanwhile(FIT, before, moment(200, 180, 60), root.path, own=20)
    assert only(busy, "other programs").verdict == NOTE and "Web (Content) x 40%" in only(busy, "other programs").found
    quiet = fitness.meanwhile(FIT, before, moment(200, 110, 90), root.path, own=20)
    assert only(quiet, "other programs").verdict == GOOD


def test_a_virtual_machine_is_said_with_what_was_taken_from_it(root):
    """Steal time, of all time gone by."""
    root.at("proc/stat", "cpu  0 0 0 0 0 0 0 0\n")
    before = Moment.take(root.path)
    root.at("proc/stat", "cpu  50 0 0 40 0 0 0 10\n")
    found = only(
        fitness.meanwhile(dataclasses.replace(FIT, virtual="QEMU"), before, Moment.take(root.path), root.path), "virtual machine"
    )
    assert found.verdict == NOTE and "10.0%" in found.found


@pytest.mark.parametrize(
    "left, swap, verdict, command", [(8000, 0, GOOD, ""), (900, 0, NOTE, ""), (100, 0, BAD, ""), (900, 3000, NOTE, "")]
)
def test_memory_that_is_short(root, left, swap, verdict, command):
    """What is free, in MB; swap is emptied only into memory that has room for it."""
    root.at("proc/meminfo", f"MemAvailable: {left * 1024} kB\nSwapTotal: {swap * 1024} kB\nSwapFree: 0 kB\n")
    found = only(fitness.meanwhile(FIT, Moment(), Moment(), root.path), "memory")
    assert (found.verdict, found.command) == (verdict, command)


def test_swap_that_moves_is_told_and_swap_that_lies_still_is_not(root):
    """Pages that came back while sound ran, with room to fetch all of them."""
    root.at("proc/meminfo", f"MemAvailable: {8000 * 1024} kB\nSwapTotal: {2000 * 1024} kB\nSwapFree: {1000 * 1024} kB\n")
    assert only(fitness.meanwhile(FIT, Moment(), Moment(), root.path), "memory").verdict == GOOD
    found = only(fitness.meanwhile(FIT, Moment(), Moment(swapped_in=5000), root.path), "memory")
    assert found.verdict == NOTE and found.command == "sudo swapoff -a"


def test_deep_sleep_and_a_stubborn_kernel_are_told_where_blocks_come_late(root):
    """States that take longer to wake from than a quarter of a block; those that are switched off already are not."""
    states = "sys/devices/system/cpu/cpu0/cpuidle"
    for number, (latency, off) in enumerate([(2, 0), (120, 0), (700, 0), (900, 0), (1000, 1)]):
        root.at(f"{states}/state{number}/latency", str(latency)), root.at(f"{states}/state{number}/disable", str(off))
    (
        root.at("proc/version", "Linux version 6.1 #1 SMP PREEMPT_DYNAMIC"),
        root.at("proc/cmdline", "quiet"),
        root.at("etc/default/grub", ""),
    )
    sleep, kernel = fitness.when_strained(FIT, 2667.0, root.path)
    assert sleep.command.endswith("state[23]/disable") and "900" in sleep.found
    assert "preempt=full threadirqs" in kernel.command
    root.at("proc/cmdline", "quiet preempt=full")
    assert [check.name for check in fitness.when_strained(FIT, 2667.0, root.path)] == ["sleep of the cores"]
    assert fitness.when_strained(FIT, 10667.0, root.path) == []


def test_who_holds_the_card_is_found_behind_its_thread(root):
    """The kernel names a thread; the program it belongs to decides what is to be done."""
    root.at("proc/asound/card0/pcm0p/sub0/status", "state: RUNNING\nowner_pid   : 77\n")
    root.at("proc/asound/card0/pcm0c/sub0/status", "closed\n")
    (
        root.at("proc/77/status", "Name:\tdata-loop.0\nTgid:\t70\n"),
        root.at("proc/70/comm", "pipewire\n"),
        root.at("proc/77/comm", "data-loop.0\n"),
    )
    assert fitness.holders(root.path) == ["pipewire"]
    assert fitness.why_no_card({"pipewire"}, root.path)[1] == "pw-jack antiphon play"
    root.at("proc/70/comm", "ardour\n")
    assert "ardour holds the card" in fitness.why_no_card(set(), root.path)[0]


def test_a_card_that_may_not_be_opened_is_told_from_one_that_is_not_there(root):
    assert "knows no sound card" in fitness.why_no_card(set(), root.path)[0]
    root.at("dev/snd/pcmC0D0p", "")
    assert fitness.why_no_card(set(), root.path, may_open=lambda path, mode: False)[1] == "sudo usermod -aG audio $USER"
    assert fitness.why_no_card(set(), root.path, may_open=lambda path, mode: True)[1] == ""


def test_a_realtime_thread_is_seen_among_others(root):
    """The 41st field of a thread's stat is its policy: 0 ordinary, 1 and 2 realtime."""
    assert fitness.goes_first(5, root.path) is None
    root.at("proc/5/task/5/stat", "5 (a b) c) S " + "0 " * 36 + "0 0 0 0")
    assert fitness.goes_first(5, root.path) is False
    root.at("proc/5/task/6/stat", "6 (x) S " + "0 " * 36 + "60 1 0 0")
    assert fitness.goes_first(5, root.path) is True
