"""What is measured and is not ours: a subject's words are checked, whatever it does ends in one line, the measurement is exact."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import jackrig  # noqa: E402
import signals  # noqa: E402
import steered  # noqa: E402
import subject as subjects  # noqa: E402
from subject import Subject, SubjectFailed, SubjectSkips, read_first  # noqa: E402

FIRST = {"ready": True, "name": "mine", "client": None, "latency_frames": 128, "control": "stdin"}
SAYS_READY = f"import json, sys, time\nprint(json.dumps({FIRST!r}), flush=True)\n"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Writes a program of these lines of Python; who is silent is waited for no longer than a second."""
    monkeypatch.setattr(subjects, "READY_S", 1.0)
    monkeypatch.setattr(subjects, "ANSWER_S", 0.3)

    def write(lines):
        path = tmp_path / "mine.py"
        path.write_text(lines)
        return Subject(path, tmp_path)

    return write


def fails(subject, *words, ask=None):
    """It fails with one line that has these words in it."""
    with pytest.raises(SubjectFailed) as failed, subject:
        if ask:
            ask(subject)
        else:
            subject.counts()
    line = str(failed.value)
    assert "\n" not in line and all(word in line for word in ("mine", *words)), line


@pytest.mark.parametrize(
    "change, word",
    [
        ({"ready": 1}, "ready"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"client": 3}, "client"),
        ({"latency_frames": "128"}, "latency_frames"),
        ({"latency_frames": -1}, "latency_frames"),
        ({"latency_frames": True}, "latency_frames"),
        ({"latency_frames": float("nan")}, "latency_frames"),
        ({"control": None}, "control"),
        ({"control": "osc"}, "control"),
        ({"control": {"osc": 0, "address": "/gain"}}, "port"),
        ({"control": {"osc": 9000}}, "address"),
        ({"control": {"osc": 9000, "address": "gain"}}, "address"),
        ({"control": {"osc": 9000, "address": "/gain", "arguments": [[]]}}, "arguments"),
        ({"control": {"osc": 9000, "address": "/gain", "unit": "bel"}}, "unit"),
    ],
)
def test_what_a_subject_says_first_is_checked(change, word):
    """Each field that is not as the page says is refused by its name; and what is right is taken."""
    assert read_first(FIRST).latency_frames == 128
    with pytest.raises(ValueError, match=word):
        read_first(FIRST | change)


def test_a_subject_may_say_that_it_cannot():
    """It is no failure: what mends it is handed on."""
    with pytest.raises(SubjectSkips, match="pip install mine"):
        read_first({"skip": "it is not installed; pip install mine"})


def test_gains_are_sent_as_a_subject_wants_them():
    """By a line, or by OSC: linear or in decibels, after the arguments it asked for."""
    from pythonosc.osc_message import OscMessage

    told = FIRST | {"control": {"osc": 9000, "address": "/n_set", "arguments": [1000, "gain"], "unit": "dB"}}
    message = OscMessage(read_first(told).control.packet(0.5))
    assert message.address == "/n_set" and message.params[:2] == [1000, "gain"]
    assert message.params[2] == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize(
    "lines, words",
    [
        ("raise SystemExit(3)", ["code 3"]),
        ("import sys\nsys.exit('no such device')", ["code 1", "no such device"]),
        ("1 / 0", ["ZeroDivisionError"]),
        ("import os\nos.kill(os.getpid(), 9)", ["signal 9"]),
        ("print('hello')", ["hello", "no JSON"]),
        ("print('[1, 2]')", ["[1, 2]", "expected"]),
        ("print('x' * 100000)", ["xxx...", "no JSON"]),
        ("import sys\nsys.stdout.buffer.write(bytes(range(128, 256)) + b'\\n')", ["no JSON"]),
        ("import time\ntime.sleep(30)", ["said nothing for 1 s"]),
        ("import os, time\nos.close(1)\ntime.sleep(1.5)", ["closed its output"]),
    ],
)
def test_one_that_does_not_start_is_one_line(program, lines, words):
    """Whatever it does instead of saying that it is ready: one line with its own last words, soon."""
    began = time.monotonic()
    fails(program(lines), *words)
    assert time.monotonic() - began < 20  # it would sleep for 30: nobody waited for that


@pytest.mark.parametrize(
    "lines, words",
    [
        ("sys.exit('gone')", ["gone"]),
        ("sys.stdin.readline()\nprint('nonsense', flush=True)\nsys.stdin.read()", ["nonsense"]),
        ("sys.stdin.readline()\nprint('[]', flush=True)\nsys.stdin.read()", ["expected an object"]),
        ("sys.stdin.read()", ["no answer", "counts"]),
    ],
)
def test_one_that_goes_wrong_later_is_one_line(program, lines, words):
    """It was ready, and then it ends, talks nonsense or says nothing more."""
    fails(program(SAYS_READY + lines), *words)


def test_callback_times_that_are_no_numbers_are_refused(program):
    """A list with a word in it would be a figure of nothing."""
    lines = SAYS_READY + "sys.stdin.readline()\nprint('{\"spacing_us\": [1, \"2\"]}', flush=True)\nsys.stdin.read()"
    fails(program(lines), "spacing_us", ask=lambda subject: subject.spacing_us())


def test_a_program_that_is_none_is_one_line(tmp_path):
    """Not there, or not to be executed."""
    fails(Subject(tmp_path / "mine", tmp_path), "no such program")
    (tmp_path / "mine").write_text("\x7f")
    (tmp_path / "other").mkdir()
    fails(Subject(tmp_path / "mine", tmp_path / "other"), "does not start")


