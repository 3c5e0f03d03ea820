"""What may be said of counts: what comes in runs is not called a change, ten times as many is, and what is not known is not said."""

import argparse
import io
import json

import numpy as np
import pytest

from antiphon.suite import counts
from antiphon.suite.compare import compare
from antiphon.suite.figures import Goal
from antiphon.suite.receipt import parse
from antiphon.suite.run import Run
from antiphon.suite.verdict import AS_BEFORE, MACHINE, TOO_FEW, UNTOLD
from suite_receipts import in_runs, tally, text

STEPS = 3000


def told(name, where, chances=STEPS, **more):
    return tally(name, len(where), chances, where=where, **more)


def compared(a, b):
    return {row.name: row for row in compare(parse(text(*a)), parse(text(*b))).rows}


def verdict(a, b, **more):
    return compared([told("t", a, **more)], [told("t", b, **more)])["t"].verdict


def test_two_alike_runs_say_that_no_count_changed():
    """Four tallies each, in which what happens comes in runs of 3, 12 or 20 in the mean: at least 95 of 100 pairs say nothing."""
    wrong = 0
    for pair in range(100):
        random = np.random.default_rng(pair)
        runs, mean = 1 + pair % 8, (3, 12, 20)[pair % 3]
        a, b = ([told(f"t{k}", in_runs(random, STEPS, runs, mean)) for k in range(4)] for _ in range(2))
        wrong += any(row.verdict in ("more", "fewer") for row in compared(a, b).values())
    assert wrong <= 5


@pytest.mark.parametrize("mean", [3, 12, 20])
def test_ten_times_as_many_is_found(mean):
    """Thirty runs where there were three, beside three tallies that stayed: in eight of ten pairs at least it is said, and of no other."""
    random = np.random.default_rng(mean)
    found = others = 0
    for _ in range(10):
        a, b = ([told(f"t{k}", in_runs(random, STEPS, runs if k == 0 else 3, mean)) for k in range(4)] for runs in (3, 30))
        verdicts = [row.verdict for row in compared(a, b).values()]
        found += verdicts[0] == "more"
        others += any(word in ("more", "fewer") for word in verdicts[1:])
    assert found >= 8
    assert others <= 1


def test_one_long_run_is_one_mishap():
    """Three hundred steps late one after the other are no change from none; as many all through the run are."""
    assert verdict([], range(1000, 1300)) in (AS_BEFORE, TOO_FEW)
    assert verdict([], range(0, STEPS, 10)) == "more"
    assert verdict(range(0, STEPS, 10), []) == "fewer"
    assert verdict(range(0, STEPS, 10), range(5, STEPS, 10)) == AS_BEFORE


def test_of_a_share_near_one_what_did_not_happen_is_counted():
    """2,999 steps in time, then 2,700: fewer, where the late ones lie all through the run; worse, where more would be better."""
    late = np.arange(0, STEPS, 10)
    a, b = ([told("t", np.setdiff1d(np.arange(STEPS), some), better="more")] for some in ([7], late))
    row = compared(a, b)["t"]
    assert (row.verdict, row.worse) == ("fewer", True)


def test_a_longer_run_is_compared_by_rates():
    """Twice as long and twice as many is as before, in four pairs of four; of a run ten times as long nothing is said."""
    random = np.random.default_rng(4)
    for _ in range(4):
        a, b = in_runs(random, STEPS, 5, 12), in_runs(random, 2 * STEPS, 10, 12)
        assert compared([told("t", a)], [told("t", b, 2 * STEPS)])["t"].verdict == AS_BEFORE
    many = in_runs(random, 10 * STEPS, 500, 12)
    assert compared([told("t", a)], [told("t", many, 10 * STEPS)])["t"].verdict == TOO_FEW


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ((0, 3000), (0, 3000), AS_BEFORE),
        ((22, 3000), (60, 3000), UNTOLD),
        ((2, 3000), (290, 3000), UNTOLD),
        ((2, 3000), (2900, 3000), "more"),  # hundreds at once do not make that of it
        ((40, 40), (20, 40), "fewer"),  # single trials count each
        ((40, 40), (39, 40), AS_BEFORE),
    ],
)
def test_where_it_is_not_told_how_they_lay_a_hundred_are_one(before, after, expected):
    """They may have been one run; only of hundreds more something is said."""
    told = compared([tally("t", *before)], [tally("t", *after)])["t"].verdict
    assert told == expected or (expected == AS_BEFORE and told == TOO_FEW)


def test_frames_are_damaged_by_the_block():
    """Fifty blocks of 128 frames that went missing in one run are one mishap, not 6,400."""
    a, b = (tally("damaged", frames, 960_000, unit="frames") | {"settings": {"blocksize": 128}} for frames in (0, 6400))
    assert compare(parse(text(a)), parse(text(b))).changed == []


