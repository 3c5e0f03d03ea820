"""A bundle is played only if every byte and shape is what its manifest says, and what the code needs."""

import io
import struct

import numpy as np
import pytest
from small_bundle import CHOSEN, GRAPHS, edges_of, onnx, write_bundle, write_graph, write_manifest

from antiphon.errors import BundleError
from antiphon.model.bundle import MANIFEST, Bundle, available_bundles

SHAPE = (CHOSEN["levels"], 256, 32)


def problem_of(folder):
    """The one line that `check` has for a bundle."""
    (problem,) = Bundle.open(folder).check()
    assert "\n" not in problem
    return problem


def rewrite(folder, before, after):
    text = (folder / MANIFEST).read_text()
    assert before in text
    (folder / MANIFEST).write_text(text.replace(before, after, 1))
    return folder


def test_a_sound_bundle_has_no_problems(tmp_path):
    bundle = Bundle.open(write_bundle(tmp_path / "t"))
    assert bundle.check() == []
    bundle.require_sound()


def test_the_bundle_that_came_with_the_program_is_sound():
    assert Bundle.open(available_bundles()["hum"]).check() == []


@pytest.mark.parametrize("before, after, said", [
    ('file = "encoder.onnx"', 'file = "b.onnx"', "missing"),
    ('file = "encoder.onnx"', 'file = "../t/encoder.onnx"', "plain name"),
    ('file = "encoder.onnx"', 'file = "/etc/passwd"', "plain name"),
    ('file = "encoder.onnx"', 'file = "a\\u0000b"', "plain name"),
    ("features = [1, 315]", "features = [1, 314]", "inputs are"),
    ("latent = [1, 32]", "latent = [32]", "outputs are"),
    ("[graphs.encoder]", "[graphs.spare]", "graph 'encoder' is not in"),
    ('file = "codebooks.npy"', 'file = "table.npy"', "is missing"),
    ("[constants.codebooks]", "[constants.spare]", "constant 'codebooks' is not in"),
])  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, before, after, said):
    """A file or a shape that is not there, a path out of the folder, a part left out: one line each, and `require_sound` raises."""
    folder = rewrite(write_bundle(tmp_path / "t"), before, after)
    if "graphs.spare" in after:
        rewrite(rewrite(folder, "[graphs.encoder.inputs]", "[graphs.spare.inputs]"), "[graphs.encoder.outputs]", "[graphs.spare.outputs]")
    assert said in problem_of(folder)
    with pytest.raises(BundleError, match="install it again"):
        Bundle.open(folder).require_sound()


def test_a_constant_in_another_file_than_the_code_reads_is_refused(tmp_path):
    """Or what was hashed would not be what is played."""
    folder = write_bundle(tmp_path / "t")
    (folder / "other.npy").write_bytes((folder / "codebooks.npy").read_bytes())
    assert "expected 'codebooks.npy'" in problem_of(rewrite(folder, 'file = "codebooks.npy"', 'file = "other.npy"'))


@pytest.mark.parametrize("key, value", [("samplerate", 24000), ("hop_frames", 480), ("format", 1), ("format", 99)])
def test_a_bundle_for_another_instrument_is_refused(tmp_path, key, value):
    """The line names both: what it is, and what is played."""
    mine = {"samplerate": 48000, "hop_frames": 960, "format": 2}[key]
    with pytest.raises(BundleError, match=f"{key} is {value}, this program plays {mine}"):
        Bundle.open(write_bundle(tmp_path / "t", head={key: value}))


@pytest.mark.parametrize("file", [*(f"{graph}.onnx" for graph in GRAPHS), "codebooks.npy"])
def test_one_flipped_byte_is_found(tmp_path, file):
    folder = write_bundle(tmp_path / "t")
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / file).write_bytes(data)
    assert "SHA-256" in problem_of(folder)


EDGES = [(graph, side, name) for graph in GRAPHS for side in (0, 1) for name in edges_of(graph)[side]]


