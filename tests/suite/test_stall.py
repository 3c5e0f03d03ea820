"""The suite can fail: a stall that is put in on purpose is caught by the on-time ratio, and nobody else is blamed for it."""

import json
import os
import subprocess
import sys
import time
import types
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
import culprits  # noqa: E402
import standstill  # noqa: E402
import three_clocks  # noqa: E402


def lines_of(name, *flags):
    done = subprocess.run([sys.executable, str(BENCH / f"{name}.py"), *flags], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in map(json.loads, done.stdout.splitlines()) if "name" in line}


def test_an_injected_stall_is_caught():
    """30 ms beyond a block, twice a second, with a lead of 20 ms at most: each of these hops is late, whatever else the machine
    does, ISR misses its goal, and the course over time has them marked."""
    lines = lines_of("three_clocks", "--quick", "--seconds", "2", "--inject", "stall:30:0.5")
    isr = lines["on time, seed 1"]
    assert isr["goals"][0]["statistic"] == "share" and not isr["goals"][0]["met"]
    assert isr["chances"] - isr["happened"] >= 2
    steps, course = lines["step, seed 1"]["count"], lines["slack of each step, seed 1"]
    assert len(course["marks"]) >= steps // 25 and all("late by" in text for _, text in course["marks"])
    assert min(course["values"]) < -9.0
    assert lines["samples not finite, seed 1"]["goals"][0]["met"] and lines["frames limited, seed 1"]["goals"][0]["met"]
    if "late steps of our making, seed 1" not in lines or lines["late steps of our making, seed 1"]["kind"] == "skip":
        return  # no rights for the watchers: nobody can tell
    # Each was late by 9 ms at least: but for a machine that stood still as long at just that time, which the mark says, it was us.
    ours = lines["late steps of our making, seed 1"]
    others = sum(text.endswith("ms") and "," in text for _, text in course["marks"])
    assert ours["happened"] + others >= steps // 25 and ours["happened"] > others and not ours["goals"][0]["met"]
    assert lines["underflows of our making, seed 1"]["happened"] >= 1
    assert lines["late steps by the benchmark's own helpers, seed 1"]["happened"] == 0


