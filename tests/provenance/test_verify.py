"""`antiphon verify`: what it says of a file, in words, as JSON and by its exit code."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
from marked import marked, marked_sung, retimed, sung

from antiphon.cli import main
from antiphon.home import home
from antiphon.provenance import keys, sounds
from antiphon.provenance.mark import RATE, Payload
from antiphon.provenance.verify import find_take, verify

PAYLOAD = Payload(0x123456, 479_123)
ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg")


@pytest.fixture(autouse=True)
def own_keys(tmp_path, monkeypatch):
    """A home of its own for every test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(keys, "_this_run", None)


@pytest.fixture
def answer():
    """Twelve seconds marked with the installation's key."""
    return marked(sung(), keys.mark_key(), PAYLOAD)[: 12 * RATE]


def written(path, sound, rate=RATE, **how):
    soundfile.write(path, sound, rate, **how)
    return str(path)


def told(capsys, *arguments):
    """(exit code, document) of `antiphon verify ... --json`."""
    code = main(["verify", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_marked_file_is_told_with_its_take(tmp_path, answer, capsys):
    """Exit code 0; presence, seconds, payload, key, and the take it points to."""
    home().mkdir(parents=True, exist_ok=True)
    lines = [{"payload": "0" * 12, "folder": "x"}, {"payload": PAYLOAD.hex, "folder": "/takes/one", "started": "2026-11-29"}]
    (home() / "takes.jsonl").write_text("damaged\n[]\n" + "".join(json.dumps(line) + "\n" for line in lines))
    path = written(tmp_path / "a.wav", answer, subtype="PCM_24")
    code, document = told(capsys, path)
    assert code == 0
    assert document["marked"] is True and document["p_value"] < document["threshold"] == 1e-6
    assert document["seconds_are"] == ["generated"] * 12
    assert document["where"] == [{"from": 0, "to": 12, "label": "generated"}]
    (found,) = document["payloads"]
    assert found["payload"] == PAYLOAD.hex and found["take"] == "123456" and found["started"] == "2026-11-29T17:23Z"
    assert found["key"] == keys.current().id and found["key_is"] == "this installation"
    assert found["found"]["folder"] == "/takes/one"
    assert main(["verify", path]) == 0
    words = capsys.readouterr().out
    assert "made with Antiphon" in words and "take 123456, begun 2026-11-29T17:23Z, marked by this installation" in words
    assert "/takes/one" in words


def test_an_unmarked_file_is_exit_code_1(tmp_path, capsys):
    """And it is said what that does not prove."""
    path = written(tmp_path / "a.wav", sung()[: 6 * RATE])
    code, document = told(capsys, path)
    assert code == 1
    assert document["marked"] is False and document["payloads"] == [] and document["parts"] == []
    assert "does not prove" in " ".join(document["undecided"])
    assert main(["verify", path]) == 1
    assert "no mark of Antiphon was found" in capsys.readouterr().out


def test_silence_is_undecided(tmp_path, capsys):
    code, document = told(capsys, written(tmp_path / "a.wav", np.zeros(RATE)))
    assert code == 1
    assert "silence" in document["undecided"][0]


@pytest.mark.parametrize("name, rate, how", [
    ("a.flac", 44_100, {}), ("a.mp3", 48_000, {}), ("a.wav", 16_000, {}), ("a.wav", 96_000, {"subtype": "FLOAT"}),
    ("a.aiff", 22_050, {}),
])
def test_any_format_and_rate_is_read(tmp_path, answer, capsys, name, rate, how):
    path = written(tmp_path / name, retimed(answer, RATE, rate), rate, **how)
    code, document = told(capsys, path)
    assert code == 0
    assert [one["payload"] for one in document["payloads"]] == [PAYLOAD.hex]
    assert document["samplerate"] == rate and document["seconds"] == pytest.approx(12, abs=0.001 if "mp3" not in name else 0.1)


@ffmpeg
@pytest.mark.parametrize("name, codec", [("a.m4a", "aac"), ("a.webm", "libopus")])
def test_ffmpeg_reads_what_libsndfile_does_not(tmp_path, answer, capsys, name, codec):
    path = written(tmp_path / "a.wav", answer)
    made = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-c:a", codec, str(tmp_path / name)], check=False)
    if made.returncode:
        pytest.skip(f"this ffmpeg has no {codec}")
    code, document = told(capsys, str(tmp_path / name))
    assert code == 0 and document["decoder"] == "ffmpeg"
    assert [one["payload"] for one in document["payloads"]] == [PAYLOAD.hex]


@ffmpeg
def test_a_playlist_leads_nowhere_else(tmp_path, capsys, monkeypatch):
    """A file that names others, here one that is there, is no sound."""
    target = written(tmp_path / "a.wav", sung()[:RATE])
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.wav\n#EXTINF:1,\nfile://{target}\n")
    (tmp_path / "list.txt").write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    for name in ("list.m3u8", "list.txt"):
        assert main(["verify", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_without_ffmpeg_it_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sounds.shutil, "which", lambda name: None)
    (tmp_path / "a.m4a").write_bytes(b"\x00\x00\x00\x20ftypM4A " * 20)
    assert main(["verify", str(tmp_path / "a.m4a")]) == 2
    assert "install ffmpeg" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"no sound at all" * 100, "folder"])
def test_what_is_no_sound_is_exit_code_2_and_one_line(tmp_path, capsys, content):
    path = tmp_path / "odd.wav"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    assert main(["verify", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and str(path) in err
    assert content != "folder" or "antiphon take verify" in err


def test_public_only_tells_presence_alone(tmp_path, answer, capsys):
    """And does not make a key, nor need one."""
    path = written(tmp_path / "a.wav", answer)
    code, document = told(capsys, path, "--public-only")
    assert code == 0 and document["payloads"] == []
    assert "keys were not to be used" in " ".join(document["undecided"])


def test_a_key_file_reads_what_another_installation_marked(tmp_path, answer, capsys, monkeypatch):
    """Here without it: made with Antiphon, but not in which take."""
    path, exported = written(tmp_path / "a.wav", answer), tmp_path / "keys.json"
    keys.export(exported)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    code, document = told(capsys, path)
    assert code == 0 and document["payloads"] == [] and "no key here" in " ".join(document["undecided"])
    code, document = told(capsys, path, "--key", str(exported))
    assert code == 0
    assert [(one["payload"], one["key_is"]) for one in document["payloads"]] == [(PAYLOAD.hex, f"a key of {exported}")]
    assert main(["verify", path, "--key", path]) == 2
    assert not keys.folder().exists()


def test_one_channel_may_carry_it(tmp_path, answer, capsys):
    """The mean of both is looked at first; where other sound drowns it there, each by itself."""
    loud = np.random.default_rng(1).normal(0, 0.3, len(answer)).astype(np.float32)
    code, document = told(capsys, written(tmp_path / "a.wav", np.stack([loud, answer], 1)))
    assert code == 0
    assert document["looked_at"] == "channel 2 alone"
    code, document = told(capsys, written(tmp_path / "b.wav", np.stack([answer, answer], 1)))
    assert code == 0 and document["looked_at"] == "the mean of its channels"


def test_a_long_file_is_read_piece_by_piece(tmp_path):
    """What is found in the third stretch is where it lies in the file; no array is longer than two and a half minutes."""
    sound = np.zeros(280 * RATE, np.float32)
    sound[250 * RATE : 266 * RATE] = marked_sung()[: 16 * RATE]
    path = written(tmp_path / "a.wav", sound)
    assert [len(stretch) // RATE for stretch in sounds.open_sound(path).stretches()] == [120, 120, 40]
    report = verify(path, public_only=True)
    assert report.marked and len(report.finding.labels) == 280
    assert set(report.finding.labels[:250]) == {"silence"}
    assert set(report.finding.labels[251:262]) == {"generated"}
    assert report.finding.parts[0].first == pytest.approx(250, abs=1.1)


def test_the_list_of_takes_need_not_be_there():
    assert find_take(PAYLOAD) is None