@pytest.mark.parametrize("graph, side, name", EDGES)
def test_every_edge_must_have_the_shape_and_kind_the_code_needs(tmp_path, graph, side, name):
    """One value, one dimension more, another kind of number, another name: each is refused, though hashes and manifest are right."""
    for number, change in enumerate([
        lambda edges: edges.update({name: ([1], edges[name][1])} if edges[name][0] != [1] else {name: ([2], edges[name][1])}),
        lambda edges: edges.update({name: ([*edges[name][0], 1], edges[name][1])}),
        lambda edges: edges.update({name: (edges[name][0], not edges[name][1])}),
        lambda edges: edges.update({"another": edges.pop(name)}),
    ]):  # fmt: skip
        folder = write_bundle(tmp_path / str(number), {graph: lambda *sides, change=change: change(sides[side])})
        problems = Bundle.open(folder).check()
        assert any("expected" in line or "nothing fills" in line for line in problems), problems
        assert not any("\n" in line for line in problems)


def test_sizes_that_a_bundle_chooses_must_agree(tmp_path):
    """The table has all levels of codes that are chosen, and may have finer ones; two graphs share the width of the context."""
    assert "4 to 6 levels" in problem_of(write_bundle(tmp_path / "levels", table=np.zeros((3, 256, 32), np.float32)))
    assert not Bundle.open(write_bundle(tmp_path / "finer", table=np.zeros((5, 256, 32), np.float32))).check()

    def narrow(inputs, outputs):
        outputs["context"] = [1, CHOSEN["context"] - 1], False

    assert "'context' is float32" in problem_of(write_bundle(tmp_path / "context", {"memory": narrow}))


@pytest.mark.parametrize("table", [
    np.zeros((0, 256, 32), np.float32), np.zeros((2, 256, 32), np.float32), np.zeros((7, 256, 32), np.float32),
    np.zeros((4, 255, 32), np.float32), np.zeros(SHAPE), np.zeros(SHAPE, ">f4"), np.full(SHAPE, np.nan, np.float32),
    np.full(SHAPE, 1e38, np.float32),
])  # fmt: skip
def test_a_table_that_codes_cannot_name_is_refused(tmp_path, table):
    assert "codebooks.npy" in Bundle.open(write_bundle(tmp_path / "t", table=table)).check()[0]


@pytest.mark.parametrize("shape", [(10**9, 256, 32), (10**30, 256, 32), (-1, 256, 32)])
def test_a_header_that_promises_more_than_there_is_costs_nothing(tmp_path, shape):
    folder, file = write_bundle(tmp_path / "t"), io.BytesIO()
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100))
    (folder / "codebooks.npy").write_bytes(file.getvalue())
    write_manifest(folder, {graph: edges_of(graph) for graph in GRAPHS})
    assert "can't be read" in problem_of(folder)


def test_what_is_no_file_is_not_read(tmp_path):
    """Reading it would never end."""
    folder = write_bundle(tmp_path / "t")
    (folder / "encoder.onnx").unlink()
    (folder / "encoder.onnx").symlink_to("/dev/zero")
    assert "is missing" in problem_of(folder)


def test_weights_in_another_file_are_refused(tmp_path):
    """No hash covers them."""
    folder = write_bundle(tmp_path / "t")
    graph = onnx.load(folder / "decoder.onnx")
    onnx.save_model(graph, folder / "decoder.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (folder / "w.bin").stat().st_size > 100
    write_manifest(folder, {graph: edges_of(graph) for graph in GRAPHS})
    assert "in another file" in problem_of(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    folder = write_bundle(tmp_path / "t")
    write_graph(folder / "encoder.onnx", *edges_of("encoder"), value)
    write_manifest(folder, {graph: edges_of(graph) for graph in GRAPHS})
    assert "not finite" in problem_of(folder)


def test_unknown_name_lists_what_there_is(tmp_path):
    with pytest.raises(BundleError, match="no bundle 'hmu'"):
        Bundle.open("hmu")


def test_broken_manifest_is_one_line(tmp_path):
    (tmp_path / MANIFEST).write_text("this is = not = toml")
    with pytest.raises(BundleError) as caught:
        Bundle.open(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rest", [
    "graphs = 3", "graphs = {}", "graphs = {a = 3}", "graphs = {a = {}}\nconstants = 3", "graphs = {a = {}}\nconstants = {b = [1]}",
])
def test_a_manifest_of_another_shape_is_refused(tmp_path, rest):
    """Tables that are no tables get one line, from `open` already: nothing after it has to look again."""
    (tmp_path / MANIFEST).write_text(f"format = 2\nsamplerate = 48000\nhop_frames = 960\n{rest}\n")
    with pytest.raises(BundleError, match="export the bundle again"):
        Bundle.open(tmp_path)
