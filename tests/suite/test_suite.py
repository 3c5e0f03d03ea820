"""The suite's core: figures as a receipt keeps them, what a benchmark file tells, and a run of several that is kept line by line."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from antiphon.cli import main as antiphon
from antiphon.errors import UsageError
from antiphon.suite import catalogue, figures, receipt
from antiphon.suite.figures import Goal
from antiphon.suite.machine import machine

FILE = '''"""A number.

What it means.
"""
import sys, time
import numpy as np
from antiphon.suite import Goal, main

def measure(run):
    run.figure("a", np.arange(1, 101), unit="ms", clock="from here to there", control="b", goal=Goal("p99", "<=", 50, "stage"))
    run.tally("late", 0, 100, unit="steps", clock="counted", goal=Goal("happened", "==", 0))
    print("a library's own words")
    {more}

if __name__ == "__main__":
    main(measure, __doc__, injects=("drop",))
'''


@pytest.fixture
def benches(tmp_path, monkeypatch):
    """Let the suite be a folder with the files that are written into it."""
    folder = tmp_path / "bench"
    folder.mkdir()
    monkeypatch.setattr(catalogue, "folder", lambda: folder)
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, more in files.items():
            (folder / f"{name}.py").write_text(FILE.replace("{more}", more))

    return write


def test_events_are_kept_one_by_one_up_to_a_thousand_and_rounded_beyond():
    """Of few events each is there, in order; of many, values within 1.1 % of what they were, with how often they came."""
    values = np.random.default_rng(1).lognormal(0, 2, 1000)
    kept = figures.events(values)["segments"]
    assert len(kept) == figures.SEGMENTS
    np.testing.assert_allclose(np.concatenate(kept), values, rtol=1e-4)
    values = np.random.default_rng(1).lognormal(0, 2, 20_000) * np.where(np.arange(20_000) % 3, 1, -1)
    values[7] = 0.0
    kept = figures.events(values)["segments"]
    again = np.concatenate([np.repeat([v for v, _ in piece], [n for _, n in piece]) for piece in kept])
    assert len(again) == len(values)
    np.testing.assert_allclose(np.sort(again)[np.abs(np.sort(again)) > 0.001], np.sort(values)[np.abs(np.sort(values)) > 0.001], rtol=0.025)
    np.testing.assert_allclose(figures.coarse(values), values, rtol=0.0115)


def test_a_summary_of_nothing_or_of_what_is_no_number_is_refused():
    """A benchmark that measured nothing cannot tell a figure."""
    with pytest.raises(ValueError, match="nothing was measured"):
        figures.summary(np.zeros(0))
    with pytest.raises(ValueError, match="1 of 2"):
        figures.summary(np.array([1.0, np.nan]))


def test_a_goal_for_a_statistic_that_a_figure_has_not_is_refused():
    """A goal that could never be missed is an error of the benchmark."""
    line = {"kind": "tally", "name": "late", "happened": 1, "share": 0.1}
    assert Goal("happened", "<=", 1).judged(line)["met"] and not Goal("share", "==", 0).judged(line)["met"]
    with pytest.raises(ValueError, match="p99"):
        Goal("p99", "<=", 1).judged(line)
    with pytest.raises(ValueError, match="relation"):
        Goal("p99", "<", 1)


def test_a_peak_survives_thinning():
    """Of a long course the points that stand out stay."""
    values = np.zeros(100_000)
    values[[5, 50_000, 99_999]] = (3, -4, 5)
    _, kept = figures.thinned(np.arange(100_000), values)
    assert len(kept) <= 2000 and {3, -4, 5} <= set(kept)


def test_a_run_writes_a_receipt_and_a_page(benches, capsys):
    """Two benchmarks: the head, their figures, an end; a page beside it; words on standard error; exit code 0 although a goal was missed."""
    benches(step="", kernels="")
    assert antiphon(["bench", "step", "kernels", "--quick", "--bundle", "echo", "-o", "here.jsonl"]) == 0
    found = receipt.read("here.jsonl")
    assert found.benches == ["step", "kernels"] and found.complete and found.head["quick"] and not found.damaged
    line = found.figure("step", "a")
    assert (line["count"], line["p50"], line["max"], line["control"], line["unit"]) == (100, 50.5, 100, "b", "ms")
    assert line["settings"] == {"bundle": "echo", "samplerate": 48000, "blocksize": 128}
    assert [goal["met"] for _, goal in found.goals] == [False, True] * 2
    assert found.head["machine"]["cores"] >= 1 and found.head["bundle"]["name"] == "echo"
    assert "<svg" in open("here.html").read()
    said = capsys.readouterr()
    assert "a library's own words" in said.err and "here.jsonl" in said.out


def test_strict_says_by_its_exit_code_that_a_goal_was_missed(benches):
    """For scripts: --strict gives 1."""
    benches(step="")
    assert antiphon(["bench", "step", "--strict", "--bundle", "echo", "-o", "one.jsonl"]) == 1


def test_a_benchmark_that_breaks_off_costs_only_itself(benches, capsys):
    """The next one runs; what was told before stays; the receipt says which broke, and how; exit code 1."""
    benches(step="raise RuntimeError('no such thing')", kernels="")
    assert antiphon(["bench", "step", "kernels", "--bundle", "echo", "-o", "one.jsonl"]) == 1
    found = receipt.read("one.jsonl")
    assert found.figure("step", "a") and found.figure("kernels", "a")
    assert [(line["bench"], line["why"]) for line in found.lines if line["kind"] == "skip"] == [("step", "broke off: RuntimeError: no such thing")]


@pytest.mark.parametrize("mine, out", [("old.jsonl", "old.jsonl"), ("old.html", "old.jsonl"), ("old.html", "old"), ("x", "new.html"), ("x", "-")])
def test_no_file_is_replaced(benches, capsys, mine, out):
    """A file that has the receipt's name or the page's is told, and stays; nothing is measured."""
    benches(step="")
    open(mine, "w").write("mine")
    assert antiphon(["bench", "step", "-o", out]) == 2
    assert open(mine).read() == "mine" and out in capsys.readouterr().err.replace("old.html", "old.jsonl")


def test_a_path_is_looked_up_where_the_user_stands(benches):
    """Benchmarks run in the user's folder: what is named relative to it is found."""
    benches(step="run.note(__import__('os').getcwd()); run.value('here', len(__import__('os').listdir('mine')), unit='files', clock='counted')")
    os.mkdir("mine")
    assert antiphon(["bench", "step", "--bundle", "echo", "-o", "one.jsonl"]) == 0
    assert receipt.read("one.jsonl").figure("step", "here")["value"] == 0


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["stepp"], "did you mean step"),
        (["step", "kernels", "--", "--own"], "name one"),
        (["step", "--soak", "2"], "--soak"),
        (["--soak", "never"], "never"),
        (["--inject", "drop"], "--inject"),
        (["--secondss", "2"], "--seconds"),
    ],
)
def test_wrong_usage_is_told_in_one_line(benches, capsys, arguments, told):
    """Nothing runs, exit code 2."""
    benches(step="", kernels="")
    assert antiphon(["bench", *arguments]) == 2
    said = capsys.readouterr().err.strip().split("\n")
    assert len(said) == 1 and told in said[0]


def test_a_fault_that_a_benchmark_does_not_know_is_refused(benches, capsys):
    """What a benchmark cannot use is told in its line, exit code 2, and leaves no receipt of nothing."""
    benches(step="")
    for own, told in ((["--inject", "leak"], "it knows drop"), (["--inject", "drop:x1"], "'x1'"), (["--", "--nonsense"], "--nonsense"),
                      (["--", "--blocksize", "-5"], "'-5'"), (["--bundle", "nosuch"], "nosuch")):  # fmt: skip
        assert antiphon(["bench", "step", "--bundle", "echo", "-o", "one.jsonl", *own]) == 2
        said = capsys.readouterr().err.strip().split("\n")
        assert told in said[-1] and sum(told in line for line in said) == 1
        assert not os.path.exists("one.jsonl") and not os.path.exists("one.html")


def test_an_interrupted_run_keeps_what_is_done(benches, tmp_path):
    """Ctrl-C in the second of three: the first's figures and the second's so far are kept, the receipt says it was interrupted, exit code 130."""
    benches(step="", kernels="print('waiting', file=sys.stderr, flush=True); time.sleep(60)", energy="")
    code = ("import sys; from antiphon.suite import catalogue; from pathlib import Path; catalogue.folder = lambda: Path('bench').resolve();"
            "from antiphon.cli import main; sys.exit(main(sys.argv[1:]))")  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", code, "bench", "step", "kernels", "energy", "--bundle", "echo", "-o", "one.jsonl"],
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path)  # fmt: skip
    for text in process.stderr:
        if "waiting" in text:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    found = receipt.read(tmp_path / "one.jsonl")
    assert found.end["interrupted"] and not found.complete
    assert found.figure("step", "a") and found.figure("kernels", "a") and "energy" not in found.benches


def test_a_receipt_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    """Half a line at the end is counted; what is no receipt at all is told in a line."""
    lines = [{"kind": "receipt", "version": 1}, {"kind": "bench", "bench": "step", "title": "t", "means": ""},
             {"kind": "value", "bench": "step", "name": "v", "value": 1}]  # fmt: skip
    path = tmp_path / "cut.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"kind": "fig')
    found = receipt.read(path)
    assert found.damaged == 1 and not found.complete and found.figure("step", "v")["value"] == 1
    for text in ("", "hello", '{"kind": "figure"}', '{"kind": "receipt", "version": 99}', "[1, 2]", "\x00\xff"):
        path.write_text(text)
        with pytest.raises(UsageError, match="cut.jsonl"):
            receipt.read(path)
    with pytest.raises(UsageError, match="cannot be read"):
        receipt.read(tmp_path / "missing.jsonl")


def test_facts_of_a_machine_are_read_from_the_system(tmp_path):
    """A machine that is made up: its name, governors and hypervisor are found; one that says nothing has None, and nothing fails."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("model name\t: Some  CPU @ 3 GHz\nflags\t\t: fpu hypervisor\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:       16384000 kB\n")
    for core, governor in enumerate(("powersave", "performance", "powersave")):
        (tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq").mkdir(parents=True)
        (tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor").write_text(governor + "\n")
    found = machine(tmp_path)
    assert (found.cpu, found.governors, found.virtual, found.memory_mb) == ("Some CPU @ 3 GHz", ("performance", "powersave"), "unknown", 16000)
    nothing = machine(tmp_path / "empty")
    assert (nothing.governors, nothing.virtual, nothing.memory_mb) == ((), None, None)
    json.dumps(found.as_json())


def test_every_benchmark_of_the_catalogue_is_a_file_that_says_what_its_number_means():
    """A title of one line, a paragraph of meaning, and `main` at its end."""
    for benchmark in catalogue.CATALOGUE:
        text = benchmark.path.read_text()
        head = text.split('"""')[1]
        assert head.split("\n")[0].endswith((".", "?")) and len(head.strip().split("\n")) > 3, benchmark.name
        assert "main(measure, __doc__" in text and "from antiphon.suite import" in text, benchmark.name
