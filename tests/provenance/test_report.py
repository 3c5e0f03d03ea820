"""A report holds the evidence of a take and says what; sound only where it is asked for; nothing of the take is changed."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
import soundfile

from antiphon import cli
from antiphon.errors import UsageError
from antiphon.provenance import report


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def take(tmp_path):
    folder = tmp_path / "evening"
    folder.mkdir()
    (folder / "take.json").write_text('{"performer": "Ada"}')
    (folder / "log.jsonl").write_text('{"n": 0}\n')
    (folder / "events.jsonl").write_text("")
    (folder / "notes.jsonl").write_text("{}\n")
    (folder / "take.mid").write_bytes(b"MThd")
    (folder / "steps.bin").write_bytes(b"\0" * 100)
    (folder / "state.npz").write_bytes(b"PK")
    (folder / "manifest.c2pa").write_bytes(b"jumb")
    (folder / "mine.key").write_text("secret")
    (folder / "strange.exe").write_bytes(b"MZ")
    (folder / "link.json").symlink_to(folder / "take.json")
    (folder / "sub").mkdir()
    soundfile.write(folder / "voice.wav", np.zeros(48_000, np.float32), 48_000, subtype="PCM_24")
    return folder


def names(out):
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def test_the_documents_are_in_it_and_the_sound_is_not(take, tmp_path):
    packed, left = report.pack(take, tmp_path / "r.zip", {"verify.json": {"marked": True}})
    inside = names(tmp_path / "r.zip")
    documents = ("take.json", "log.jsonl", "events.jsonl", "notes.jsonl", "take.mid", "manifest.c2pa")
    assert inside == {f"take/{name}" for name in documents} | {"verify.json", "versions.json", "report.json"}
    assert {part.name for part in packed} == inside - {"report.json"}
    why = {part.name: part.why for part in left}
    assert set(why) == {"steps.bin", "state.npz", "mine.key", "strange.exe", "link.json", "sub", "voice.wav"}
    assert "--sound" in why["voice.wav"] and "--sound" in why["steps.bin"] and why["mine.key"] == "a key"


def test_with_sound_all_that_sounds_is_in_it_and_still_no_key(take, tmp_path):
    report.pack(take, tmp_path / "r.zip", {}, sound=True)
    inside = names(tmp_path / "r.zip")
    assert {"take/voice.wav", "take/steps.bin", "take/state.npz"} <= inside
    assert not {name for name in inside if "key" in name or "exe" in name or "link" in name}


def test_it_says_what_it_holds_by_hash(take, tmp_path):
    packed, left = report.pack(take, tmp_path / "r.zip", {})
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        about = json.loads(archive.read("report.json"))
        for part in about["packed"]:
            assert hashlib.sha256(archive.read(part["name"])).hexdigest() == part["sha256"]
    sound = next(part for part in about["left_out"] if part["name"] == "voice.wav")
    assert sound["sha256"] == hashlib.sha256((take / "voice.wav").read_bytes()).hexdigest()


def test_the_take_is_as_it_was(take, tmp_path):
    before = {path.name: path.read_bytes() for path in take.iterdir() if path.is_file()}
    report.pack(take, tmp_path / "r.zip", {}, sound=True)
    assert {path.name: path.read_bytes() for path in take.iterdir() if path.is_file()} == before


def test_what_is_no_take_and_what_is_there_already_is_refused(take, tmp_path):
    with pytest.raises(UsageError, match="no take"):
        report.pack(tmp_path, tmp_path / "r.zip", {})
    (tmp_path / "r.zip").write_text("mine")
    with pytest.raises(UsageError, match="already"):
        report.pack(take, tmp_path / "r.zip", {})
    assert (tmp_path / "r.zip").read_text() == "mine"
    with pytest.raises(UsageError, match="cannot be written"):
        report.pack(take, tmp_path / "no" / "r.zip", {})
    assert not list(tmp_path.glob("*.half"))


def test_the_command_says_what_it_put_in_and_that_it_sent_nothing(take, tmp_path, capsys):
    assert cli.main(["report", str(take)]) == 0
    out = capsys.readouterr().out
    assert "take/take.json" in out and "left out: voice.wav" in out and "sent to nobody" in out
    assert {"machine.json", "verify.json"} <= names(tmp_path / "evening-report.zip")
    assert cli.main(["report", str(take)]) == 2
    assert "already" in capsys.readouterr().err
    assert cli.main(["report", str(take), "-o", "other.zip", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["out"] == "other.zip" and any(part["name"] == "take/take.json" for part in document["packed"])


def test_a_broken_stem_is_told_in_the_report_and_stops_nothing(take, tmp_path, capsys):
    (take / "mix.wav").write_bytes(b"RIFF broken")
    assert cli.main(["report", str(take), "-o", "r.zip"]) == 0
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        assert "error" in json.loads(archive.read("verify.json"))["mix.wav"]


def test_a_folder_that_is_no_take_is_told_in_a_line(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
