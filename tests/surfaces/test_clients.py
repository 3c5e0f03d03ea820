"""Real hosts play the running instrument by the clients in patches/generated: Pd, SuperCollider, and liblo's oscsend.

Each test sets rows from the host, asks the instrument by a socket of its own whether they arrived, and looks at what the
host says that it was told. Everything is on the loopback; a host that is not installed is skipped, naming its package.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from antiphon import patches
from antiphon.control import wire
from antiphon.params import REGISTRY
from antiphon.params.clients import supercollider

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
PLAY = [sys.executable, "-m", "antiphon", "play", "--bundle", "through", "--driver", "dummy", "--input", "silence", "--osc", "0"]
PD, SC = patches() / "generated" / "pd", patches() / "generated" / "supercollider"
PACKAGES = {"pd": "puredata-core", "sclang": "supercollider-language", "oscsend": "liblo-tools", "oscdump": "liblo-tools"}
LEFT_ALONE = {"mute", "freeze", "hold", "beat", "sync"}  # what would hold the instrument still, or is a clock's


def needs(*programs):
    """Skip where a host is not here."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}; run: sudo apt install {' '.join(sorted({PACKAGES[name] for name in missing}))}")


class Said:
    """A program in a process of its own, and the lines it says on both outputs; it ends with the `with` block."""

    def __init__(self, command, **keywords):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        text=True, errors="replace", **keywords)
        self.lines = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)

    @property
    def text(self):
        """All that was said so far."""
        return "".join(self.lines)

    def wait_for(self, *patterns, timeout_s=40):
        """Wait until a line has matched each; give the first's match."""
        until = time.monotonic() + timeout_s
        while not all(re.search(pattern, self.text, re.MULTILINE) for pattern in patterns):
            missing = [pattern for pattern in patterns if not re.search(pattern, self.text, re.MULTILINE)]
            assert time.monotonic() < until, f"never said {missing}: {self.text[-3000:]}"
            assert self.process.poll() is None or self._reader.is_alive(), f"ended without {missing}: {self.text[-3000:]}"
            time.sleep(0.02)
        return re.search(patterns[0], self.text, re.MULTILINE)


class Instrument:
    """The running instrument, as a client with a socket of its own sees it."""

    def __init__(self, port):
        self.port = port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect(("127.0.0.1", port))

    def send(self, path, *arguments):
        """Send to a row, and give what is answered."""
        self._socket.send(wire.encode(f"/antiphon/{path}", *arguments))
        reply = OscMessage(self._socket.recv(65536))
        assert reply.address == f"/antiphon/echo/{path}", list(reply)
        return list(reply)

    def has(self, **wanted):
        """Wait until rows are set so; by their paths, a slash as two underscores."""
        until = time.monotonic() + 5
        for name, value in wanted.items():
            path = name.replace("__", "/")
            while not same(self.send(path), value):
                assert time.monotonic() < until, f"{path} is {self.send(path)}, not {value}"
                time.sleep(0.02)


def same(told, wanted):
    """Whether an answer says this value; hosts have floats of 32 bits, and Pd writes six digits of them."""
    wanted = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
    if not wanted:
        wanted = ["none"]
    return len(told) == len(wanted) and all(
        have == pytest.approx(want, rel=1e-4, abs=1e-6) if isinstance(want, float) else have == want
        for have, want in zip(told, wanted, strict=True))


@pytest.fixture(scope="module")
def playing():
    """The instrument, playing."""
    with Said(PLAY, env=ENVIRONMENT) as engine:
        port = int(engine.wait_for(r"OSC on 127\.0\.0\.1:(\d+)", r"answer: ")[1])
        yield Instrument(port)


@pytest.fixture
def instrument(playing):
    """The instrument with every row at its default."""
    for row in REGISTRY.rows:
        if row.access != "w" and row.path not in LEFT_ALONE:
            playing.send(row.path, *wire.spoken(row.default))
    return playing


