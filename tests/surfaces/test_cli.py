"""The command line keeps its contracts: exit codes, one line for what a user got wrong, one JSON document on stdout."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from antiphon.cli import main, parse, values_of
from antiphon.errors import UsageError
from antiphon.params import REGISTRY

ENGINE = str(Path(__file__).resolve().parents[2] / "engine")


def hum(seconds=2.0, rate=48000, channels=1, level=0.3):
    """Something sung: notes of 400 ms with an envelope, the same in every channel."""
    t = np.arange(int(seconds * rate)) / rate
    pitch = np.array([57, 59, 60, 64, 62])[(t / 0.4).astype(int) % 5]
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / rate
    sound = sum(np.sin(k * phase) / k**2 for k in range(1, 6))
    sound *= level * (0.2 + 0.8 * np.clip(np.sin(np.pi * (t % 0.4) / 0.4) * 3, 0, 1))
    return np.repeat(sound[:, None], channels, axis=1)


def antiphon(*arguments, before="", timeout=60, **keywords):
    """Run the command in a process of its own; `before` is run first in it."""
    code = f"import sys; {before}\nfrom antiphon.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": ENGINE},
        stdin=subprocess.DEVNULL,
        **keywords,
    )


def lines(text):
    return text.strip().splitlines()


USAGE = [
    (["play", "--take", ""], "--take: there is no name"),
    ([], "no command given"),
    (["rendr"], "did you mean render?"),
    (["quux"], "there is: play, render"),
    (["render"], "IN, -o/--out"),
    (["render", "x.wav"], "-o/--out"),
    (["render", "no.wav", "-o", "y.wav"], "no such file"),
    (["render", "x.wav", "y.wav", "-o", "z.wav"], "'y.wav' is too much"),
    (["render", "x.wav", "-o", "y.wav", "--secnds", "3"], "did you mean --seconds"),
    (["render", "x.wav", "-o", "y.wav", "--sec", "3"], "did you mean --seconds"),
    (["render", "x.wav", "-o", "y.wav", "--seconds", "soon"], "'soon' is not a number of seconds"),
    (["play", "--seconds", "1e9"], "'1e9' is more than 10000000 seconds"),
    (["render", "x.wav", "-o", "y.wav", "--seconds", "-1"], "'-1' is not a number of seconds"),
    (["render", "x.wav", "-o", "y.wav", "--seed", "1.5"], "seed does not take '1.5'"),
    (["render", "x.wav", "-o", "y.wav", "--set", "tempature=1"], "did you mean temperature"),
    (["render", "x.wav", "-o", "y.wav", "--set", "temperature"], "expected PATH=VALUE"),
    (["render", "x.wav", "-o", "y.wav", "--set", "temperature=nan"], "does not take"),
    (["render", "x.wav", "-o", "y.wav", "--preset", "deut"], "did you mean duet"),
    (["play", "--driver", "prtaudio"], "did you mean portaudio"),
    (["play", "--blocksize", "0"], "--blocksize"),
    (["play", "--osc", "70000"], "is not a port"),
    (["play", "--lead", "soon"], "'soon' is not a number of milliseconds, 0 to 1000, or auto"),
    (["play", "--lead", "1001"], "0 to 1000"),
    (["play", "--lead", "0.02"], "'0.02' is less than a millisecond; for seconds write 0.02s"),
    (["play", "--mode", "hodl"], "did you mean hold"),
    (["bundle", "chek"], "did you mean check"),
    (["bundle", "info", "no-such-bundle"], "no bundle 'no-such-bundle'"),
    (["params", "--json", "--markdown"], "not allowed with"),
]


@pytest.mark.parametrize("arguments, words", USAGE, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_wrong_usage_is_exit_2_and_one_line_that_helps(arguments, words, capsys, tmp_path, monkeypatch):
    """Nothing on stdout, the line on stderr, no traceback."""
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and words in err and lines(err)[-1].startswith("antiphon: ")
    assert len(lines(err)) == 1 or not arguments


@pytest.mark.parametrize(
    "arguments", [["verify"], ["take", "verify"], ["replay"], ["report"], ["report", ".", "-o"], ["credentials", "show"], ["play", "--take"]], ids=" ".join
)
@pytest.mark.parametrize("name", ["x" * 300, "ring"])
def test_a_file_that_is_out_of_reach_is_exit_2_and_one_line(arguments, name, capsys, tmp_path, monkeypatch):
    """A name that is too long, a link that leads to itself."""
    monkeypatch.chdir(tmp_path)
    Path("ring").symlink_to("ring")
    assert main([*arguments, name]) == 2
    assert len(lines(capsys.readouterr().err)) == 1


def test_help_and_version_are_exit_0(capsys):
    """On stdout, for a pager."""
    for arguments in (["--help"], ["render", "--help"], ["play", "--help"], ["--version"]):
        assert main(arguments) == 0
        assert capsys.readouterr().out


def test_help_loads_nothing_heavy():
    """No numpy, soundfile, sounddevice, onnxruntime or asyncio is imported to show help, the table or a usage error."""
    check = (
        "import atexit; atexit.register(lambda: print('loaded', [m for m in "
        "('numpy', 'soundfile', 'sounddevice', 'onnxruntime', 'asyncio', 'cffi') if m in sys.modules]))"
    )
    for arguments in (["--help"], ["params"], ["rendr"]):
        assert lines(antiphon(*arguments, before=check).stdout)[-1] == "loaded []"


def test_it_works_without_onnxruntime_and_sounddevice(tmp_path):
    """Help, the table, and a render that needs no model; what needs them says so in one line with the cure."""
    missing = "sys.modules['onnxruntime'] = sys.modules['sounddevice'] = None"
    soundfile.write(tmp_path / "in.wav", hum(), 48000)
    assert antiphon("--help", before=missing).returncode == 0
    assert antiphon("params", before=missing).returncode == 0
    done = antiphon("render", tmp_path / "in.wav", "-o", tmp_path / "out.wav", "--bundle", "echo", before=missing)
    assert done.returncode == 0, done.stderr
    devices = antiphon("devices", before=missing)
    assert devices.returncode == 2 and len(lines(devices.stderr)) == 1 and "sounddevice" in devices.stderr
    doctor = antiphon("doctor", "--driver", "dummy", "--json", before=missing)
    report = json.loads(doctor.stdout)
    assert doctor.returncode == 1 and report["fit"] is False
    assert any(
        "antiphon[cpu]" in c["mend"] and "antiphon[gpu]" in c["mend"] for c in report["checks"] if c["verdict"] == "bad"
    )


def test_params_are_printed_whole_in_every_form(capsys):
    """Text, markdown, JSON: a line or entry for each row."""
    assert main(["params"]) == 0
    assert len(lines(capsys.readouterr().out)) == len(REGISTRY.rows) + 1
    assert main(["params", "--markdown"]) == 0
    assert len(lines(capsys.readouterr().out)) == len(REGISTRY.rows) + 2
    assert main(["params", "--json"]) == 0
    assert [row["path"] for row in json.loads(capsys.readouterr().out)] == REGISTRY.paths


def test_negative_values_may_be_written_apart():
    """`--dry -6dB` is what people write."""
    assert parse(["play", "--dry", "-6dB", "--set", "voice=-3"]).rows == [("dry", -6.0), ("voice", -3.0)]


def test_a_reader_that_has_had_enough_is_no_error():
    """`antiphon params | head -1`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "antiphon", "params"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ENGINE},
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 0