def test_only_a_known_fault_is_injected():
    """One line, and no figure."""
    command = [sys.executable, str(BENCH / "three_clocks.py"), "--quick", "--inject", "flood"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "it knows stall" in done.stderr and not done.stdout


def steps(slack, sounding):
    made = np.zeros(len(slack), STEP_TYPE)
    made["slack_frames"], made["sounding"] = slack, sounding
    return made


def test_the_on_time_ratio_counts_what_sounds():
    """Late by a frame is late; due now is in time; silence is not asked."""
    happened, of = three_clocks.on_time(steps([0, 1, -1, 288, -500], [1, 1, 1, 1, 0]))
    assert happened.tolist() == [0, 1, 3] and of == 4
    assert three_clocks.on_time(steps([], []))[1] == 0


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
    ((9.9852, 9.9855), 1.2, True),   # a bit of standstill excuses nothing, however little it was late
    ((9.990, 9.992), 1.2, False),   # a millisecond of it does
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
    """While the lateness falls as fast as steps can make up for it; where it does not, or a step in time lay between, a step is
    judged by itself: ten steps, each a millisecond less late, are ten of our making."""
    late, late_s = np.array([4, 5, 6, 9, 10, 11]), np.array([0.040, 0.022, 0.004, 0.030, 0.035, 0.017])
    alone = np.array([0, 2, 2, 2, 0, 2])
    assert answering.following(late, late_s, alone, 0.015).tolist() == [0, 0, 0, 2, 0, 0]
    assert answering.following(late[:0], late_s[:0], alone[:0], 0.015).tolist() == []
    alone = np.array([0] + 9 * [2])
    assert answering.following(np.arange(10), 0.02 - 1e-3 * np.arange(10), alone, 0.015).tolist() == alone.tolist()


def written(late_ms, still=(), held=(), helped=(), underflows=()):
    """The verdicts on steps of which each is written at 10, 10.1, 10.2 s ..., with 6 ms of lead."""
    count = len(late_ms)
    made = np.zeros(count, STEP_TYPE)
    made["slack_frames"], made["step_us"] = -48 * np.array(late_ms), 3000
    log = types.SimpleNamespace(steps=made, begun_s=9.0, step_times=lambda: 10.0 + 0.1 * np.arange(count) - 1e-6 * 3000 * -1)
    spans = {name: np.array(which, float).reshape(-1, 2) for name, which in (("still", still), ("held", held), ("helped", helped))}
    stood = types.SimpleNamespace(sure=True, **spans)
    stood.named = lambda begin, end, whose: {"helper": "jackd", "other": "else"}.get(whose, "")
    looks = answering.Looks(None)
    looks.rows = [(9.0, 288, 0), *((at, 288, n + 1) for n, at in enumerate(underflows))]
    looks.rows = sorted([*looks.rows, *((at - 0.02, 288, n) for n, at in enumerate(underflows))])
    return answering.Written(types.SimpleNamespace(blocksize=128, samplerate=48_000), log, stood, looks, True)


def test_who_is_blamed_for_a_late_step():
    """The machine, another program, a helper of the benchmark's, or we; and for the underflow beside it the same one."""
    at = 10.0 + 0.003
    one = written([6, 6, 6, 6, -3], still=[(at - 0.011, at - 0.004)], held=[(at + 0.089, at + 0.096)],
                  helped=[(at + 0.189, at + 0.196)], underflows=[at + 0.1, at + 0.2, at + 0.3, at + 0.45])  # fmt: skip
    assert one.verdicts.tolist() == [answering.EXCUSED, answering.EXCUSED, answering.HELPERS, answering.OURS]
    assert one.where(answering.OURS).tolist() == [3]
    # The last of them belongs to no late step: that is ours to explain.
    assert one.underflows().tolist() == [answering.EXCUSED, answering.HELPERS, answering.OURS, answering.OURS]
    assert [text.rpartition(", ")[2] for _, text in one._marks()] == ["a core stood still 7.0 ms", "else had its core 7.0 ms",
                                                                      "jackd had its core 7.0 ms", "ours"]  # fmt: skip


HOG = """
import os, sys, time
try:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(int(sys.argv[2])))
except (AttributeError, OSError):
    sys.exit(3)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    until = time.monotonic() + 0.005
    while time.monotonic() < until:
        pass
    time.sleep(0.01)
"""


def hog(core, rank, turns):
    process = subprocess.Popen([sys.executable, "-c", HOG, *map(str, (core, rank, turns))], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    if process.stdout.readline() != "ready\n":
        pytest.skip("no real-time rights, or no cores to choose from")
    return process


def test_watchers_find_who_had_the_core():
    """Two of real-time rank on one core: the lower waits, and the higher is named as what it is, here a helper. One above the
    watchers is a standstill of that core, and of a process only where that was on it."""
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    low, high, highest = hog(core, 10, 50), hog(core, 20, 50), hog(core, 90, 20)
    with standstill.Standstill(low.pid) as stood:
        time.sleep(0.8)  # till all processes were looked at
        for process in (low, high, highest):
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (low, high, highest):
            assert process.wait(20) == 0
    blamed = {whose for _, _, whose, _ in stood.why}
    assert stood.sure and len(stood.helped) >= 5 and culprits.HELPER in blamed and culprits.OURS not in blamed
    assert len(stood.spans) >= 5 and len(stood.still) >= 5
    for spans in (stood.spans, stood.still, stood.held, stood.helped):
        assert (spans[:, 1] > spans[:, 0]).all() and (spans[1:, 0] > spans[:-1, 1]).all()


def test_a_standstill_of_another_core_is_none_of_the_process():
    """It was on core 1 till second 5, then on core 0."""
    of_cores = {0: np.array([[3.0, 4.0], [6.0, 7.0]]), 1: np.array([[2.0, 2.5], [8.0, 9.0]])}
    assert list(standstill.on_its_core(of_cores, [(1.0, 1), (5.0, 0)])) == [(2.0, 2.5), (6.0, 7.0)]


def test_whose_a_process_is():
    """This one is the root, so ours; one that it started is a helper, the instrument's modules are ours; one above is another's."""
    assert culprits.whose(os.getpid(), os.getpid()) == culprits.OURS
    assert culprits.whose(os.getppid(), os.getpid()) == culprits.OTHER
    wait = "print(1, flush=True); import time; time.sleep(30)"
    for command, whose in (([sys.executable, "-c", wait], culprits.HELPER),
                           ([sys.executable, "-c", wait, "-m", "antiphon.worker_main"], culprits.OURS)):  # fmt: skip
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            child.stdout.read(1)  # it is another program only once it runs
            assert culprits.whose(child.pid, os.getpid()) == whose
        finally:
            child.kill(), child.communicate()


def test_a_control_that_was_held_up_does_not_catch_up():
    """A count that is over in time, or late by up to a hop, is followed by the next; what a longer stop took is left out."""
    for now, due in ((10.003, 10.02), (10.035, 10.02), (10.045, 10.04), (10.6, 10.58)):
        assert control.next_due(10.0, now) == pytest.approx(due)


def test_missing_blocks_are_counted_from_look_to_look():
    """None where both were called alike, whenever each was; those that were left out, within and at the end, wherever it ended."""
    block_s = 128 / 48_000
    other = 5.0 + block_s * np.arange(400)
    for apart in (-0.9, -0.4, 0.0, 0.3, 0.9):
        own = other[1:-1] + apart * block_s
        assert callback.missing_blocks(own, other, 5.0, 5.0 + 400 * block_s, block_s)[0] == 0
        assert callback.missing_blocks(np.delete(own, [7, 8, 200]), other, 5.0, 5.0 + 400 * block_s, block_s)[0] == 3
    held = other[1:-1].copy()
    held[[0, -1]] += 0.7 * block_s  # called late at either end: none is missing for that
    assert callback.missing_blocks(held, other, 5.0, 5.0 + 400 * block_s, block_s)[0] == 0
    missing, of = callback.missing_blocks(other[:10], other, 5.0, 5.0 + 400 * block_s, block_s)
    assert 385 <= missing <= 390 and of == missing + 10
    assert callback.missing_blocks(other[:0], other, 5.0, 6.1, block_s) == (400, 400)
    assert callback.missing_blocks(other, np.delete(other, 9), 5.0, 5.0 + 400 * block_s, block_s)[0] == -1


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
