"""A bundle that is not what it says never plays: one line, exit 2, and no process or segment is left behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from antiphon.audio.phrase import hummed_phrase
from antiphon.model.bundle import MANIFEST, available_bundles

ROOT = Path(__file__).resolve().parents[2]


def flip_a_byte(folder):
    data = bytearray((folder / "decoder.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "decoder.onnx").write_bytes(data)


def remove_a_graph(folder):
    (folder / "tokens.onnx").unlink()


def name_another_shape(folder):
    text = (folder / MANIFEST).read_text()
    assert "features = [" in text
    before, after = text.split("features = [", 1)
    (folder / MANIFEST).write_text(before + "features = [ 7," + after)


def put_another_graph_in_its_place(folder):
    """Even a manifest with the right hash does not help a graph of the wrong kind."""
    import hashlib

    text = (folder / MANIFEST).read_text()
    old = hashlib.sha256((folder / "encoder.onnx").read_bytes()).hexdigest()
    shutil.copyfile(folder / "decoder.onnx", folder / "encoder.onnx")
    new = hashlib.sha256((folder / "encoder.onnx").read_bytes()).hexdigest()
    (folder / MANIFEST).write_text(text.replace(old, new))


def empty_the_manifest(folder):
    (folder / MANIFEST).write_text("")


def make_it_older(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("format = 2", "format = 1", 1))


def leave_out_the_table(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("[constants.codebooks]", "[spare.codebooks]", 1))


BAD = [
    (flip_a_byte, "SHA-256"), (remove_a_graph, "missing"), (name_another_shape, "inputs are"),
    (put_another_graph_in_its_place, "nothing fills its input 'hop'"), (empty_the_manifest, "format"),
    (make_it_older, "format is 1, this program plays 2"), (leave_out_the_table, "constant 'codebooks' is not in"),
]  # fmt: skip


def antiphon(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "antiphon", *map(str, arguments)], capture_output=True, text=True, timeout=120,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
    )  # fmt: skip


@pytest.fixture
def bundle(tmp_path):
    return Path(shutil.copytree(available_bundles()["hum"], tmp_path / "hum"))


@pytest.mark.parametrize("spoil, said", BAD)
def test_play_says_what_is_wrong_and_leaves_nothing(bundle, spoil, said):
    spoil(bundle)
    segments = set(Path("/dev/shm").glob("antiphon-*")) if Path("/dev/shm").is_dir() else set()
    run = antiphon("play", "--driver", "dummy", "--bundle", bundle, "--seconds", "2", "--osc", "off")
    assert run.returncode == 2, run.stdout + run.stderr
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("antiphon: ")]
    assert said in line and "Traceback" not in run.stderr + run.stdout
    if segments or Path("/dev/shm").is_dir():
        mine = {path for path in set(Path("/dev/shm").glob("antiphon-*")) - segments if not _somebody_elses(path)}
        assert not mine


def _somebody_elses(path):
    """Whether another test's engine is playing beside this one: a segment is named after its engine's process."""
    return Path(f"/proc/{path.name.split('-')[1]}").exists()


@pytest.mark.parametrize("spoil, said", BAD)
def test_check_and_render_say_the_same(bundle, tmp_path, spoil, said):
    spoil(bundle)
    checked = antiphon("bundle", "check", bundle)
    assert checked.returncode == 1 and said in checked.stdout
    out = tmp_path / "out.wav"
    soundfile.write(tmp_path / "in.wav", hummed_phrase(48_000), 48_000)
    rendered = antiphon("render", tmp_path / "in.wav", "-o", out, "--bundle", bundle)
    assert rendered.returncode == 2 and said in rendered.stderr and not out.exists()


def test_without_a_runtime_one_line_names_both_extras(tmp_path):
    """Neither onnxruntime nor onnxruntime-gpu: the line says which extra to install."""
    blind = tmp_path / "onnxruntime.py"
    blind.write_text("raise ImportError('not here')\n")
    run = subprocess.run(
        [sys.executable, "-m", "antiphon", "play", "--driver", "dummy", "--seconds", "1", "--osc", "off"],
        capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "engine")])},
    )  # fmt: skip
    assert run.returncode == 2 and "Traceback" not in run.stderr
    assert "antiphon[cpu]" in run.stderr and "antiphon[gpu]" in run.stderr