@pytest.mark.parametrize(
    "rate, channels, subtype", [(48000, 1, "PCM_16"), (44100, 2, "PCM_24"), (8000, 1, "PCM_U8"), (192000, 8, "PCM_16")]
)
def test_render_puts_the_prompt_first_bit_for_bit(rate, channels, subtype, tmp_path, capsys):
    """Then the answer, at the same rate and channel count, in 24 bits; 8 channels at 192 kHz among them."""
    soundfile.write(tmp_path / "in.wav", hum(2.0, rate, channels), rate, subtype=subtype)
    assert (
        main(
            [
                "render",
                str(tmp_path / "in.wav"),
                "-o",
                str(tmp_path / "out.wav"),
                "--bundle",
                "echo",
                "--seconds",
                "1.5",
                "--json",
            ]
        )
        == 0
    )
    result = json.loads(capsys.readouterr().out)
    prompt, _ = soundfile.read(tmp_path / "in.wav", dtype="int32", always_2d=True)
    out, out_rate = soundfile.read(tmp_path / "out.wav", dtype="int32", always_2d=True)
    assert out_rate == rate and soundfile.info(tmp_path / "out.wav").subtype == "PCM_24"
    assert np.array_equal(out[: len(prompt)], prompt) and len(out) == len(prompt) + int(1.5 * rate)
    assert result["samplerate"] == rate and result["channels"] == channels
    assert np.abs(out[len(prompt) :].astype(float)).max() > 2**31 * 0.01


