"""Segments: two engines side by side, engines that were killed, memory that is not ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from antiphon.latency import Timeline
from antiphon.layout import STATUS_FIELDS, Segment, SegmentError, SegmentSpec, folder, unlink_stale
from playing import two_processes, wait_for

SPEC, TIMELINE = SegmentSpec(48_000, 1, 2, 15), Timeline(48_000, 128, 288)

_ENGINE = """
import time
from antiphon.engine import Engine, EngineConfig
engine = Engine(EngineConfig(driver="dummy", input="silence", bundle="through"))
engine.start()
print(engine.segment.name, engine.status().worker_pid, flush=True)
time.sleep(60)
"""


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_engine_takes_its_worker_with_it_and_leaves_a_segment_that_the_next_clears():
    """SIGKILL of the engine: the worker is gone, and the segment's name is removed by the next engine."""
    process = subprocess.Popen([sys.executable, "-c", _ENGINE], stdout=subprocess.PIPE, text=True)
    name, worker = process.stdout.readline().split()
    assert _is_running(int(worker)) and (folder() / name).exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not _is_running(int(worker)), why="for the worker to leave")
    assert (folder() / name).exists()
    assert name in unlink_stale()
    assert not (folder() / name).exists()


def test_living_engines_are_left_alone():
    """Two engines on one machine: neither clears the other's segment, and each has its own."""
    with two_processes() as one, two_processes() as other:
        assert one.segment.name != other.segment.name
        assert one.segment.name not in unlink_stale()
        assert (folder() / one.segment.name).exists() and (folder() / other.segment.name).exists()
        name = one.segment.name
    assert not (folder() / name).exists()


def test_both_sides_see_the_same_values():
    """What one side publishes the other reads."""
    made = Segment.create(SPEC, TIMELINE)
    try:
        seen = Segment.attach(made.name)
        seen.publish_status(np.arange(float(len(STATUS_FIELDS))))
        assert list(made.read_status().values()) == list(range(len(STATUS_FIELDS)))
        assert (seen.samplerate, seen.in_channels, seen.out_channels) == (48_000, 1, 2)
        seen.close()
    finally:
        made.unlink()


@pytest.mark.parametrize("damage", ["short", "magic", "version", "empty"])
def test_a_damaged_segment_is_refused(damage):
    """A segment that is cut short, of another version or not one at all is refused in one line."""
    made = Segment.create(SPEC, TIMELINE)
    try:
        path = made.path
        if damage in ("short", "empty"):
            os.truncate(path, 4096 if damage == "short" else 0)
        else:
            with open(path, "r+b") as file:
                file.seek(0 if damage == "magic" else 8)
                file.write(b"\xff\xff\xff\xff")
        with pytest.raises(SegmentError, match="segment"):
            Segment.attach(made.name)
    finally:
        made.unlink()


@pytest.mark.parametrize("name", ["antiphon-1-none", "../etc/passwd", "antiphon-/../x", ""])
def test_a_name_that_is_no_segment_is_refused(name):
    with pytest.raises(SegmentError):
        Segment.attach(name)


def test_a_segment_that_does_not_fit_is_refused():
    with pytest.raises(SegmentError, match="rates"):
        Segment.create(SegmentSpec(1_000, 1, 1, 15), TIMELINE)


def test_a_name_that_is_taken_is_passed_over():
    """A living engine of the same process id (another container on this /dev/shm): the next name is taken."""
    first = Segment.create(SPEC, TIMELINE)
    number = int(first.name.rsplit("-", 1)[1])
    blocker = folder() / f"antiphon-{os.getpid()}-{number + 1}"
    blocker.touch(0o600)  # empty, and its process lives: not stale
    try:
        second = Segment.create(SPEC, TIMELINE)
        assert second.name == f"antiphon-{os.getpid()}-{number + 2}"
        second.unlink()
        assert blocker.exists()
    finally:
        blocker.unlink()
        first.unlink()
