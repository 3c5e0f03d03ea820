"""The same bundle with other networks in it: in fp32, before pruning, on more threads, on a GPU."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from antiphon.errors import BundleError
from antiphon.model.bundle import Bundle
from antiphon.model.graph import CPU, StepGraph, load_runtime
from precision import INSTALL, as_fp32

CUDA = "CUDAExecutionProvider"
GRAPHS = ("tokenizer", "notes", "encoder", "memory", "tokens", "decoder")
NEEDS_TORCH = "the networks before pruning are made with torch: pip install 'antiphon[train]'"
NEEDS_ONNX = f"graphs are rewritten with the package onnx: {INSTALL}"


class Missing(Exception):
    """A variant that cannot be had here; str() says why, and what to do."""


@dataclass(frozen=True)
class Variant:
    """Stands in for a `Bundle` where a chain is made of it: `data` are graphs instead of the bundle's, by name."""

    name: str
    bundle: Bundle
    data: dict[str, bytes] = field(default_factory=dict, repr=False)
    provider: str = CPU
    threads: int = 1
    elsewhere: tuple[str, ...] = ()
    """Graphs that the provider cannot run, and that the CPU runs for it."""
    device: str = ""
    """The provider's, by name, where it is not the CPU."""

    def graph(self, name: str) -> StepGraph:
        provider = CPU if name in self.elsewhere else self.provider
        return StepGraph(self.bundle.path(name), provider, self.data.get(name), self.threads)

    def voices(self) -> list:
        return self.bundle.voices()

    def constant(self, name: str) -> Path | None:
        return self.bundle.constant(name)

    @property
    def bytes(self) -> int:
        """Of all its graphs."""
        return sum(len(self.data[name]) if name in self.data else self.bundle.path(name).stat().st_size for name in GRAPHS)

    @property
    def settings(self) -> dict:
        """What a receipt says of it."""
        provider = self.provider.removesuffix("ExecutionProvider")
        told = {"variant": self.name, "provider": provider, "threads": self.threads, "bytes": self.bytes}
        told |= {"device": self.device} if self.device else {}
        return told | ({"on the CPU all the same": list(self.elsewhere)} if self.elsewhere else {})


def fp32(bundle: Bundle) -> dict[str, bytes]:
    """All graphs of a bundle in fp32. Raises Missing without onnx."""
    try:
        return {name: as_fp32(bundle.path(name)) for name in GRAPHS}
    except ImportError:
        raise Missing(NEEDS_ONNX) from None
    except ValueError as error:
        raise Missing(f"{error}; this bundle was exported by another version") from None


def unpruned(bundle: Bundle, folder: Path) -> dict[str, bytes]:
    """The networks as they were before pruning, fp32: the recipe's sizes, drawn by its exporters, with random weights.

    The tokenizer is not pruned: it is the bundle's in fp32. Raises Missing without torch, or onnx.
    """
    graphs = fp32(bundle)
    try:
        import torch

        from antiphon.train import export_acoustic, export_codec, export_notes, network
        from antiphon.train.acoustic import AcousticNet
        from antiphon.train.notes import NoteNet
    except ImportError as error:
        raise Missing(f"{NEEDS_TORCH} ({error})") from None
    torch.manual_seed(1)
    torch.set_num_threads(1)
    with torch.no_grad():
        codec, levels = network.Codec(), bundle.manifest["graphs"]["tokens"]["inputs"]["tail"][0] - 2
        full = {
            "notes": export_notes.export(NoteNet(), folder / "notes.onnx"),
            "encoder": export_codec.export_encoder(codec, folder / "encoder.onnx"),
            "decoder": export_codec.export_decoder(codec, folder / "decoder.onnx"),
        }
        acoustic = AcousticNet(codec.quantiser.codebooks[:levels])
        full["memory"] = export_acoustic.export_memory(acoustic, folder / "memory.onnx")
        full["tokens"] = export_acoustic.export_tokens(acoustic, folder / "tokens.onnx")
    return graphs | {name: path.read_bytes() for name, path in full.items()}


def of_teacher(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of another bundle, to be played in this one's place."""
    return {name: bundle.path(name).read_bytes() for name in GRAPHS}


def on_cuda(name: str, bundle: Bundle, data: dict[str, bytes]) -> Variant:
    """The graphs in `data` on an NVIDIA GPU; what it cannot run stays on the CPU. Raises Missing where no graph runs there.

    In fp32: the shipped product, DynamicQuantizeMatMul, is one that ONNX Runtime has for the CPU alone, and would run there.
    """
    runtime = load_runtime()
    if CUDA not in runtime.get_available_providers():
        raise Missing(f"ONNX Runtime {runtime.__version__} has no {CUDA}; on a machine with an NVIDIA driver: pip uninstall "
                      "onnxruntime, then pip install 'antiphon[gpu]'")  # fmt: skip
    failed = {}
    for graph in GRAPHS:
        try:
            StepGraph(bundle.path(graph), CUDA, data[graph]).try_once()
        except BundleError as error:
            failed[graph] = str(error)
    if len(failed) == len(GRAPHS):
        raise Missing(failed[GRAPHS[0]])
    return Variant(name, bundle, data, CUDA, elsewhere=tuple(failed), device=_card())


def _card() -> str:
    """The name of the first GPU and its driver's version, as the driver says; empty where it says nothing."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader", "--id=0"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