def test_render_twice_gives_the_same_bytes_and_answer_only_only_the_answer(tmp_path, capsys):
    """And stems as long as OUT."""
    soundfile.write(tmp_path / "in.wav", hum(), 48000)
    for name in ("a.wav", "b.wav"):
        assert (
            main(["render", str(tmp_path / "in.wav"), "-o", str(tmp_path / name), "--bundle", "echo", "--seconds", "1", "--no-credentials"])
            == 0
        )
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert (
        main(
            [
                "render",
                str(tmp_path / "in.wav"),
                "-o",
                str(tmp_path / "c.flac"),
                "--bundle",
                "echo",
                "--seconds",
                "1",
                "--answer-only",
                "--stems",
                str(tmp_path / "stems"),
            ]
        )
        == 0
    )
    whole, _ = soundfile.read(tmp_path / "a.wav", dtype="int32")
    answer, _ = soundfile.read(tmp_path / "c.flac", dtype="int32")
    assert np.array_equal(whole[-48000:], answer)
    assert {path.name for path in (tmp_path / "stems").iterdir()} == {"prompt.wav", "voice.wav"}


def test_render_says_which_rows_have_no_effect(tmp_path, capsys):
    """A value that would be ignored is never ignored silently."""
    soundfile.write(tmp_path / "in.wav", hum(), 48000)
    assert (
        main(["render", str(tmp_path / "in.wav"), "-o", str(tmp_path / "o.wav"), "--bundle", "echo", "--mode", "hold"])
        == 0
    )
    assert "mode has no effect" in capsys.readouterr().err


def test_render_says_that_its_answer_is_silence(tmp_path, capsys):
    """A preset for the stage may have the mute on; what comes of it here is said."""
    soundfile.write(tmp_path / "in.wav", hum(), 48000)
    files = [str(tmp_path / name) for name in ("in.wav", "o.wav")]
    render = ["render", files[0], "-o", files[1], "--bundle", "echo", "--seconds", "1"]
    assert main([*render, "--mute", "on", "--voice", "off"]) == 0
    err = capsys.readouterr().err
    assert "the answer is silence: mute is on" in err and "the answer is silence: voice is off" in err
    assert main(render) == 0 and "silence" not in capsys.readouterr().err


@pytest.mark.parametrize("how, times", [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGHUP, 1), (signal.SIGINT, 4)])
def test_an_interrupted_render_is_exit_130_and_leaves_nothing(tmp_path, how, times):
    """Ctrl-C, a service manager, a closed terminal in the middle of ten minutes: one line, no half of a file."""
    soundfile.write(tmp_path / "in.wav", hum(2.0, 192000, 2), 192000)
    out = tmp_path / "out.wav"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "antiphon",
            "render",
            str(tmp_path / "in.wav"),
            "-o",
            str(out),
            "--bundle",
            "echo",
            "--seconds",
            "600",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ENGINE},
    )
    until = time.monotonic() + 30
    while not (tmp_path / "out.wav.part").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    for _ in range(times):
        process.send_signal(how)
        time.sleep(0.002)
    printed, err = process.communicate(timeout=30)
    assert process.returncode == 130 and printed == "" and lines(err) == ["antiphon: interrupted"]
    assert os.listdir(tmp_path) == ["in.wav"]


