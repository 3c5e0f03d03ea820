"""A recipe runs line by line, remembers what is done and what it cost, and says in one line what is wrong with it."""

import json

import pytest

from antiphon.errors import UsageError
from antiphon.train import pipeline

RECIPE = '[[stages]]\nname = "look"\nrun = ["pipeline_probe WORK/seen.txt DATA/x one", "pipeline_probe WORK/seen.txt two"]\n'


@pytest.fixture
def probe(monkeypatch, tmp_path):
    """A stand-in for a trainer: a module of antiphon.train that writes down its arguments, in a package path of the test's own."""
    package = tmp_path / "package"
    package.mkdir()
    script = package / "pipeline_probe.py"
    script.write_text(
        "import sys\nprint('1.0 min  train 3.0\\n2.0 min  train 2.0\\n3.0 min  train 1.5')\n"
        "open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n')\nsys.exit(5 if 'fail' in sys.argv else 0)\n"
    )
    monkeypatch.setattr(pipeline, "__file__", str(package / "pipeline.py"))
    monkeypatch.setattr(pipeline, "PACKAGE", "")
    monkeypatch.setenv("PYTHONPATH", str(package))
    return tmp_path


def recipe(folder, text=RECIPE):
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def test_lines_run_in_order_and_once(probe):
    work, path = probe / "work", recipe(probe)
    cost = pipeline.run(path, probe / "data", work)
    assert (work / "seen.txt").read_text().splitlines() == [f"{probe / 'data'}/x one", "two"]
    assert all(line["done"] and line["minutes"] >= 0 and line["joules"] >= 0 for line in cost.values())
    assert json.loads((work / "cost.json").read_text()) == cost
    pipeline.run(path, probe / "data", work)
    assert len((work / "seen.txt").read_text().splitlines()) == 2, "it did again what was done"
    pipeline.run(path, probe / "data", work, again=True)
    assert len((work / "seen.txt").read_text().splitlines()) == 4


PHASED = """
[[stages]]
name = "sing"
phase = "prepare"
run = ["pipeline_probe WORK/seen.txt sing"]
[[stages]]
name = "learn"
run = ["pipeline_probe WORK/seen.txt learn --minutes 4"]
"""


def test_a_phase_runs_its_own_stages_only(probe, capsys):
    """A stage that names no phase is one of fit; `run` runs all of them."""
    path, arguments = recipe(probe, PHASED), ["--data", str(probe), "--work", str(probe / "work")]
    assert pipeline.main([str(path), *arguments], "fit") == 0
    assert (probe / "work" / "seen.txt").read_text().split() == ["learn", "--minutes", "4"]
    assert pipeline.main([str(path), *arguments], "run") == 0
    assert (probe / "work" / "seen.txt").read_text().splitlines() == ["learn --minutes 4", "sing"]


def test_a_phase_without_stages_is_told_with_those_there_are(probe):
    with pytest.raises(UsageError, match="'prune' among sing, learn; there is prepare, fit"):
        pipeline.run(recipe(probe, PHASED), probe, probe / "work", phase="prune")
    with pytest.raises(UsageError, match="'prepare' among learn; there is fit"):
        pipeline.run(recipe(probe, PHASED), probe, probe / "work", only=["learn"], phase="prepare")


def test_a_terminal_has_a_bar_and_a_pipe_has_none(probe, capsys, monkeypatch):
    """After each "N min" of a line with --minutes; taken away at its end, so that the last thing seen is the line itself."""
    path = recipe(probe, PHASED)
    pipeline.run(path, probe, probe / "work")
    assert "%" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    pipeline.run(path, probe, probe / "work", again=True)
    said = capsys.readouterr().out
    assert f"[{'#' * 20}{'.' * 20}]  50 %  2.0 of 4 min" in said and said.endswith("\r\x1b[K")
    assert said.count("%") == 3, "a line without --minutes has no bar"


