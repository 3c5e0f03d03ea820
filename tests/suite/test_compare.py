"""What may be said of two receipts: nothing where nothing changed, what changed where something did, one line for what is none."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from antiphon.suite import listing, noise
from antiphon.suite.compare import compare
from antiphon.suite.figures import Goal, coarse
from antiphon.suite.receipt import parse
from antiphon.suite.verdict import AS_BEFORE, MACHINE, OTHER, TOO_FEW
from suite_receipts import HEAD, bursty, figure, nothing, rich, tally, text, value

BENCH = Path(__file__).resolve().parents[2] / "bench"


def receipt(*lines, **more):
    return parse(text(*lines, **more))


def compared(a, b, **more):
    """Compare two lists of lines; by name of the figure what was said of it."""
    return {row.name: row for row in compare(receipt(*a), receipt(*b), **more).rows}


def one_build(random, figures=3, factor=1.0, machine=1.0, **more):
    """What one run of a build may find: durations with their control runs, late steps in bursts of several."""
    lines = []
    for k in range(figures):
        lines.append(
            figure(
                f"f{k}",
                bursty(random, middle=10.0 * (k + 1), factor=machine * (factor if k == 0 else 1.0), **more),
                control=f"c{k}",
            )
        )
        lines.append(figure(f"c{k}", bursty(random, middle=3.0, factor=machine, **more)))
    late = sum(int(random.geometric(0.3)) for _ in range(random.poisson(1.0)))
    return [*lines, tally("late", late, 3000)]


def test_two_receipts_of_one_build_say_that_nothing_changed():
    """In 95 of 100 pairs at least nothing at all is said to have changed, bursts of noise and starts of programs notwithstanding.

    Here 12 pairs, of which one may be wrong; by the hundred the same is run by hand when compare.py changes.
    """
    wrong = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        wrong += bool(compare(receipt(*one_build(random)), receipt(*one_build(random))).changed)
    assert wrong <= 1


def test_a_tenth_more_at_the_median_is_found():
    """3,000 events, 10 % slower: slower it is, beside a control that stayed, and nothing else is said to have changed."""
    found = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        comparison = compare(receipt(*one_build(random, bursts=0.5)), receipt(*one_build(random, factor=1.1, bursts=0.5)))
        found += [row.name for row in comparison.worse] == ["f0"]
    assert found >= 5


def test_where_the_control_moved_as_much_the_machine_changed():
    """A machine that takes 1.4 times as long for all changes no verdict on the instrument."""
    random = np.random.default_rng(5)
    rows = compare(receipt(*one_build(random, start=0.0)), receipt(*one_build(random, machine=1.4, start=0.0))).rows
    assert [row for row in rows if row.worse] == []
    assert {row.verdict for row in rows if row.kind == "figure"} == {MACHINE}


def test_on_a_restless_machine_only_what_stands_out_changed():
    """Twelve figures that other work moved up and down by a fifth, each as a whole, say nothing; nor does one more that moved so.

    One that took ten times as long is found among them, and on a quiet machine a tenth is.
    """
    random = np.random.default_rng(11)

    def run(apart, factor=1.0):
        others = [
            figure(f"f{k}", bursty(random, 1000, bursts=0, factor=np.exp(apart * random.standard_normal()))) for k in range(12)
        ]
        return [*others, figure("ours", bursty(random, 1000, bursts=0, factor=factor))]

    restless, quiet = run(0.2), run(0.0)
    assert compare(receipt(*restless), receipt(*run(0.2, 1.3))).changed == []
    assert [row.name for row in compare(receipt(*restless), receipt(*run(0.2, 10.0))).changed] == ["ours"]
    assert [row.name for row in compare(receipt(*quiet), receipt(*run(0.0, 1.1))).changed] == ["ours"]
    told = compare(receipt(*restless), receipt(*run(0.2)))
    assert any(line.startswith("restless: ") for line in listing.compared(told, receipt(*restless), receipt(*restless)))


def test_what_moved_more_than_its_control_changed():
    """Twice as slow on a machine that is a tenth slower is slower; its control says only what the machine did."""
    random = np.random.default_rng(6)
    a = [figure("ours", bursty(random, bursts=0), control="empty"), figure("empty", bursty(random, bursts=0))]
    b = [
        figure("ours", bursty(random, bursts=0, factor=2.2), control="empty"),
        figure("empty", bursty(random, bursts=0, factor=1.1)),
    ]
    rows = compared(a, b)
    assert rows["ours"].verdict == "slower"
    assert rows["ours"].worse
    assert rows["empty"].verdict != "slower"
    assert not rows["empty"].worse


def test_one_burst_is_no_change():
    """A burst that fell into one run of two moves its 99th percentile tenfold, and says nothing of the build."""
    quiet = np.full(3200, 10.0) + np.random.default_rng(1).random(3200)
    burst = quiet.copy()
    burst[1000:1100] *= 10
    row = compared([figure("f", quiet)], [figure("f", burst)])["f"]
    assert row.moved["p99"].at > 8
    assert row.verdict == AS_BEFORE


def test_a_tail_that_is_longer_throughout_is_found():
    """3 % of all events take five times as long, all through the run: the median says nothing, the 99th percentile does."""
    random = np.random.default_rng(2)
    before, after = (10 + random.random(6400) for _ in range(2))
    after[random.random(6400) < 0.03] *= 5
    row = compared([figure("f", before)], [figure("f", after)])["f"]
    assert row.moved["p50"].verdict == AS_BEFORE
    assert row.moved["p99"].verdict == row.verdict == "slower"


def test_what_is_exact_is_held_to_equality():
    """1,007 frames are not 1,008 where every event is the same; the same ones are as before."""
    a, same, other = ([figure("f", [frames] * 60, unit="frames", better="same")] for frames in (1007, 1007, 1008))
    assert compared(a, same)["f"].verdict == AS_BEFORE
    assert compared(a, other)["f"].verdict == "higher"
    assert compared(a, other)["f"].worse


def test_what_is_better_when_it_is_more_is_worse_when_it_is_less():
    """Less time to spare is worse, more of it is not."""
    random = np.random.default_rng(3)
    a, less, more = ([figure("f", bursty(random, factor=factor, bursts=0), unit="ms", better="more")] for factor in (1, 0.7, 1.4))
    assert (compared(a, less)["f"].verdict, compared(a, less)["f"].worse) == ("lower", True)
    assert (compared(a, more)["f"].verdict, compared(a, more)["f"].worse) == ("higher", False)


def test_a_few_events_say_nothing():
    """Three starts against three others are too few, however far apart; two hundred events say nothing of a 99th percentile."""
    assert compared([figure("f", [1, 2, 3])], [figure("f", [11, 12, 13])])["f"].verdict == TOO_FEW
    random = np.random.default_rng(4)
    assert compared([figure("f", random.random(200))], [figure("f", random.random(200))])["f"].moved["p99"].verdict == TOO_FEW


def test_values_around_zero_are_compared_by_their_difference():
    """Drift has no ratio: what moved by its own spread is found, what did not is not."""
    random = np.random.default_rng(7)
    a, same, other = ([figure("f", random.normal(at, 2, 3000), unit="frames", better="same")] for at in (0, 0, 3))
    assert compared(a, same)["f"].verdict == AS_BEFORE
    assert not compared(a, same)["f"].moved["p50"].ratio
    assert compared(a, other)["f"].verdict == "higher"


def test_decibels_are_compared_by_their_difference():
    """3 dB louder is higher by 3, not by a ratio."""
    random = np.random.default_rng(8)
    moved = compared([figure("f", random.normal(40, 1, 2000), unit="dB")], [figure("f", random.normal(43, 1, 2000), unit="dB")])[
        "f"
    ].moved["p50"]
    assert not moved.ratio
    assert moved.at == pytest.approx(3, abs=0.3)
    assert moved.low < 3 < moved.high


def test_single_numbers_are_the_same_or_others():
    """One event does not tell how much it varies: another value is shown, and is neither better nor worse."""
    assert compared([value("v", 640)], [value("v", 640)])["v"].verdict == AS_BEFORE
    other = compared([value("v", 640)], [value("v", 641)])["v"]
    assert (other.verdict, other.worse) == (OTHER, False)
    assert compare(receipt(value("v", 2.31, unit="MB", better="less")), receipt(value("v", 2.4, unit="MB", better="less"))).changed == []


@pytest.mark.parametrize(
    "before, after, unit, better, expected, worse",
    [
        (1376, 2336, "frames", "less", "slower", True),
        (2336, 1376, "frames", "less", "faster", False),
        (640, 641, "frames", "less", "slower", True),
        (640.01, 640.02, "frames", "less", OTHER, False),  # by correlation, to a hundredth
        (40, 60, "frames", "more", "higher", False),
        (120.0, 90.0, "dB", "more", "lower", True),
        (-120.0, -90.0, "dB", "less", "higher", True),
        (-90.2, -90.4, "dB", "less", OTHER, False),
    ],
)
def test_what_is_counted_or_computed_is_worse_where_it_moved_to_the_bad(before, after, unit, better, expected, worse):
    """Half a frame, one decibel: such numbers have no noise."""
    row = compared([value("v", before, unit=unit, better=better)], [value("v", after, unit=unit, better=better)])["v"]
    assert (row.verdict, row.worse) == (expected, worse)


def test_a_single_number_whose_control_moved_as_far_is_the_machines():
    """A server that holds 960 frames more makes a round trip longer by as many, and no instrument slower."""
    a = [value("ours", 1376, better="less", control="server"), value("server", 256, better="less")]
    b = [value("ours", 2336, better="less", control="server"), value("server", 1216, better="less")]
    assert {row.verdict for row in compared(a, b).values()} == {MACHINE}
    assert compared(a, [b[0], a[1]])["ours"].verdict == "slower"


def test_what_happened_meanwhile_is_no_setting():
    """How long a run was and how far its lead grew differ each time; with another block it is another figure."""
    one, again, other = (
        [figure("f", [1, 2, 3], settings={"blocksize": block, "seconds": s})] for block, s in ((128, 3.01), (128, 3.02), (64, 3.01))
    )
    assert "f" in compared(one, again)
    assert "f" not in compared(one, other)


def test_with_many_figures_luck_is_expected():
    """What would be called changed alone (p 0.02) is not, among twenty."""
    assert noise.holm([0.02], 0.05) == [True]
    assert noise.holm([0.02] + [0.5] * 19, 0.05) == [False] * 20
    assert noise.holm([0.0001, 0.02] + [0.5] * 3, 0.05) == [True, False, False, False, False]


def test_rounded_events_give_the_quantiles_of_the_events():
    """A receipt keeps many events to 1/32 octave; what is read back is within half of that, spread within it."""
    values = np.random.default_rng(9).lognormal(3, 0.5, 5000)
    line = figure("f", values)
    assert isinstance(line["events"]["segments"][0][0], list)
    segments = noise.joined(noise.parsed(line["events"]["segments"]))
    for share in (0.5, 0.99):
        assert segments.quantile(share) == pytest.approx(np.quantile(values, share), rel=0.012)
    assert len(segments.values) > 3 * len(np.unique(coarse(values)))


def test_other_machines_bundles_and_settings_are_said():
    """First what is not the same for all, then each figure that was measured in another way."""
    other = HEAD | {"machine": HEAD["machine"] | {"cpu": "Another"}, "bundle": HEAD["bundle"] | {"version": "2"}, "quick": False}
    a = receipt(figure("f", [1, 2, 3], settings={"blocksize": 128}), figure("gone", [1]))
    b = receipt(figure("f", [1, 2, 3], settings={"blocksize": 64}), figure("new", [1]), head=other)
    found = compare(a, b)
    told = listing.compared(found, a, b)
    assert ["Another" in one or "bundle" in one or "quick" in one for one in found.differs] == [True] * 3
    assert told[2].startswith("not the same: ")
    assert found.rows == []
    assert "blocksize 128 in A, 64 in B" in told[-1]
    assert (found.only_a, found.only_b) == (["b gone"], ["b new"])


# what bench/show.py does with files


@pytest.fixture(scope="module")
def show():
    spec = importlib.util.spec_from_file_location("show_receipts", BENCH / "show.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content)
        return str(path)

    return write


@pytest.mark.parametrize(
    "content, expected",
    [
        ("", "is no receipt"),
        ("\x00\xff nonsense", "is no receipt"),
        ("[1, 2]\n{}\n", "is no receipt"),
        ('{"kind": "receipt", "version": 99}', "version 99"),
    ],
)
def test_what_is_no_receipt_is_said_in_one_line(show, file, capsys, content, expected):
    """Exit code 2, one line on standard error, nothing on standard output, alone or as one of two."""
    bad, good = file("bad", content), file("good", text(figure("f", [1, 2])))
    for arguments in ([bad], [good, bad], [good + ".none"]):
        assert show(arguments) == 2
        out, error = capsys.readouterr()
        assert out == ""
        assert error.count("\n") == 1
        assert expected in error or "cannot be read" in error


def test_what_there_is_of_a_receipt_is_shown(show, file, capsys):
    """Of a run that was broken off what was done, whatever line it ends in; every cut of one is read without a traceback."""
    whole = text(figure("f", np.arange(1.0, 40)), tally("t", 1, 10), value("v", 3), end=None)
    first = len(whole.splitlines()[0])
    for cut in range(first + 1, len(whole), 97):
        path = file("cut", whole[:cut])
        assert show([path]) == 0
        assert show([path, path]) == 0
        assert "broken off" in capsys.readouterr().out


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "figure", "bench": "b", "name": "x"},
        {"kind": "figure", "bench": "b"},
        {"kind": "tally", "bench": "b", "name": "x", "happened": "?", "chances": 1},
        figure("x", [1.0]) | {"events": {"segments": [["a"]]}},
        figure("x", [1.0]) | {"events": None},
        figure("x", [1.0]) | {"events": {"segments": []}},
        figure("x", [1.0]) | {"goals": [{"statistic": "p99"}]},
        figure("x", [1.0]) | {"better": "?"},
        figure("x", [1.0]) | {"control": ["?"]},
        value("x", 1) | {"value": None},
        figure("x", [1.0]) | {"settings": 3},
        figure("x", [1.0]) | {"unit": None},
    ],
)
def test_lines_that_a_broken_program_wrote_do_not_matter(show, file, broken):
    """The other figures are shown and compared; none of both says more than that."""
    path = file("odd", text(figure("f", [1.0, 2.0]), broken))
    for arguments in ([path], [path, path], [path, "--json"], [path, path, "--json"], [path, "--markdown"]):
        assert show(arguments) == 0


def test_numbers_have_three_digits_that_mean_something():
    """Or four; whole ones are whole, thousands stand apart, small ones are not nothing."""
    told = [listing.number(value) for value in (0, 640.0, 12345, 0.00123456, 9.999, 99.96, 123.44, 12345.6, -118.3, 6.18e-5)]
    assert told == ["0", "640", "12,345", "0.00123", "10.0", "100", "123.4", "12,346", "−118.3", "6.18e−05"]
    assert listing.share(2999, 3000) == "99.97 %"


def test_one_receipt_is_a_table(show, file, capsys):
    """Every figure with its statistics, its control's p99 and its goals; counts as counts; what was left out with why."""
    assert show([file("rich", text(*rich(np.random.default_rng(1))))]) == 0
    out = capsys.readouterr().out
    full = next(line for line in out.splitlines() if line.startswith('  full <b>"&'))
    assert "3,000" in full
    assert "p99 ≤ 400" in full
    assert "MISSED" in full
    assert "3 of 3,000 steps (0.100 %)" in out
    assert "GPU: there is none <here>" in out
    assert "640 frames" in out