@pytest.mark.parametrize("while_importing", ["argparse", "antiphon.params"])
def test_an_interrupt_before_the_command_line_is_there_is_no_traceback(tmp_path, while_importing):
    """Ctrl-C as soon as the command was typed: it comes while a module is imported."""
    code = f"""
import importlib.abc, os, signal, sys
class Interrupts(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name == {while_importing!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
from antiphon.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": ENGINE}
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "antiphon: interrupted\n")


def write_text(path):
    path.write_text("these are the words of the song\n" * 20)


BAD_INPUT = {
    "empty file": (lambda p: p.write_bytes(b""), "is empty"),
    "text called .wav": (write_text, "not a sound file"),
    "silence": (lambda p: soundfile.write(p, np.zeros(96000), 48000), "nothing was heard"),
    "no frames": (lambda p: soundfile.write(p, np.zeros(0), 48000), "holds no sound"),
    "a folder": (lambda p: p.mkdir(), "is a folder"),
    "missing": (lambda p: None, "no such file"),
}


@pytest.mark.parametrize("what", BAD_INPUT)
def test_bad_input_is_exit_2_and_one_line_and_leaves_nothing_behind(what, tmp_path, capsys):
    """The line names the file; no half of an output is left."""
    make, words = BAD_INPUT[what]
    make(tmp_path / "in.wav")
    assert main(["render", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.wav"), "--bundle", "echo"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(lines(err)) == 1 and words in err and str(tmp_path / "in.wav") in err
    assert not list(tmp_path.glob("out.wav*"))


def test_a_tenth_of_a_second_is_answered_or_refused_in_one_line(tmp_path, capsys):
    """Whichever the model can do with it: never a traceback, never a broken prompt."""
    soundfile.write(tmp_path / "in.wav", hum(0.1), 48000)
    code = main(
        ["render", str(tmp_path / "in.wav"), "-o", str(tmp_path / "out.wav"), "--bundle", "echo", "--seconds", "1"]
    )
    err = capsys.readouterr().err
    if code == 0:
        prompt, _ = soundfile.read(tmp_path / "in.wav", dtype="int32")
        out, _ = soundfile.read(tmp_path / "out.wav", dtype="int32")
        assert np.array_equal(out[: len(prompt)], prompt) and len(out) == len(prompt) + 48000
    else:
        assert code == 2 and len(lines(err)) == 1 and "nothing was heard" in err


@pytest.mark.parametrize(
    "out, words",
    [("/proc/out.wav", "cannot be written"), ("no/such/folder/out.wav", "no folder"), ("out.mp3", "written are")],
)
def test_an_unwritable_output_is_told_before_the_work(out, words, tmp_path, capsys, monkeypatch):
    """Exit 2, one line, what to do instead."""
    monkeypatch.chdir(tmp_path)
    soundfile.write("in.wav", hum(), 48000)
    assert main(["render", "in.wav", "-o", out, "--bundle", "echo"]) == 2
    err = capsys.readouterr().err
    assert len(lines(err)) == 1 and words in err


@pytest.mark.parametrize("kind", ["itself", "a link", "another link", "its part"])
@pytest.mark.parametrize("verb", ["render", "play"])
def test_a_recording_is_never_replaced_by_what_is_made_of_it(kind, verb, tmp_path, capsys, monkeypatch):
    """OUT is IN, or leads to it, or would be written through it: one line, and IN is as it was."""
    monkeypatch.chdir(tmp_path)
    source, out = Path("b.wav.part" if kind == "its part" else "a.wav"), Path("a.wav" if kind == "itself" else "b.wav")
    soundfile.write(source, hum(), 48000, format="WAV")
    before = source.read_bytes()
    if kind == "a link":
        out.symlink_to(source)
    elif kind == "another link":
        os.link(source, out)
    arguments = {"render": ["render", str(source), "-o", str(out)],
                 "play": ["play", "--driver", "dummy", "--osc", "off", "--input", str(source.resolve()), "--output", str(out)]}
    if verb == "play" and kind == "its part":
        return  # a name that is no sound file's is a device's there
    assert main([*arguments[verb], "--bundle", "echo", "--seconds", "1"]) == 2
    err = lines(capsys.readouterr().err)
    assert len(err) == 1 and "would replace" in err[0] and source.read_bytes() == before


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path, capsys):
    """As IN and as OUT: one line, at once."""
    os.mkfifo(tmp_path / "pipe.wav")
    soundfile.write(tmp_path / "in.wav", hum(), 48000)
    for source, out in (("pipe.wav", "out.wav"), ("in.wav", "pipe.wav"), ("in.wav", "/dev/full"), ("in.wav", "/dev/null")):
        assert main(["render", str(tmp_path / source), "-o", str(tmp_path / out), "--bundle", "echo"]) == 2
        err = lines(capsys.readouterr().err)
        assert len(err) == 1 and "not a regular file" in err[0]


def test_a_file_that_is_cut_short_is_told_where_nothing_is_heard(tmp_path, capsys):
    """Its data size is unknown and its RIFF size speaks of more."""
    path = tmp_path / "in.wav"
    soundfile.write(path, np.zeros(48_000), 48000)
    data = bytearray(path.read_bytes()[:50_000])
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert main(["render", str(path), "-o", str(tmp_path / "out.wav"), "--bundle", "echo"]) == 2
    err = lines(capsys.readouterr().err)
    assert len(err) == 1 and "nothing was heard in it (cut short by" in err[0]


def test_a_value_beyond_its_range_is_moved_into_it_and_said(tmp_path, capsys):
    """As OSC's echo says it: the flag, --set and a preset alike; a seed is refused."""
    (tmp_path / "p.toml").write_text("[values]\nnovelty = 7\n")
    options = parse(["play", "--set", "answer_s=-5", "--dry", "99dB", "--voice", "off", "--preset", str(tmp_path / "p.toml")])
    values = values_of(options)
    assert (values["answer_s"], values["dry"], values["voice"], values["novelty"]) == (0.5, 12.0, -80.0, 1.0)
    err = lines(capsys.readouterr().err)
    assert len(err) == 3 and "antiphon: answer_s -5 is beyond 0.5 .. 600 s; taken as 0.5 s" in err
    with pytest.raises(UsageError, match="seed does not take"):
        parse(["play", "--seed", "-1"])


