"""The figures of the kernels: speed beside others with its quality, a control for each, and no others where none are installed."""

import json
import subprocess
import sys

import pytest

from antiphon.suite import catalogue

pytest.importorskip("soxr")


def lines_of(*arguments, before="pass"):
    file = catalogue.folder() / "kernels.py"
    program = f"import sys, runpy; sys.argv[0] = 'kernels'; sys.path.insert(0, {str(file.parent)!r}); {before}; "
    program += f"runpy.run_path({str(file)!r}, run_name='__main__')"
    command = [sys.executable, "-c", program, "--quick", "--seconds", "0.05", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_speed_stands_beside_quality_and_beside_a_control():
    """Every resampler that is timed has its ripple, image and delay; every control is a figure of the same file."""
    lines = lines_of("--against", "soxr")
    figures = {line["name"]: line for line in lines if line["kind"] == "figure"}
    values = {line["name"]: line for line in lines if line["kind"] == "value"}
    for name in ("antiphon", "soxr HQ", "soxr VHQ"):
        assert figures[f"resample 44100 to 48000, stereo: {name}"]["unit"] == "us"
        assert {f"{what} 48000 to 44100: {name}" for what in ("ripple", "image", "alias", "delay")} <= values.keys()
    assert figures["resample 44101 to 48000, mono: antiphon"]["control"] == "resample 44101 to 48000, mono: soxr HQ"
    assert {line["control"] for line in (figures | values).values()} - {None} <= figures.keys() | values.keys()
    ours = [goal for name, line in values.items() if name.endswith("antiphon") for goal in line["goals"]]
    assert len(ours) == 7 and all(goal["met"] for goal in ours), "ripple and images of three pairs of rates, aliases of one"
    timed_in_c = [line for name, line in figures.items() if name.startswith("share of the period")]
    assert len(timed_in_c) in (0, 4), "the block with a voice and an empty callback, mono and stereo; none without a compiler"


def test_what_is_not_installed_is_told_with_its_command():
    """No other resampler and no C compiler: ours is measured all the same, and the rest says what it would need."""
    lines = lines_of("--against", "samplerate", before="sys.modules['samplerate'] = None; import os; os.environ['PATH'] = ''")
    skipped = {line["name"]: line["why"] for line in lines if line["kind"] == "skip"}
    assert "pip install samplerate" in skipped["resample samplerate"] and "apt install gcc" in skipped["C"]
    figure = next(line for line in lines if line["kind"] == "figure" and line["name"].endswith(": antiphon"))
    assert figure["control"].endswith("empty call")