def other_than_default(row):
    """A value that the row can have and does not have by itself."""
    if row.kind == "bool":
        return not row.default
    if row.kind == "enum":
        return next(choice for choice in row.choices if choice != row.default)
    if row.kind == "list":
        return (row.minimum + 1.0, row.minimum + 3.5)
    low, high = row.minimum, row.maximum
    middle = (low * high) ** 0.5 if row.curve == "exp" else low + (high - low) / 4
    return min(int(middle), 1000) if row.kind == "int" else round(middle, 2)


SETTABLE = [row for row in REGISTRY.rows if row.access != "w" and row.path not in LEFT_ALONE]


def words(value):
    """A value as Pd is told it."""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(int(value) if isinstance(value, bool) else value)


# liblo


def test_oscsend_sets_rows_and_oscdump_hears_of_them(instrument):
    """A number, a word, a list, a numbered trigger; what it subscribed to comes to oscdump's port."""
    needs("oscsend", "oscdump")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:  # oscdump cannot ask: its port is asked for by this socket
        ear.settimeout(5)
        ear.bind(("127.0.0.1", 0))
        port = ear.getsockname()[1]
        for path in ("temperature", "chord", "mode"):
            ear.sendto(wire.encode("/antiphon/subscribe", path, 50), ("127.0.0.1", instrument.port))
            ear.recv(4096)  # what it is now; nothing more comes to the port before something changes
    target = f"osc.udp://127.0.0.1:{instrument.port}"
    with Said(["oscdump", "-L", str(port)]) as dump:
        while f"{port:04X} " not in Path("/proc/net/udp").read_text():  # it listens
            time.sleep(0.02)
        for message in ("temperature f 0.7", "mode s hold", "chord fff 60 64 67", "voice f -6", "keep i 3", "send/2 s off"):
            path, *arguments = message.split()
            subprocess.run(["oscsend", target, f"/antiphon/{path}", *arguments], check=True, timeout=20)
        instrument.has(temperature=0.7, mode="hold", chord=[60.0, 64.0, 67.0], voice=-6.0, send__2=-80.0)
        dump.wait_for(r"/antiphon/echo/temperature f 0\.7", r'/antiphon/echo/mode s "hold"',
                      r"/antiphon/echo/chord fff 60\.\d+ 64\.\d+ 67")


# Pure Data


def pd_patch(folder, port, messages):
    """Write a patch that says these to [antiphon] when it opens, and prints what comes back."""
    said = " \\, ".join(messages)
    (folder / "test.pd").write_text(
        "#N canvas 0 0 450 300 12;\n#X obj 20 20 loadbang;\n"
        f"#X msg 20 60 {said};\n#X obj 20 100 antiphon 127.0.0.1 {port};\n#X obj 20 140 print GOT;\n"
        "#X connect 0 0 1 0;\n#X connect 1 0 2 0;\n#X connect 2 0 3 0;\n")
    return ["pd", "-nogui", "-noaudio", "-nomidi", "-noprefs", "-path", str(PD), "-open", str(folder / "test.pd")]


def test_pd_sets_rows_and_hears_of_them(instrument, tmp_path):
    """Numbers, words, lists, switches, triggers, questions, a refusal, a subscription; in vanilla Pd without a screen."""
    needs("pd")
    messages = ["temperature 0.7", "keep 3", "chord 60 64 67", "scale_cents none", "send/1 -6", "voice off", "yield 0", "mode hold",
                "tempo performer", "panic", "novelty", "temprature 1", "subscribe meters 20", "subscribe grid 20"]
    with Said(pd_patch(tmp_path, instrument.port, messages)) as pd:
        echoed = ("temperature 0.7", "chord 60 64 67", "scale_cents none", "send/1 -6", "voice -80", "yield 0", "mode hold",
                  "panic 1", "novelty 0.5", "grid 1/16")
        pd.wait_for(*(f"GOT: echo {re.escape(text)}$" for text in echoed), r"GOT: error .*temprature.* temperature",
                    r"GOT: feed meters( -?[\d.e+-]+){6}$")
        instrument.has(temperature=0.7, chord=[60.0, 64.0, 67.0], scale_cents=[], send__1=-6.0, voice=-80.0, mode="hold", tempo=0.0)
        assert instrument.send("yield") == [False]
        instrument.send("grid", "1/8t")  # somebody else
        pd.wait_for(r"GOT: echo grid 1/8t$")
        assert "error:" not in pd.text and "couldn't create" not in pd.text, pd.text


