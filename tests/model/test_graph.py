"""A step graph runs without copies and its State is a value."""
import numpy as np
import pytest

from antiphon.errors import BundleError
from antiphon.model.graph import StepGraph

onnx = pytest.importorskip("onnx", reason="pip install 'antiphon[dev]'")
from onnx import TensorProto, helper  # noqa: E402


def accumulator(path, state_out="s_sum_next", size=4):
    """Write a graph: y = x + s_sum, s_sum_next = y."""
    def value(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [size])

    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "s_sum"], ["y"]), helper.make_node("Identity", ["y"], [state_out])],
        "accumulator", [value("x"), value("s_sum")], [value("y"), value(state_out)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.save(model, path)
    return path


def test_state_is_carried_saved_and_reset(tmp_path):
    """Three runs of an accumulator count 1, 2, 3; a saved State continues from where it was taken."""
    step = StepGraph(accumulator(tmp_path / "a.onnx"))
    step.inputs["x"][:] = 1
    for expected in (1, 2, 3):
        step.run()
        assert np.array_equal(step.outputs["y"], np.full(4, expected, np.float32))
    saved = step.state()
    step.run()
    step.set_state(saved)
    step.run()
    assert np.array_equal(step.outputs["y"], np.full(4, 4, np.float32))
    step.reset()
    step.run()
    assert np.array_equal(step.outputs["y"], np.ones(4, np.float32))


def test_a_saved_state_does_not_move(tmp_path):
    """What `state` returns is a copy: later runs leave it alone."""
    step = StepGraph(accumulator(tmp_path / "a.onnx"))
    step.inputs["x"][:] = 1
    step.run()
    saved = step.state()
    step.run()
    step.run()
    assert np.array_equal(saved["sum"], np.ones(4, np.float32))


def test_buffers_stay_where_they_are(tmp_path):
    """Inputs and outputs are the same memory at every run: nothing is allocated per step."""
    step = StepGraph(accumulator(tmp_path / "a.onnx"))
    before = {name: array.ctypes.data for name, array in {**step.inputs, **step.outputs}.items()}
    for _ in range(5):
        step.run()
    assert before == {name: array.ctypes.data for name, array in {**step.inputs, **step.outputs}.items()}


def test_state_without_its_output_is_refused(tmp_path):
    with pytest.raises(BundleError, match="s_sum_next"):
        StepGraph(accumulator(tmp_path / "a.onnx", state_out="elsewhere"))


def test_free_dimension_is_refused(tmp_path):
    with pytest.raises(BundleError, match="fixed shape"):
        StepGraph(accumulator(tmp_path / "a.onnx", size="n"))


def test_garbage_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError) as caught:
        StepGraph(tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(BundleError, match="missing"):
        StepGraph(tmp_path / "a.onnx")