def test_bundle_check_is_exit_1_for_a_bundle_that_is_not_sound(tmp_path, capsys):
    """It is there, and it is not so: an answer, with a document, and not a usage error."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "bundle.toml").write_text("format = 99\n")
    assert main(["bundle", "check", str(tmp_path / "b"), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["sound"] is False and len(report["problems"]) == 1
    assert main(["bundle", "info", str(tmp_path / "b")]) == 2
    (tmp_path / "none").mkdir()
    assert main(["bundle", "check", str(tmp_path / "none"), "--json"]) == 2, "a folder without a manifest is no bundle"
    assert "it has no bundle.toml" in capsys.readouterr().err
    assert main(["bundle", "info", str(tmp_path / "b")]) == 2
    assert len(lines(capsys.readouterr().err)) == 1


def test_doctor_gives_one_document_with_the_latency_as_a_sum():
    """Its exit code and its word `fit` agree; the terms add up."""
    done = antiphon("doctor", "--driver", "dummy", "--bundle", "echo", "--seconds", "0.5", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["fit"] else 1), done.stderr
    latency = report["latency"]
    assert sum(term["frames"] for term in latency["terms"]) == pytest.approx(latency["total_frames"])
    assert {check["verdict"] for check in report["checks"]} <= {"good", "note", "bad"}
    assert all(check["mend"] for check in report["checks"] if check["verdict"] != "good")


@pytest.mark.parametrize("said, lead_s", [("8", 0.008), ("8ms", 0.008), ("0.02s", 0.02), ("0", 0.0), ("auto", None)])
def test_a_lead_is_milliseconds_or_grows_by_itself(said, lead_s):
    assert parse(["play", "--lead", said]).lead == lead_s
    assert parse(["play"]).lead is None


def test_usage_errors_are_raised_before_anything_is_opened():
    """`parse` alone finds them."""
    with pytest.raises(UsageError):
        parse(["play", "--dry", "loud"])


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_end_a_performance(closed, tmp_path):
    """A service may be started without stdin, stdout or stderr: it plays, and its exit code is 0."""
    command = [sys.executable, "-m", "antiphon", "play", "--driver", "dummy", "--input", "silence", "--bundle", "echo",
               "--seconds", "0.3", "--osc", "off"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": ENGINE}
    shell = ["/bin/sh", "-c", f'"$@" {closed}', "sh", *command]
    assert subprocess.run(shell, cwd=tmp_path, env=environment, timeout=60, capture_output=True).returncode == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_output_that_is_full_is_told(form):
    """Exit code 2 and one line, not a traceback."""
    command = [sys.executable, "-m", "antiphon", "params", *form]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env={**os.environ, "PYTHONPATH": ENGINE}
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr
