"""`antiphon play` without a device: lines in a pipe, a view on a terminal, keys, OSC, and an orderly end."""

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from antiphon.control import wire
from antiphon.layout import folder

ENGINE = str(Path(__file__).resolve().parents[2] / "engine")
PLAY = [sys.executable, "-m", "antiphon", "play", "--bundle", "echo", "--driver", "dummy"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": ENGINE, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"}


def start(*arguments, **keywords):
    """Start playing in a process of its own, with pipes."""
    return subprocess.Popen(
        [*PLAY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        env=ENVIRONMENT,
        **keywords,
    )


def read_until(process, pattern, timeout_s=30):
    """Read lines until one matches; give the match."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        line = process.stdout.readline()
        found = re.search(pattern, line)
        if found:
            return found
        assert line, f"ended before {pattern!r}: {process.stderr.read()}"
    raise AssertionError(f"no {pattern!r} within {timeout_s} s")


class OnTerminal:
    """A play in a pseudo-terminal."""

    def __init__(self, *arguments):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execve(PLAY[0], [*PLAY, *arguments], ENVIRONMENT)
        self.text = ""

    def wait_for(self, pattern, timeout_s=30):
        """Read until the text since the last wait matches."""
        until, begin = time.monotonic() + timeout_s, len(self.text)
        while not re.search(pattern, self.text[begin:]):
            assert time.monotonic() < until, f"no {pattern!r} in {self.text[-2000:]!r}"
            if select.select([self.file], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.file, 65536).decode("utf-8", "replace")
                except OSError:
                    raise AssertionError(f"ended before {pattern!r}: {self.text[-2000:]!r}") from None

    def press(self, key):
        os.write(self.file, key)

    def end(self, timeout_s=20):
        """Read to the end; give the exit code."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            try:
                data = os.read(self.file, 65536) if select.select([self.file], [], [], 0.1)[0] else None
            except OSError:
                data = b""
            if data == b"":
                break
            self.text += (data or b"").decode("utf-8", "replace")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_a_summary_and_exit_0(how):
    """Ctrl-C, a service manager's stop, a closed terminal."""
    process = start("--osc", "off")
    read_until(process, r"answer: ")
    process.send_signal(how)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    for words in ("played ", "blocks of 128 frames", "xruns ", "late steps ", "performer to voice", "trigger to voice"):
        assert words in out
    assert err == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_told_twice_it_still_gives_everything_back(how):
    """Nothing is left of it: no segment, no model process."""
    process = start("--osc", "off")
    read_until(process, r"answer: ")
    process.send_signal(how)
    time.sleep(0.02)  # it fades now
    process.send_signal(how)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (0, 130) and "Traceback" not in err
    assert not list(folder().glob(f"antiphon-{process.pid}-*"))


@pytest.mark.parametrize("when", [r"loading echo", r"answer: "])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_again_and_again_it_is_as_orderly(how, when):
    """Loading or playing: no traceback, nothing that asyncio has to say, no segment."""
    process = start("--osc", "off")
    read_until(process, when)
    for _ in range(5):
        process.send_signal(how)
        time.sleep(0.005)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (0, 130) and err in ("", "antiphon: interrupted\n")
    assert not list(folder().glob(f"antiphon-{process.pid}-*"))


def test_a_closed_terminal_is_nothing_to_who_was_started_by_nohup():
    """SIGHUP that is ignored stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start("--osc", "off", "--seconds", "1.5")
    finally:
        signal.signal(signal.SIGHUP, before)
    read_until(process, r"answer: ")
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and float(re.search(r"played ([\d.]+) s", out)[1]) >= 1.4


def test_what_happens_while_the_model_loads_is_said_then():
    """A model that is killed as it loads: the line comes before the model does."""
    process = start("--osc", "off", "--bundle", "hum")
    try:
        read_until(process, r"loading hum")
        worker, until = None, time.monotonic() + 20
        while worker is None and time.monotonic() < until:
            worker = next(iter(_model_processes(process.pid)), None)
        os.kill(worker, signal.SIGKILL)
        line = read_until(process, r"signal 9|answer: ")[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert line == "signal 9"


def _model_processes(engine):
    """Process ids of the engine's children that are Python by now."""
    for thread in Path(f"/proc/{engine}/task").iterdir():
        try:
            children = (thread / "children").read_text().split()
        except OSError:  # a thread that has just ended
            continue
        for child in children:
            if b"worker_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                yield int(child)


def test_what_is_sent_while_the_model_loads_is_obeyed_then_and_not_later():
    """A mode and a gain are kept; a trigger is refused at once, and nothing goes off when the model is there."""
    process = start("--osc", "0")
    try:
        steering = Steering(int(read_until(process, r"OSC on 127\.0\.0\.1:(\d+)")[1]))
        steering.socket.settimeout(20)
        assert steering.ask("/antiphon/trigger")[0] == "/antiphon/error", "the model was there already"
        assert steering.ask("/antiphon/mode", "hold") == ("/antiphon/echo/mode", ["hold"])
        assert steering.ask("/antiphon/dry", -6.0) == ("/antiphon/echo/dry", [-6.0])
        read_until(process, r"hold: hearing")
        time.sleep(0.5)
        pairs = steering.ask("/antiphon/status")[1]
        status = dict(zip(pairs[::2], pairs[1::2], strict=True))
        assert (status["mode"], status["answers"]) == ("hold", 0) and status["lead_ms"] >= 6.0
        assert steering.ask("/antiphon/dry") == ("/antiphon/echo/dry", [-6.0])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_seconds_ends_it_and_json_is_one_document_on_stdout():
    """Everything else is on stderr."""
    done = subprocess.run(
        [*PLAY, "--osc", "off", "--seconds", "1", "--json"], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert 0.9 < report["frames"] / report["samplerate"] < 3.0 and "played " in done.stderr
    assert sum(term["ms"] for term in report["latency"]) == pytest.approx(report["latency_total_ms"])


def test_a_pipe_gets_lines_only_when_something_changes():
    """Silence in, 7 s: the first line, and no line for levels that flutter."""
    done = subprocess.run(
        [*PLAY, "--input", "silence", "--osc", "off", "--seconds", "7"],
        capture_output=True,
        text=True,
        timeout=60,
        env=ENVIRONMENT,
    )
    looks = [line for line in done.stdout.splitlines() if re.match(r"\d+:\d\d\.\d  ", line)]
    assert 1 <= len(looks) <= 2 and "\x1b" not in done.stdout


def test_a_terminal_gets_a_view_and_its_keys_play():
    """m changes the mode, space begins an answer, p forgets, q ends; the terminal is left as it was."""
    stage = OnTerminal("--osc", "off")
    stage.wait_for(r"answer: hearing")
    stage.press(b"m")
    stage.wait_for(r"hold: ")
    stage.press(b"\x1b[A")  # an arrow key means nothing
    stage.press(b" ")
    stage.wait_for(r"hold: answering.*answers 1")
    stage.press(b"p")
    stage.wait_for(r"hold: (listening|hearing)")
    stage.press(b"q")
    assert stage.end() == 0
    assert "\x1b[?25l" in stage.text and stage.text.rindex("\x1b[?25h") > stage.text.rindex("\x1b[?25l")
    assert "performer to voice" in stage.text.split("\x1b[?25h")[-1]


def test_ctrl_c_on_a_terminal_is_exit_0():
    """The view goes, the summary stays."""
    stage = OnTerminal("--osc", "off")
    stage.wait_for(r"space trigger")
    stage.press(b"\x03")
    assert stage.end() == 0 and "played " in stage.text


class Steering:
    """A client with a socket."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))

    def ask(self, address, *arguments):
        self.socket.send(wire.encode(address, *arguments))
        reply = OscMessage(self.socket.recv(65536))
        return reply.address, list(reply)


def test_osc_steers_the_running_engine():
    """Set, ask, refuse; and a trigger is heard by the model: /antiphon/status tells of the answer."""
    process = start("--osc", "0")
    try:
        steering = Steering(int(read_until(process, r"OSC on 127\.0\.0\.1:(\d+)")[1]))
        read_until(process, r"answer: hearing")
        assert steering.ask("/antiphon/dry", -6.0) == ("/antiphon/echo/dry", [-6.0])
        assert steering.ask("/antiphon/dry") == ("/antiphon/echo/dry", [-6.0])
        assert steering.ask("/antiphon/drry", 1.0)[0] == "/antiphon/error"
        assert steering.ask("/antiphon/mode", "hold") == ("/antiphon/echo/mode", ["hold"])
        assert steering.ask("/antiphon/trigger") == ("/antiphon/echo/trigger", [True])
        until = time.monotonic() + 5
        while True:
            address, pairs = steering.ask("/antiphon/status")
            status = dict(zip(pairs[::2], pairs[1::2], strict=True))
            if status["state"] == "answering" or time.monotonic() > until:
                break
            time.sleep(0.05)
        assert address == "/antiphon/status" and status["state"] == "answering" and status["mode"] == "hold"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_a_flood_of_malformed_osc_does_not_disturb_the_playing():
    """20,000 datagrams of nonsense: it plays on, obeys, has said little, and the callback met no trouble."""
    process = start("--osc", "0")
    try:
        steering = Steering(int(read_until(process, r"OSC on 127\.0\.0\.1:(\d+)")[1]))
        read_until(process, r"answer: ")
        for k in range(20_000):
            try:
                steering.socket.send(bytes([k % 256, 35, 98]) * (k % 40 + 1))
            except ConnectionRefusedError:
                raise AssertionError("OSC has gone") from None
        steering.socket.settimeout(0.3)
        try:
            while True:
                steering.socket.recv(65536)
        except TimeoutError:
            steering.socket.settimeout(5)
        assert steering.ask("/antiphon/voice", -3.0) == ("/antiphon/echo/voice", [-3.0])
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0 and err == "" and "overflows 0" in out
    assert len([line for line in out.splitlines() if "malformed" in line]) <= 5


def test_a_taken_osc_port_is_an_error_where_it_was_asked_for_and_a_line_where_not():
    """Playing goes on with the next free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("127.0.0.1", 0))
        port = str(busy.getsockname()[1])
        done = subprocess.run(
            [*PLAY, "--osc", port, "--seconds", "1"], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
        )
    assert done.returncode == 2 and done.stderr.startswith(f"antiphon: OSC port {port} on 127.0.0.1 is taken")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        try:
            busy.bind(("127.0.0.1", 9000))
        except OSError:
            pass  # somebody else has it: as good
        done = subprocess.run([*PLAY, "--seconds", "1"], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert done.returncode == 0 and re.search(r"OSC port 9000 is taken.*\nOSC on 127\.0\.0\.1:90\d\d", done.stdout)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--input", "/nowhere/in.wav"], "no such file"),
        (["--output", "/proc/out.wav"], "cannot be written"),
        (["--channel", "7"], "channel"),
        (["--bundle", "no-such-bundle"], "no bundle"),
        (["--samplerate", "4000"], "8000"),
        (["--blocksize", "1000000"], "blocksize"),
    ],
)
def test_what_cannot_be_played_is_exit_2_and_one_line(arguments, words):
    """Before or after sound has begun to run."""
    done = subprocess.run(
        [*PLAY, "--osc", "off", *arguments], capture_output=True, text=True, timeout=60, env=ENVIRONMENT
    )
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("driver", [["--driver", "portaudio"], []])
def test_an_unknown_device_is_exit_2_and_one_line(driver):
    """A device that was asked for by name is never replaced by another, whatever devices there are."""
    done = subprocess.run(
        [*PLAY[:-2], *driver, "--osc", "off", "--input", "no such device", "--seconds", "1"],
        capture_output=True,
        text=True,
        timeout=60,
        env=ENVIRONMENT,
    )
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1 and "device" in done.stderr, (
        done.stdout + done.stderr
    )