def test_pd_reaches_every_row_that_has_a_value(instrument, tmp_path):
    """Each is set to another value than its default, arrives, and is echoed."""
    needs("pd")
    wanted = {row.path: other_than_default(row) for row in SETTABLE}
    with Said(pd_patch(tmp_path, instrument.port, [f"{path} {words(value)}" for path, value in wanted.items()])) as pd:
        pd.wait_for(*(rf"GOT: echo {re.escape(path)} \S+" for path in wanted))
    instrument.has(**{path.replace("/", "__"): value for path, value in wanted.items()})


def test_pd_finds_the_instrument_where_it_is_by_default(tmp_path):
    """[antiphon] without arguments speaks to port 9000 of this machine."""
    needs("pd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        try:
            ear.bind(("127.0.0.1", 9000))
        except OSError:
            pytest.skip("port 9000 is taken; close what listens there")
        ear.settimeout(20)
        command = pd_patch(tmp_path, "", ["trigger"])
        patch = tmp_path / "test.pd"
        patch.write_text(patch.read_text().replace("antiphon 127.0.0.1 ;", "antiphon;"))
        with Said(command):
            assert ear.recv(4096) == wire.encode("/antiphon/trigger")


def test_pds_help_patch_opens_without_complaint(tmp_path):
    """Every object in it is one that vanilla Pd has."""
    needs("pd")
    command = pd_patch(tmp_path, "", [])
    (tmp_path / "test.pd").write_text(
        "#N canvas 0 0 450 300 12;\n#X obj 20 20 antiphon-help;\n#X obj 20 60 loadbang;\n#X obj 20 90 print OPEN;\n"
        "#X connect 1 0 2 0;\n")
    with Said(command) as pd:
        pd.wait_for("OPEN: bang")
        complaints = [line for line in pd.lines if line != "OPEN: bang\n"]
    assert complaints == []



# SuperCollider


def sclang(folder, script):
    """The command that runs a script with the class Antiphon, and nothing of whoever is logged in; and its environment."""
    (folder / "conf.yaml").write_text(f"includePaths:\n    - {SC / 'Antiphon'}\nexcludePaths: []\npostInlineWarnings: false\n")
    (folder / "test.scd").write_text(script)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    # Its WebEngine refuses to start as root, as containers are, with its sandbox on; no page is opened here.
    home = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    command = ["sclang", "-D", "-i", "none", "-u", str(port), "-l", str(folder / "conf.yaml"), str(folder / "test.scd")]
    return {"command": command, "env": {**os.environ, **home}, "cwd": folder}


def test_sclang_sets_rows_and_hears_of_them(instrument, tmp_path):
    """Setters, getters, lists, triggers, a bundle for later, a subscription, a refusal; in sclang without a screen or a server."""
    needs("sclang")
    script = f"""(
var a = Antiphon("127.0.0.1", {instrument.port});
a.onEcho = {{ |path ...values| "ECHO % %".format(path, values).postln }};
a.onError = {{ |text, near| "REFUSED % %".format(text, near).postln }};
a.subscribe(\\meters, 20) {{ |...values| "METERS %".format(values.size).postln }};
a.subscribe(\\grid, 20) {{ |value| "GRID %".format(value).postln }};
a.temperature = 0.7; a.mode = \\hold; a.chord([60, 64, 67]); a.scale_cents = []; a.yield = false; a.send1 = -6;
a.setUnmapped(\\lowpass, 0.5); a.keep(3); a.panic; a.send(\\temprature, 1); a.novelty_(0.25);
a.at(0.3) {{ |a| a.dry = -3; a.voice = \\off }};
x = Antiphon.specs;
"SPEC % % %".format(x[\\temperature].maxval, x[\\answer_s].warp.class, x[\\mode].default).postln;
"CHOICES %".format(Antiphon.choices(\\mode)).postln;
a.status {{ |status| "STATE %".format(status[\\state]).postln }};
SystemClock.sched(1.5, {{
    "HAS % % % % % %".format(a.temperature, a.mode, a.chord, a.scale_cents, a.yield, a.voice).postln;
    "READY".postln;
}});
)
"""
    with Said(**sclang(tmp_path, script)) as sc:
        echoed = ("mode [ hold ]", "chord [ 60.0, 64.0, 67.0 ]", "yield [ false ]", "send/1 [ -6.0 ]", "panic [ true ]",
                  "dry [ -3.0 ]")
        sc.wait_for("^READY", *(f"^ECHO {re.escape(text)}" for text in echoed), r"^ECHO temperature \[ 0\.69999\d+ \]", "^METERS 6",
                    "^GRID 1/16", r"^REFUSED .*temprature.*\[ temperature", r"^STATE \w+")
        assert re.search(r"^SPEC 2\.?0? ExponentialWarp 1", sc.text, re.MULTILINE), sc.text
        assert "CHOICES [ listen, answer, hold ]" in sc.text
        has = re.search(r"^HAS (.*)$", sc.text, re.MULTILINE)[1]
        assert re.fullmatch(r"0\.69999\d+ hold \[ 60\.0, 64\.0, 67\.0 \] \[  \] false -80\.0", has), has
        instrument.has(temperature=0.7, mode="hold", chord=[60.0, 64.0, 67.0], scale_cents=[], send__1=-6.0, dry=-3.0, voice=-80.0,
                       lowpass=632.4555, novelty=0.25)
        assert instrument.send("yield") == [False]
        instrument.send("grid", "1/8t")  # somebody else
        sc.wait_for(r"^GRID 1/8t", r"^ECHO grid \[ 1/8t \]")
        assert "ERROR" not in sc.text, sc.text


def test_sclang_reaches_every_row_that_has_a_value(instrument, tmp_path):
    """By its method: each is set to another value than its default, arrives, and is what the getter gives."""
    needs("sclang")
    wanted = {row.path: other_than_default(row) for row in SETTABLE}

    def literal(value):
        if isinstance(value, tuple):
            return f"[{', '.join(map(str, value))}]"
        return f"'{value}'" if isinstance(value, str) else str(value).lower()

    lines = "\n".join(f"a.{supercollider.name(row)} = {literal(wanted[row.path])};" for row in SETTABLE)
    shown = "\n".join(f'"HAS {row.path} %".format(a.{supercollider.name(row)}).postln;' for row in SETTABLE)
    script = (f'(\nvar a = Antiphon("127.0.0.1", {instrument.port});\n{lines}\n'
              f'SystemClock.sched(1.5, {{\n{shown}\n"READY".postln;\n}});\n)\n')
    with Said(**sclang(tmp_path, script)) as sc:
        sc.wait_for("^READY")
    instrument.has(**{path.replace("/", "__"): value for path, value in wanted.items()})
    for path, value in wanted.items():
        if isinstance(value, str | bool):
            assert f"\nHAS {path} {str(value).lower() if isinstance(value, bool) else value}\n" in sc.text
    assert "ERROR" not in sc.text, sc.text


def test_supercolliders_example_runs_from_end_to_end(instrument, tmp_path):
    """Every line of it is understood, down to the last row's; what is refused is what cannot happen now (a slot that is empty)."""
    needs("sclang")
    instrument.send("midi_notes", "note")
    example = (SC / "example.scd").read_text().replace("Antiphon.new;", f'Antiphon("127.0.0.1", {instrument.port});', 1)
    example = example.replace("\n)\n", "\n);\n")  # a block that is run by itself in the editor
    script = f'(\n{example}\n);\nSystemClock.sched(1, {{ "READY".postln }});\n'
    with Said(**sclang(tmp_path, script)) as sc:
        sc.wait_for("^READY")
    assert "ERROR" not in sc.text, sc.text
    happen = {row.path for row in REGISTRY.rows if row.access == "w"}
    assert set(re.findall(r"^WARNING:\s+Antiphon: (\w+)", sc.text, re.MULTILINE)) <= happen, sc.text
    instrument.has(midi_notes=REGISTRY.resolve("midi_notes").default)
