"""One ONNX step graph with its State, run without a copy.

Convention for graphs: every input called ``s_NAME`` is State and has an output ``s_NAME_next`` of the same shape and type.
All shapes are fixed and all weights inside the file. Every buffer is bound once: State lives in two buffers that swap roles
at each run, so that no step reads what it is writing and nothing is copied or allocated. On a GPU State stays where it is;
inputs are bound anew at each run, for that is when ONNX Runtime copies them, and outputs come back.
"""
from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..errors import BundleError
from .edges import Edges

_NUMPY_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
}
CPU = "CPUExecutionProvider"
_DEVICES = {CPU: "cpu", "CUDAExecutionProvider": "cuda"}
_MOST_VALUES = 1 << 24
_ELSEWHERE = b"location"  # the key under which ONNX names a file of weights; no hash in a manifest covers that file


def load_runtime():
    """Import onnxruntime, or fail with the one line that says what to install (`BundleError`)."""
    try:
        import onnxruntime
    except ImportError as error:
        raise BundleError(
            "ONNX Runtime is not installed; install antiphon[cpu], or antiphon[gpu] on a machine with an NVIDIA driver"
        ) from error
    return onnxruntime


def _session(path: Path, data: bytes, provider: str, threads: int):
    runtime = load_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # A spinning pool would take a core from the audio callback; denormals in decaying State cost a hundredfold.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    if provider not in _DEVICES or provider not in runtime.get_available_providers():
        usable = [name for name in runtime.get_available_providers() if name in _DEVICES]
        raise BundleError(f"ONNX Runtime has no {provider} that can be used here; available: {', '.join(usable)}")
    try:
        session = runtime.InferenceSession(data, options, providers=[provider])
    except Exception as error:  # ONNX Runtime raises a dozen private types for an unreadable graph
        raise BundleError(f"graph {path.name!r} can't be read ({str(error).splitlines()[0]}); re-export the bundle") from error
    if provider not in session.get_providers():  # it says so on standard error and takes another
        raise BundleError(f"ONNX Runtime has {provider} and cannot use it; is there a device, a driver, and the CUDA it needs?")
    return session


