"""The usage log is the owner's: short, bounded, readable, clearable, and never a reason not to play."""

import json
import math
import os
import stat
import threading

import numpy as np
import pytest
import soundfile

from antiphon import cli
from antiphon.provenance import usage


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_what_is_noted_is_read_again(capsys):
    assert usage.note("play", seconds=12.5, take="/tmp/a", bundle="hum", answers=3, performer=None)
    (entry,), damaged = usage.entries()
    assert (entry["kind"], entry["seconds"], entry["answers"], damaged) == ("play", 12.5, 3, 0)
    assert entry["when"].endswith("Z")
    assert cli.main(["usage"]) == 0
    assert "play" in (out := capsys.readouterr().out) and "answers 3" in out
    assert cli.main(["usage", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"] == [entry]


def test_only_the_owner_may_read_it():
    usage.note("play")
    assert stat.S_IMODE(usage.path().stat().st_mode) == 0o600


def test_no_value_keeps_it_from_being_noted():
    assert usage.note("play", x=math.nan, y=[math.inf, {"z": object()}], path=os, text="a\nb" + "x" * 9000, nested={1: b"\xff"})
    ((entry,), damaged) = usage.entries()
    assert entry["x"] is None and entry["y"][0] is None and len(entry["text"]) == 500 and damaged == 0


def test_it_never_raises_and_never_waits(tmp_path, monkeypatch):
    usage.path().parent.mkdir(parents=True)
    os.mkfifo(usage.path())
    done = []
    asking = threading.Thread(target=lambda: done.append(usage.note("play")), daemon=True)
    asking.start()
    asking.join(20)
    assert done == [False]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert usage.note("play") is False
    assert usage.note(None, **{"when": 3, "x" * 5000: "y" * 5000}) is False


def test_it_stays_within_two_files(monkeypatch):
    monkeypatch.setattr(usage, "MOST_BYTES", 2000)
    for number in range(200):
        assert usage.note("render", number=number)
    assert usage.path().stat().st_size <= 2000 and usage.old_path().stat().st_size <= 2000
    assert {path.name for path in usage.path().parent.iterdir()} == {"usage.jsonl", "usage.old.jsonl"}
    numbers = [entry["number"] for entry in usage.entries()[0]]
    assert numbers == list(range(numbers[0], 200))


def test_a_damaged_line_is_left_out_and_counted(capsys):
    usage.note("play")
    with open(usage.path(), "ab") as file:
        file.write(b"\xff\xfe{]\n[1]\n")
    usage.note("render")
    found, damaged = usage.entries()
    assert [entry["kind"] for entry in found] == ["play", "render"] and damaged == 2
    assert cli.main(["usage"]) == 0
    assert "2 damaged lines left out" in capsys.readouterr().err


def test_it_is_cleared(capsys):
    usage.note("play")
    usage.note("play")
    assert cli.main(["usage", "clear"]) == 0
    assert "2 lines" in capsys.readouterr().out
    assert usage.entries() == ([], 0) and not usage.path().exists()
    assert cli.main(["usage", "clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"cleared": 0}


def test_it_is_switched_off_and_on(capsys):
    assert cli.main(["usage", "off"]) == 0
    assert usage.note("play") is False and not usage.path().exists()
    assert cli.main(["usage", "show"]) == 0
    assert "the log is off" in capsys.readouterr().err
    assert cli.main(["usage", "on"]) == 0
    assert usage.note("play") is True


def test_an_unknown_action_is_told_in_a_line(capsys):
    assert cli.main(["usage", "burn"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_field_that_cannot_be_found_out_is_null():
    assert usage.note("play", digest=lambda: 1 / 0, answers=lambda: 3)
    ((entry,), _) = usage.entries()
    assert entry["digest"] is None and entry["answers"] == 3


def test_playing_and_rendering_leave_a_line(tmp_path):
    sound = 0.2 * np.sin(2 * np.pi * 220 * np.arange(48_000) / 48_000) * np.linspace(1, 0.8, 48_000)
    soundfile.write(tmp_path / "in.wav", np.append(sound, np.zeros(4800)), 48_000)
    alone = ["--osc", "off", "--oscquery", "off", "--midi", "off", "--plain"]
    assert cli.main(["play", "--driver", "dummy", "--bundle", "echo", "--seconds", "0.3", "--performer", "Ada", *alone]) == 0
    prompt, out = str(tmp_path / "in.wav"), str(tmp_path / "out.wav")
    assert cli.main(["render", prompt, "-o", out, "--seconds", "0.5", "--bundle", "echo"]) == 0
    noted = {entry["kind"]: entry for entry in usage.entries()[0]}
    played, rendered = noted["play"], noted["render"]
    assert (played["bundle"], played["performer"]) == ("echo", "Ada")
    assert (rendered["performer"], rendered["answers"]) == ("not told", 1)
    assert rendered["file"] == out and len(rendered["payload"]) == 12