def test_one_that_speaks_the_protocol_is_understood(program):
    """Answers come to what was asked; unknown counts and missing ones are no failure; it is ended when it does not end itself."""
    lines = SAYS_READY + (
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    answer = {'counts': {'xruns': 2, 'why': 'x'}} if 'counts' in asked else {'busy': 2} if 'busy' in asked else {}\n"
        "    if 'gain' not in asked:\n"
        "        print(json.dumps(answer), flush=True)\n"
    )
    with program(lines) as subject:
        assert (subject.name, subject.said.control) == ("mine", None)
        assert json.loads(subject.message(0.5)) == {"gain": 0.5}
        assert subject.busy(2) and subject.counts() == {"xruns": 2} and subject.spacing_us() is None


def test_damage_is_counted_frame_by_frame():
    """None where there is none; a frame lost, repeated or held up is that and no more."""
    sound = np.concatenate([np.zeros(300), signals.marked(2000), np.zeros(700)]).astype(np.float32)
    assert signals.damage(sound, 2000) == signals.Damage(0, 0, 0, 0) and signals.delays(sound) == (300, 1.0)
    block = slice(1000, 1128)
    silent, stale, later = sound.copy(), sound.copy(), np.insert(sound, 1000, np.zeros(128, np.float32))
    silent[block] = 0
    stale[block] = sound[872:1000]
    assert signals.damage(silent, 2000) == signals.Damage(128, 0, 128, 1)
    assert signals.damage(stale, 2000) == signals.Damage(128, 128, 0, 2)
    assert signals.damage(later, 2000) == signals.Damage(0, 0, 128, 0)
    assert [signals.damage(bad, 2000).frames for bad in (silent, stale, later)] == [128] * 3
    assert signals.damage(np.zeros(2500, np.float32), 2000).frames == 2000 - signals.LEAD_IN


def test_a_change_is_found_to_the_frame():
    """A step, and a ramp from its first frame; a dropout before it, a crossing of the level and no change at all are none of it."""
    step = np.full(4000, 0.25, np.float32)
    step[1500:] = 0.125
    ramp = np.full(4000, 0.25, np.float32)
    ramp[1500:2460] = np.linspace(0.25, 0.125, 961)[1:]
    ramp[2460:] = 0.125
    dropout = step.copy()
    dropout[1200:1328] = 0
    assert [signals.first_change(heard, 1000, 4000, 0.125) for heard in (step, ramp, dropout)] == [1500] * 3
    assert signals.first_change(ramp, 1000, 4000, 0.2) is None
    assert signals.first_change(step, 1000, 1510, 0.125) is None


@pytest.mark.parametrize("late", [100.0, 1234.25, 999.5])
def test_a_chirp_tells_a_fraction_of_a_frame(late):
    """Delayed by a known fraction (in the frequency domain), and with noise beside it, it is found within 0.05 frames."""
    sound = signals.chirp(24_000, 48_000)
    size = 1 << 16
    turned = np.fft.rfft(sound, size) * np.exp(-2j * np.pi * np.fft.rfftfreq(size) * late)
    heard = np.fft.irfft(turned, size)[:30_000] + 0.01 * np.random.default_rng(1).standard_normal(30_000)
    assert signals.lag(sound, heard) == pytest.approx(late, abs=0.05)
    assert signals.alike(sound, heard, late) > 0.7
    noise = np.random.default_rng(2).standard_normal(30_000)
    assert abs(signals.alike(sound, noise, signals.lag(sound, noise))) < 0.1


def test_a_plan_has_every_message_and_knows_those_left_out():
    """Messages come after what is numbered, in order, and the gain is at last what it was at first."""
    plan = steered.Plan.make(48_000, 0.2, 10, 1, (0.03, 0.04), left_out=4)
    assert plan.sends() == [0, 1, 2, 4, 5, 6, 8, 9] and plan.gain(-1) == 1.0
    assert plan.numbered + 2 * plan.pause < plan.messages[0] and np.all(np.diff(plan.messages) >= 0.03 * 48_000)
    sound = plan.sound()
    assert len(sound) > plan.messages[-1] + plan.pause and sound[round(plan.messages[0])] == steered.LEVEL


@pytest.mark.device
def test_the_empty_subject_beside_the_probe(tmp_path):
    """On a real server: a block late, to the frame; messages are heard, and those that were not sent are missed."""
    plan = steered.Plan.make(48_000, 0.2, 10, 1, (0.03, 0.04))
    dropped = steered.Plan.make(48_000, 0.2, 10, 1, (0.03, 0.04), left_out=2)
    try:
        server = jackrig.JackServer()
        with server:
            probe = jackrig.Probe(server)
            before = server.clients()
            with Subject(BENCH / "subjects" / "empty.py", tmp_path) as subject:
                probe.wire((server.clients() - before).pop())
                heard = steered.listen(plan, subject, probe, tmp_path)
                missed = steered.listen(dropped, subject, probe, tmp_path)
            probe.close()
    except jackrig.JackMissing as missing:
        pytest.skip(str(missing))
    assert heard.delay == server.period and heard.damage.lost < plan.numbered / 2  # it runs beside everything else here
    assert heard.unheard <= 2 and all(0 < frames < 4800 for frames in heard.control)
    assert missed.unheard >= max(3, heard.unheard)  # of five; one that comes late may stand for the one left out before it
    assert len(heard.spacing_us) > 100