def test_what_an_interrupted_line_took_is_not_forgotten(probe, monkeypatch):
    """The cost of both runs is added up, and the line is begun again."""
    def interrupt(done, minutes):
        raise KeyboardInterrupt

    path, record = recipe(probe, PHASED), probe / "work" / "cost.json"
    with monkeypatch.context() as patched:
        patched.setattr("sys.stdout.isatty", lambda: True, raising=False)
        patched.setattr(pipeline, "_bar", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(path, probe, probe / "work", only=["learn"])
    (first,) = json.loads(record.read_text()).values()
    assert not first["done"] and first["minutes"] >= 0 and "cores" in first["machine"]
    first["minutes"] = 100.0
    record.write_text(json.dumps({"pipeline_probe WORK/seen.txt learn --minutes 4": first}))
    (both,) = pipeline.run(path, probe, probe / "work", only=["learn"]).values()
    assert both["done"] and both["minutes"] >= 100


def test_stages_that_run_beside_each_other_keep_each_other_s_cost(probe, monkeypatch):
    whole = pipeline._run_line

    def meanwhile(line, *rest):
        done = whole(line, *rest)
        (probe / "work" / "cost.json").write_text(json.dumps({"elsewhere": {"done": True}}))
        return done

    monkeypatch.setattr(pipeline, "_run_line", meanwhile)
    cost = pipeline.run(recipe(probe, PHASED), probe, probe / "work", only=["sing"])
    assert list(cost) == ["elsewhere", "pipeline_probe WORK/seen.txt sing"]


def test_losses_are_drawn(probe):
    pytest.importorskip("matplotlib", reason="pip install matplotlib")
    pipeline.run(recipe(probe), probe, probe / "work")
    assert (probe / "work" / "logs" / "look.png").stat().st_size > 1000


def test_a_line_that_fails_is_said_and_not_done(probe):
    path = recipe(probe, '[[stages]]\nname = "look"\nrun = ["pipeline_probe WORK/seen.txt fail"]\n')
    with pytest.raises(UsageError, match="look.log"):
        pipeline.run(path, probe, probe / "work")
    assert not any(line["done"] for line in json.loads((probe / "work" / "cost.json").read_text()).values())


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "stages"), ("[[stages]]\nname = 3\n", "stages"), ('[[stages]]\nname = "a"\nrun = "codec"\n', "list"),
     ('[[stages]]\nname = "a"\nrun = ["nothing --x"]\n', "nothing"), ("= 3", "read"),
     ('[[stages]]\nname = "a"\nphase = "tune"\nrun = ["pipeline_probe"]\n', "no phase 'tune'"),
     ('[[stages]]\nname = "a"\nrun = ["pipeline_probe \'open"]\n', "no line of words"),
     ('[[stages]]\nname = "../../a"\nrun = ["pipeline_probe x"]\n', "letters"),
     ('[[stages]]\nname = "a"\nrun = ["../cli --version"]\n', "has no")],
)  # fmt: skip
def test_a_bad_recipe_is_told_in_a_line(probe, text, said):
    with pytest.raises(UsageError, match=said):
        pipeline.read_recipe(recipe(probe, text))


def test_an_unknown_stage_is_told_with_the_nearest(probe):
    with pytest.raises(UsageError, match="look"):
        pipeline.run(recipe(probe), probe, probe / "work", only=["lok"])


def test_the_recipe_that_ships_is_sound():
    from pathlib import Path

    import antiphon.train

    names = [stage["name"] for stage in pipeline.read_recipe(Path(antiphon.train.__file__).parent / "hum.toml")["stages"]]
    assert names[0] == "render" and names[-1] == "export"


def test_a_damaged_record_is_told_in_a_line(probe):
    (probe / "work").mkdir()
    (probe / "work" / "cost.json").write_text("{half")
    with pytest.raises(UsageError, match="move it away"):
        pipeline.run(recipe(probe), probe / "data", probe / "work")