def test_a_count_whose_control_grew_alike_is_the_machines():
    """Ours late ten times as often, and a loop that only counts, too: whether it tells how its counts lay or not."""
    random = np.random.default_rng(9)
    few, many = in_runs(random, STEPS, 4, 3), np.arange(0, STEPS, 12)
    a, b = [told("late", few, control="counting")], [told("late", many, control="counting")]
    for its in (told, lambda name, where: tally(name, len(where), STEPS)):
        assert compared([*a, its("counting", few)], [*b, its("counting", many + 5)])["late"].verdict == MACHINE
        assert compared([*a, its("counting", few)], [*b, its("counting", few)])["late"].verdict == "more"


def test_segments_that_are_none_are_not_compared():
    """A broken program's places are said to be unreadable; the other figures are compared."""
    for segments in ([[1]], [["a", 2]], [[-1, 10]], [[1, 0]], [[1, 2, 3]], 7):
        odd = [told("t", [1]) | {"events": {"segments": segments}}, told("other", [1])]
        found = compare(parse(text(*odd)), parse(text(*odd)))
        assert [row.name for row in found.rows] == ["other"]
        assert found.unlike == ["b t: cannot be read"]


# what a run tells of a count


@pytest.fixture
def run(tmp_path):
    told = argparse.Namespace(quick=True, bundle="echo", seconds=None, seed=1, inject=None, blocksize=128, samplerate=48000)
    return Run("b", told, tmp_path, io.StringIO())


def lines(run):
    return [json.loads(line) for line in run._out.getvalue().splitlines()]


def test_a_tally_keeps_how_it_lay(run):
    """In 16 segments, of which each has its chances; fewer where there are fewer; seconds where chances are a length of time."""
    common = {"clock": "counted"}
    run.tally("late", 3, 3000, unit="steps", where=[2999, 0, 187], **common)
    run.tally("few", 2, 5, unit="replies", where=np.array([1, 4]), **common)
    run.tally("gaps", 2, 60.0, unit="s", where=[0.1, 60.2], **common)
    run.tally("none", 0, 3000, unit="steps", **common)
    run.tally("all", 40, 40, unit="steps", **common)
    run.tally("not told", 3, 3000, unit="steps", **common)
    late, few, gaps, none, everything, untold = (line.get("events", {}).get("segments") for line in lines(run))
    assert [k for k, _ in late] == [1, 1] + [0] * 13 + [1]
    assert sum(n for _, n in late) == 3000
    assert few == [[0, 1], [1, 1], [0, 1], [0, 1], [1, 1]]
    assert [k for k, _ in gaps] == [1] + [0] * 14 + [1]
    assert sum(n for _, n in gaps) == 60
    assert sum(k for k, _ in none) == 0 and len(none) == 16
    assert all(k == n for k, n in everything)
    assert untold is None
    assert [counts.Counts.of(line, False) is None for line in lines(run)] == [False] * 5 + [True]


def test_places_that_are_none_are_refused(run):
    """As many places as happened, each the index of a chance."""
    with pytest.raises(ValueError, match="3 happened, and 2 places"):
        run.tally("late", 3, 3000, unit="steps", clock="", where=[1, 2])
    for place in (-1, 3000):
        with pytest.raises(ValueError, match="of 3000 chances"):
            run.tally("late", 1, 3000, unit="steps", clock="", where=[place])


def test_what_had_no_event_misses_its_goal(run):
    """A figure without events is told as left out, with why, and its goals missed; so are those of a count of no chances."""
    run.figure("none", [], unit="ms", clock="", goal=[Goal("p99", "<=", 3.0), Goal("count", ">=", 0)], none="nobody played")
    run.figure("without a goal", iter(()), unit="ms", clock="")
    run.tally("late", 0, 0, unit="steps", clock="", goal=Goal("happened", "==", 0))
    none, plain, late = lines(run)
    assert (none["kind"], none["why"]) == ("skip", "no event: nobody played")
    assert [(goal["found"], goal["met"]) for goal in none["goals"]] == [(None, False)] * 2
    assert (plain["kind"], plain["why"], plain["goals"]) == ("skip", "no event: nothing was measured", [])
    assert [(goal["found"], goal["met"]) for goal in late["goals"]] == [(0, False)]
    with pytest.raises(ValueError, match="p98"):
        run.figure("none", [], unit="ms", clock="", goal=Goal("p98", "<=", 3.0))


def test_a_quantile_of_too_few_events_is_their_largest(run):
    """p95 of 19, p99 of 99, p99.9 of 999: nothing excuses the worst of a dozen; of enough events it is what it was."""
    for count, name in ((19, "p95"), (99, "p99"), (999, "p99.9"), (12, "p99")):
        assert run.figure("f", np.arange(count), unit="ms", clock="")[name] == count - 1
    line = run.figure("f", np.arange(1, 101), unit="ms", clock="", goal=Goal("p99", "<=", 99.5))
    assert line["p99"] == 99.01 and line["goals"][0]["met"]
