"""No way out without the mark: by construction, one place writes the voice ring, and by ear, every exit is listened to."""

import ast
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sung import melody, sound

import antiphon
from antiphon.audio.dummy import DummyDriver
from antiphon.audiofile import Writer
from antiphon.engine import Engine, EngineConfig
from antiphon.events import Event
from antiphon.provenance import keys
from antiphon.provenance.detect import Detector
from antiphon.provenance.mark import Payload
from antiphon.render import render
from playing import freewheel

PACKAGE = Path(antiphon.__file__).parent
PAYLOAD = Payload(0xABCDE, 12345)
PROMPT = sound(melody(12.0, seed=4), 12.0).astype(np.float32)[:, None]


def calls(name):
    """(file, line, source) of every call in the package whose function is spelled like this."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
                yield path.relative_to(PACKAGE).as_posix(), node.lineno, ast.unparse(node)


def test_one_place_writes_the_voice_ring():
    """All that can be heard comes out of that ring; what goes into it is what the mark gave, resampled."""
    others = ("new.mic", "segment.trace_steps")  # what is heard, and how long it took: no sound goes out of these
    writes = [(where, source) for where, _, source in calls("ap_ring_write") if not any(ring in source for ring in others)]
    writes = [found for found in writes if found[0] != "kernels/rings.py"]  # the class; who writes by it is looked for below
    assert writes == [("model/worker.py", "lib.ap_ring_write(self.segment.voice, ffi.from_buffer('float *', voice), len(voice))")]
    wrapped = [where for where, _, source in calls("Ring") if "ap_segment_voice" in source]
    assert wrapped == []
    step = next(n for n in ast.walk(ast.parse((PACKAGE / "model/worker.py").read_text())) if getattr(n, "name", "") == "step"
                and isinstance(n, ast.FunctionDef) and "ap_ring_write" in ast.unparse(n))
    made = {ast.unparse(n.targets[0]): ast.unparse(n.value) for n in ast.walk(step) if isinstance(n, ast.Assign)}
    assert made["marked"].startswith("self._mark.step(self.chain.step(")
    assert made["voice"].startswith("self._out_of.process(") and "marked" in made["voice"]


def test_what_steps_a_chain_marks_what_it_makes():
    """A worker, and the replay of one; training judges what it renders by the same renderer."""
    steppers = {where for where, _, source in calls("chain.step") if not where.startswith("train/")}
    assert steppers == {"model/worker.py", "replay.py"}
    assert all("mark.step" in (PACKAGE / where).read_text() for where in steppers)


@pytest.fixture(scope="module")
def exits(tmp_path_factory):
    """Sound from every way out of one answer: {name: (frames,) float32 at 48 kHz}; dry sound off where it would be in it."""
    folder = tmp_path_factory.mktemp("exits")
    values = {"dry": -80.0, "answer_s": 9.0, "phrase_gap_s": 0.3}
    with freewheel(bundle="echo", payload=PAYLOAD, values=values, take=folder / "take") as engine:
        engine.run(PROMPT)
        carried = engine.proof.payload
        engine.apply(Event("trigger", True))
        played = engine.run(np.zeros((48_000 * 9, 1), np.float32))
    soundfile.write(folder / "prompt.wav", PROMPT, 48_000, "PCM_24")
    result = render(folder / "prompt.wav", folder / "out.wav", seconds=9.0, bundle="echo", stems=folder / "stems", credentials=False)
    live = _live(folder / "live.wav", values)
    answer = slice(len(PROMPT), None)
    found = {
        "the output of a driver": (played[:, 0], carried),
        "voice.wav of a take": (_read(folder / "take" / "voice.wav")[answer], carried),
        "mix.wav of a take": (_read(folder / "take" / "mix.wav")[answer], carried),
        "OUT of render": (_read(folder / "out.wav")[answer], result.payload),
        "voice.wav of render": (_read(folder / "stems" / "voice.wav")[answer], result.payload),
        "the file that play writes": (_read(folder / "live.wav"), live),
    }
    return {name: (heard, told if isinstance(told, str) else told.hex) for name, (heard, told) in found.items()}


def _live(path, values):
    """Play through the model process, in real time, into a file; the payload it was marked with."""
    writer = Writer(path, 48_000, 1)
    driver = DummyDriver(source=np.concatenate([PROMPT[-5 * 48_000 :], np.zeros((int(7.5 * 48_000), 1), np.float32)]),
                         sink=writer.write, close_sink=writer.close)
    engine = Engine(EngineConfig(bundle="echo", values=values, driver_instance=driver, realtime=False))
    engine.start()
    try:
        while not driver.finished:
            driver._stop.wait(0.1)
    finally:
        engine.stop()
    return engine.proof.payload.hex


def _read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0][:, 0]


NAMES = ("the output of a driver", "voice.wav of a take", "mix.wav of a take", "OUT of render", "voice.wav of render",
         "the file that play writes")


@pytest.mark.parametrize("name", NAMES)
def test_every_exit_carries_the_mark(exits, name):
    """The public mark, and this installation's payload, in each."""
    heard, payload = exits[name]
    found = Detector(keys.mark_keys()).find(heard)
    assert found.marked, name
    assert payload in [one.payload.hex for one in found.payloads]


def test_no_exit_was_forgotten(exits):
    """A new way out belongs into the fixture."""
    assert set(exits) == set(NAMES)


def test_the_performers_own_sound_is_never_marked(tmp_path):
    """dry.wav, and what is heard while nothing answers, is what came in, bit for bit."""
    with freewheel(bundle="echo", values={"dry": 0.0, "mode": "listen"}, take=tmp_path / "take") as engine:
        heard = engine.run(PROMPT[: 48_000 * 3])
    dry = soundfile.read(tmp_path / "take" / "dry.wav", dtype="float32")[0]
    assert np.abs(dry - PROMPT[: len(dry), 0]).max() <= 2**-24
    assert not Detector(keys.mark_keys()).find(heard[:, 0]).marked