def test_a_quantile_of_too_few_events_is_not_shown_as_one(show, file, capsys):
    """A dash for the 99th percentile of a dozen; their maximum stands beside it. The control's, alone, says that it is one."""
    few, many = figure("few", np.arange(1.0, 13.0), control="its"), figure("its", np.arange(101.0, 113.0))
    assert show([file("few", text(few, many))]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  few"))
    assert row.split() == ["few,", "us", "12", "6.50", "–", "–", "–", "12", "112", "(max)"]


def test_strict_tells_a_program_that_something_is_worse(show, file):
    """Exit code 1 with --strict where a figure got worse, not where it got better, and never without."""
    random = np.random.default_rng(3)
    a, slow = (file(name, text(figure("f", bursty(random, bursts=0, factor=factor)))) for name, factor in (("a", 1), ("b", 1.5)))
    assert show([a, slow]) == 0
    assert show([a, slow, "--strict"]) == 1
    assert show([slow, a, "--strict"]) == 0
    assert show([a, a, "--strict"]) == 0


def test_json_is_one_document(show, file, capsys):
    """With the verdict of each figure and of all."""
    random = np.random.default_rng(3)
    a, slow = (file(name, text(figure("f", bursty(random, bursts=0, factor=factor)))) for name, factor in (("a", 1), ("b", 1.5)))
    assert show([a, slow, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "1 of 1 figures changed beyond noise: 1 slower"
    assert (document["worse"], document["rows"][0]["verdict"]) == (["b: f"], "slower")
    assert show([a, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["head"] == HEAD


def test_a_goal_that_changed_sides_is_said(show, file, capsys):
    """Met before and missed now, although it may be noise."""
    a, b = (file(name, text(tally("t", happened, 100, goal=Goal("happened", "==", 0)))) for name, happened in (("a", 0), ("b", 1)))
    assert show([a, b]) == 0
    assert "goal happened == 0 missed now" in capsys.readouterr().out
    assert show([a, b, "--strict"]) == 1
    assert show([b, a, "--strict"]) == 0


def test_a_goal_is_not_lost_with_its_figure(show, file, capsys):
    """Without an event, not told at all, or with its whole benchmark broken off: worse, and the first that is said. What had no goal
    is only in A, and so is what a benchmark has that B did not run."""
    goal = Goal("p99", "<=", 30.0)
    kept = [figure("other", [1.0, 2.0])]
    a = file("a", text(figure("exact", [20.0, 22.0], unit="ms", goal=goal), figure("plain", [1.0]), *kept))
    broke = {"kind": "skip", "bench": "b", "name": "", "why": "broke off: no such thing"}
    for name, lines, why in (
        ("none", [*kept, nothing("exact", goal)], "nobody played"),
        ("left out", kept, "B does not tell it"),
        ("broke", [broke], "no such thing"),
    ):
        b = file(name, text(*lines))
        assert show([a, b, "--strict"]) == 1
        out = capsys.readouterr().out
        assert "goal p99 <= 30" in out and why in out
        assert "1 with a goal is gone; " in out
        assert "nothing changed beyond noise" not in out
        assert "only in A: b plain" in out
        assert show([a, b, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["worse"] == ["b: exact"]
    assert show([a, file("another", text(figure("f", [1.0], bench="c"))), "--strict"]) == 1, "nothing could be compared"
