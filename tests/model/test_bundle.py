"""A bundle is played only if every byte and shape is what its manifest says."""
import hashlib

import pytest

from antiphon.errors import BundleError
from antiphon.model.bundle import Bundle
from test_graph import accumulator


def write_bundle(folder, **changes):
    folder.mkdir()
    graph = accumulator(folder / "a.onnx")
    entry = {
        "file": "a.onnx", "sha256": hashlib.sha256(graph.read_bytes()).hexdigest(),
        "x": "[4]", "y": "[4]", "samplerate": 48000, "hop": 960, "format": 1, **changes,
    }
    (folder / "bundle.toml").write_text(
        f'format = {entry["format"]}\nname = "t"\nsamplerate = {entry["samplerate"]}\nhop_frames = {entry["hop"]}\n'
        f'[graphs.a]\nfile = "{entry["file"]}"\nsha256 = "{entry["sha256"]}"\n'
        f'[graphs.a.inputs]\nx = {entry["x"]}\n[graphs.a.outputs]\ny = {entry["y"]}\n'
    )
    return folder


def test_a_sound_bundle_has_no_problems(tmp_path):
    bundle = Bundle.open(write_bundle(tmp_path / "t"))
    assert bundle.check() == []
    bundle.require_sound()


@pytest.mark.parametrize("changes, said", [
    ({"sha256": "0" * 64}, "SHA-256"),
    ({"file": "b.onnx"}, "missing"),
    ({"x": "[5]"}, "inputs are"),
    ({"y": "[4, 1]"}, "outputs are"),
    ({"file": "../t/a.onnx"}, "plain name"),
    ({"file": "/etc/passwd"}, "plain name"),
])
def test_what_is_wrong_is_named(tmp_path, changes, said):
    """Wrong hash, missing graph, wrong shape, a path out of the folder: one line each, and `require_sound` raises."""
    bundle = Bundle.open(write_bundle(tmp_path / "t", **changes))
    (problem,) = bundle.check()
    assert said in problem and "\n" not in problem
    with pytest.raises(BundleError, match="install it again"):
        bundle.require_sound()


@pytest.mark.parametrize("changes, said", [
    ({"samplerate": 24000}, "samplerate is 24000, expected 48000"),
    ({"hop": 480}, "hop_frames is 480"),
    ({"format": 99}, "format is 99"),
])
def test_a_bundle_for_another_instrument_is_refused(tmp_path, changes, said):
    with pytest.raises(BundleError, match=said):
        Bundle.open(write_bundle(tmp_path / "t", **changes))


def test_one_flipped_byte_is_found(tmp_path):
    folder = write_bundle(tmp_path / "t")
    data = bytearray((folder / "a.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "a.onnx").write_bytes(data)
    assert "SHA-256" in Bundle.open(folder).check()[0]


def test_unknown_name_lists_what_there_is(tmp_path):
    with pytest.raises(BundleError, match="no bundle 'hmu'"):
        Bundle.open("hmu")


def test_broken_manifest_is_one_line(tmp_path):
    folder = write_bundle(tmp_path / "t")
    (folder / "bundle.toml").write_text("this is = not = toml")
    with pytest.raises(BundleError) as caught:
        Bundle.open(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rest", [
    "graphs = 3", "graphs = {}", "graphs = {a = 3}", "graphs = {a = {}}\nconstants = 3", "graphs = {a = {}}\nconstants = {b = [1]}",
])
def test_a_manifest_of_another_shape_is_refused(tmp_path, rest):
    """Tables that are no tables get one line, from `open` already: nothing after it has to look again."""
    (tmp_path / "bundle.toml").write_text(f"format = 1\nsamplerate = 48000\nhop_frames = 960\n{rest}\n")
    with pytest.raises(BundleError, match="export the bundle again"):
        Bundle.open(tmp_path)


def test_a_file_name_with_a_control_character_is_not_opened(tmp_path):
    assert "plain name" in Bundle.open(write_bundle(tmp_path / "t", file="a\\u0000b")).check()[0]


@pytest.mark.parametrize("spoil, said", [
    (lambda file: file.write_bytes(b"another"), "constant 'table': SHA-256"),
    (lambda file: file.unlink(), "constant 'table': file 'table.npy' is missing"),
])
def test_constants_are_checked_like_graphs(tmp_path, spoil, said):
    """A table beside the graphs is sound with the manifest's hash, and named with another or none."""
    folder = write_bundle(tmp_path / "t")
    table = folder / "table.npy"
    table.write_bytes(b"numbers")
    with open(folder / "bundle.toml", "a") as manifest:
        manifest.write(f'[constants.table]\nfile = "table.npy"\nsha256 = "{hashlib.sha256(b"numbers").hexdigest()}"\n')
    assert Bundle.open(folder).check() == []
    spoil(table)
    (problem,) = Bundle.open(folder).check()
    assert said in problem