class StepGraph:
    """A step graph whose inputs and outputs are numpy arrays bound for life.

    Fill ``inputs[name]`` in place, call `run`, read ``outputs[name]`` in place (valid until the next run). State inputs
    are not in ``inputs``: see `state`, `set_state`, `reset`. One thread at a time; model process only.

    Raises `BundleError` if the file is missing, unreadable, has weights in another file, a free dimension or a State input without
    its output, and where there is no such provider or no device for it.
    """

    def __init__(self, path: str | Path, provider: str = CPU, data: bytes | None = None, threads: int = 1):
        """Open the graph at a path; `data`: what is in that file, where it was read already; `threads` of one node's sums."""
        path = Path(path)
        if data is None:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise BundleError(f"graph {path.name!r} is missing from {path.parent}; re-export the bundle") from error
        if _ELSEWHERE in data:
            raise BundleError(f"graph {path.name!r} keeps weights in another file; re-export the bundle with all in one")
        self.path = path
        self._session = _session(path, data, provider, threads)
        self._device = _DEVICES[provider]
        arguments = {node.name: _allocate(path, node) for node in self._session.get_inputs()}
        results = {node.name: _allocate(path, node) for node in self._session.get_outputs()}
        self.state_names = tuple(sorted(name[2:] for name in arguments if name.startswith("s_")))
        for name in self.state_names:
            now, after = arguments[f"s_{name}"], results.get(f"s_{name}_next")
            if after is None or after.shape != now.shape or after.dtype != now.dtype:
                raise BundleError(f"graph {path.name!r}: State 's_{name}' has no matching 's_{name}_next'; re-export the bundle")
        self._states = [
            {name: arguments.pop(f"s_{name}") for name in self.state_names},
            {name: results.pop(f"s_{name}_next") for name in self.state_names},
        ]
        self.inputs = arguments
        self.outputs = results
        self._away = None if self._device == "cpu" else [self._sent(side) for side in self._states]
        self._bindings = [self._bind(0), self._bind(1)]
        self._side = 0

    @classmethod
    def at(cls, place: StepGraph | str | Path, edges: Edges, sizes: dict[str, int] | None = None) -> StepGraph:
        """Open the graph at a path, or take one that is open, and hold it against `edges`: `BundleError` where it is another."""
        graph = place if isinstance(place, cls) else cls(place)
        edges.require(graph, {} if sizes is None else sizes)
        return graph

    def _sent(self, arrays: dict[str, np.ndarray]) -> dict:
        """The same values on the device, where they stay."""
        send = load_runtime().OrtValue.ortvalue_from_numpy
        return {name: send(array, self._device, 0) for name, array in arrays.items()}

    def _bind(self, side: int):
        binding = self._session.io_binding()
        writes = dict(self.outputs)
        if self._away is None:
            writes |= {f"s_{name}_next": array for name, array in self._states[1 - side].items()}
        else:
            for name, value in self._away[1 - side].items():
                binding.bind_ortvalue_output(f"s_{name}_next", value)
        for name, array in writes.items():
            binding.bind_output(name, "cpu", 0, array.dtype.type, list(array.shape), array.ctypes.data)
        self._bind_reads(binding, side)
        return binding

    def _bind_reads(self, binding, side: int) -> None:
        reads = dict(self.inputs)
        if self._away is None:
            reads |= {f"s_{name}": array for name, array in self._states[side].items()}
        else:
            for name, value in self._away[side].items():
                binding.bind_ortvalue_input(f"s_{name}", value)
        for name, array in reads.items():
            binding.bind_input(name, "cpu", 0, array.dtype.type, list(array.shape), array.ctypes.data)

    def run(self) -> None:
        """Run one step and advance the State."""
        binding = self._bindings[self._side]
        if self._away is not None:
            self._bind_reads(binding, self._side)
            binding.synchronize_inputs()
        self._session.run_with_iobinding(binding)
        if self._away is not None:
            binding.synchronize_outputs()
        self._side = 1 - self._side

    def try_once(self) -> None:
        """Run one step from zeros and forget it. Raises `BundleError` if that fails or gives what is no finite number."""
        try:
            self.run()
        except Exception as error:  # as in `_session`
            raise BundleError(f"graph {self.path.name!r} can't be run ({str(error).splitlines()[0]}); re-export the bundle") from error
        finite = all(np.isfinite(array).all() for array in [*self.outputs.values(), *self.state().values()])
        self.reset()
        if not finite:
            raise BundleError(f"graph {self.path.name!r} gives numbers that are not finite; re-export the bundle")

    def state(self) -> dict[str, np.ndarray]:
        """Return a copy of the State, by name without its ``s_``."""
        if self._away is not None:
            return {name: value.numpy().copy() for name, value in self._away[self._side].items()}
        return {name: array.copy() for name, array in self._states[self._side].items()}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Take a State that `state` returned; names and shapes must match."""
        for name, array in self._states[self._side].items():
            array[...] = state[name]
        self._send_state()

    def reset(self) -> None:
        """Set the State to zeros."""
        for array in self._states[self._side].values():
            array[...] = 0
        self._send_state()

    def _send_state(self) -> None:
        if self._away is not None:
            for name, value in self._away[self._side].items():
                value.update_inplace(self._states[self._side][name])


def _allocate(path: Path, node) -> np.ndarray:
    fixed = node.type in _NUMPY_TYPES and all(isinstance(size, int) and size >= 0 for size in node.shape)
    if not fixed or math.prod(node.shape) > _MOST_VALUES:
        raise BundleError(f"graph {path.name!r}: {node.name!r} is {node.type} {node.shape}, expected a fixed shape; re-export the bundle")
    return np.zeros(node.shape, _NUMPY_TYPES[node.type])
