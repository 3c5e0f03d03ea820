"""The suite can fail: a stall that is put in on purpose is caught by the on-time ratio, and nobody else is blamed for it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from antiphon.trace import STEP_TYPE

BENCH = Path(__file__).resolve().parents[2] / "bench"
if not BENCH.is_dir():
    pytest.skip("no bench/ here", allow_module_level=True)
sys.path.append(str(BENCH))

import answering  # noqa: E402
import callback  # noqa: E402
import callers  # noqa: E402
import control  # noqa: E402
import standstill  # noqa: E402
import three_clocks  # noqa: E402


def lines_of(name, *flags):
    done = subprocess.run([sys.executable, str(BENCH / f"{name}.py"), *flags], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines()) if "name" in line}


def test_an_injected_stall_is_caught():
    """30 ms beyond a block, twice a second, with a lead of 20 ms at most: each of these hops is late, whatever else the machine
    does, ISR misses its goal, and the course over time has them marked."""
    lines = lines_of("three_clocks", "--quick", "--seconds", "3", "--inject", "stall:30:0.5")
    isr = lines["on time, seed 1"]
    assert isr["goals"][0]["statistic"] == "share" and not isr["goals"][0]["met"]
    assert isr["chances"] - isr["happened"] >= 2
    steps, course = lines["step, seed 1"]["count"], lines["slack of each step, seed 1"]
    assert len(course["marks"]) >= steps // 25 and all("late by" in text for _, text in course["marks"])
    assert min(course["values"]) < -9.0
    assert lines["samples not finite, seed 1"]["goals"][0]["met"] and lines["samples over range, seed 1"]["goals"][0]["met"]


def test_only_a_known_fault_is_injected():
    """One line, and no figure."""
    command = [sys.executable, str(BENCH / "three_clocks.py"), "--quick", "--inject", "flood"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "three_clocks knows stall" in done.stderr and not done.stdout


def steps(slack, sounding):
    made = np.zeros(len(slack), STEP_TYPE)
    made["slack_frames"], made["sounding"] = slack, sounding
    return made


def test_the_on_time_ratio_counts_what_sounds():
    """Late by a frame is late; due now is in time; silence is not asked."""
    assert three_clocks.on_time(steps([0, 1, -1, 288, -500], [1, 1, 1, 1, 0])) == (3, 4)
    assert three_clocks.on_time(steps([], [])) == (0, 0)


def test_spans_are_joined_and_measured():
    """Two cores that stand still at once are one standstill."""
    spans = standstill.joined(np.array([[5.0, 6.0], [1.0, 2.0], [1.5, 3.0], [3.0, 3.5]]))
    assert spans.tolist() == [[1.0, 3.5], [5.0, 6.0]]
    assert standstill.overlap_s(spans, 3.0, 5.5) == 1.0
    assert standstill.overlap_s(spans, 3.6, 4.9) == 0.0
    assert standstill.joined(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize("span, late_ms, ours", [
    (None, 1.0, True),               # all cores ran
    ((9.990, 9.998), 6.0, False),    # 8 ms of standstill, 6 ms late
    ((9.990, 9.998), 8.5, False),    # as late as that, to half a block
    ((9.990, 9.998), 20.0, True),    # it cannot have cost more than it lasted
    ((9.950, 9.960), 6.0, True),     # it was over before the hop was there
    ((10.001, 10.020), 6.0, True),   # it came after
])  # fmt: skip
def test_a_late_step_is_the_machines_only_where_the_machine_stood_still_for_as_long(span, late_ms, ours):
    """Voice written at 10 s, with 8.7 ms of room before it was due."""
    spans = np.array([span] if span else []).reshape(-1, 2)
    late_s = np.array([1e-3 * late_ms])
    stood = standstill.stood_still(spans, np.array([10.0]), late_s, 0.0087)
    assert standstill.is_ours(stood, late_s, 0.00133).tolist() == [ours]


def test_what_follows_from_a_late_step_is_blamed_as_that_one():
    """While the lateness shrinks; where it grows, or a step in time lay between, a step is judged by itself."""
    late, late_s = np.array([4, 5, 6, 9, 10, 11]), np.array([0.040, 0.022, 0.004, 0.030, 0.035, 0.017])
    alone = np.array([False, True, True, True, False, True])
    assert answering.following(late, late_s, alone).tolist() == [False, False, False, True, False, False]
    assert answering.following(late[:0], late_s[:0], alone[:0]).tolist() == []


def test_a_watcher_finds_what_is_longer_than_it_sleeps():
    """Watchers start, are told to end, and say spans in order that do not overlap, of the cores and of a process."""
    with standstill.Standstill(os.getpid()) as stood:
        pass
    for spans in (stood.spans, stood.held):
        assert spans.shape[1] == 2
        assert (spans[:, 1] > spans[:, 0]).all() and (spans[1:, 0] > spans[:-1, 1]).all()


def test_the_control_counts_while_something_else_happens():
    """One count every 20 ms, timed from when it was due; those that are due one after the other are 20 ms apart."""
    with control.Beside() as counting:
        counting.begin(0.001)
        time.sleep(0.3)
    assert len(counting.took_s) == len(counting.due_s) >= 2
    assert counting.took_between(counting.due_s[1], time.monotonic()).tolist() == counting.took_s[1:].tolist()
    with control.Beside() as counting:
        pass
    assert not len(counting.took_s)
    assert np.allclose(np.diff(counting.due_s), control.HOP_S) and (counting.took_s > 0).all()


def test_blocks_of_a_callback_have_a_time():
    """From the last one backwards by their spacings; a part of them is a part of all."""
    records = np.array([[0.0, 5.0], [2000.0, 6.0], [3000.0, 7.0]], np.float32)
    called = callers.Called(records, 100.0, 4)
    assert np.allclose(called.at_s, [99.995, 99.997, 100.0])
    part = called.between(99.996, 99.999)
    assert (len(part), part.took_us.tolist(), part.flagged) == (1, [6.0], 4)


def test_the_files_say_what_their_numbers_mean():
    """A heading, and more."""
    for module in (callback, three_clocks):
        title, _, rest = module.__doc__.partition("\n")
        assert title.endswith((".", "?")) and len(rest) > 500
