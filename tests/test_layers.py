"""Who may import whom, held over the package's source: the law of imports, and proof that a breach of it is found.

So the web page can be deleted without touching sound, the model swapped without touching control, and the run-time
install has no torch. Imports inside functions count as much as those at the top; only `train` must be imported that way.
"""

import ast
from pathlib import Path

import pytest

import antiphon

PACKAGE = Path(antiphon.__file__).resolve().parent

# layer: (its modules and folders, the layers it may import besides itself)
BASE = {"roots"}
BELOW = {"roots", "params", "kernels"}
SOUND = BELOW | {"audio", "model", "provenance", "perform", "take", "files"}
LAYERS = {
    "roots": ({"units", "errors", "events", "home"}, set()),
    "params": ({"params"}, BASE),
    "files": ({"audiofile"}, BASE),
    "kernels": ({"kernels", "_kernels", "layout", "stats", "clock", "latency", "block", "tape", "journal", "trace"}, BASE | {"params"}),
    "audio": ({"audio"}, BELOW),
    "model": ({"model"}, BELOW),
    "provenance": ({"provenance"}, BELOW | {"files"}),
    "perform": ({"perform"}, BASE | {"params"}),
    "take": ({"take"}, BELOW | {"provenance", "files"}),
    "chain": ({"answers", "beats", "chain", "cupboard", "diary", "frozen", "line", "marking", "playback", "wishes"}, SOUND),
    "engine": ({"engine", "config", "drivers", "history", "later", "status", "steering", "workers", "worker_main", "proof", "recorder",
                "render", "replay", "takes"},
               SOUND | {"chain"}),
    "control": ({"control"}, BASE | {"params"}),
    # The engine too: a bundle is judged by what the instrument renders with it, not by a second renderer.
    "train": ({"train"}, SOUND | {"chain", "engine"}),
    # What is measured is the instrument as it is played: through the surfaces, too.
    "suite": ({"suite"}, SOUND | {"chain", "engine", "control"}),
    "cli": ({"arguments", "cli", "commands", "console", "live", "view", "verbs", "doctor", "__main__"}, SOUND | {"chain", "engine", "control", "train", "suite"}),
}
# Packages of others that belong to one layer: what would make an install or a start heavier, or tie layers to a device.
OUTSIDE = {"torch": {"train"}, "onnx": {"train"}, "scipy": {"train"}, "numba": {"train", "provenance"}, "c2pa": {"provenance"}, "cryptography": {"provenance"}, "sounddevice": {"audio"},
           "onnxruntime": {"model", "cli", "train", "suite"}, "mido": {"control", "train"}, "aiohttp": {"control"},
           "zeroconf": {"control"}, "rtmidi": {"control"}, "_cffi_backend": {"kernels"},
           "cffi": {"kernels"}}


def layer_of(module):
    """The layer a dotted path inside the package belongs to; None for one that has no place in the table."""
    first = module.split(".")[0]
    return next((name for name, (members, _) in LAYERS.items() if first in members), None)


def imports(tree, module):
    """(line, dotted path inside the package or '', package of others or '', inside a function) of every import."""
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inside = {id(n) for f in functions for n in ast.walk(f)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            names = [".".join(filter(None, [*base, node.module or "", "" if node.module else a.name])) for a in node.names]
            if not node.level:
                names = [f"{node.module}.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        for name in names:
            ours = bool(getattr(node, "level", 0)) or name.split(".")[0] == "antiphon"
            path = name.removeprefix("antiphon.") if ours else ""
            yield node.lineno, path, "" if ours else name.split(".")[0], id(node) in inside


def breaches(folder):
    """One line for every import the table does not allow, and for every module it has no place for."""
    found = []
    for file in sorted(folder.rglob("*.py")):
        module = ".".join(file.relative_to(folder).with_suffix("").parts)
        where, own = file.relative_to(folder).as_posix(), layer_of(module)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if module == "__init__":
            found += [f"{where}:{line}: the package itself imports {path or other}"
                      for line, path, other, _ in imports(tree, module) if path or other not in ("pathlib", "__future__")]
            continue
        if own is None:
            found.append(f"{where}: has no layer; give it one in tests/test_layers.py")
            continue
        for line, path, other, lazy in imports(tree, module):
            to = layer_of(path) if path else None
            if to and to != own and to not in LAYERS[own][1]:
                found.append(f"{where}:{line}: {own} imports {path} of {to}")
            if to == "train" and own != "train" and not lazy:
                found.append(f"{where}:{line}: train must be imported inside a function")
            if own not in OUTSIDE.get(other, {own}):
                found.append(f"{where}:{line}: {own} imports {other}")
    return found


def test_the_table_is_a_direction():
    """No two layers may import each other, not even by way of others."""
    reach = {name: set(allowed) for name, (_, allowed) in LAYERS.items()}
    for _ in LAYERS:
        reach = {name: seen | {deep for near in seen for deep in reach[near]} for name, seen in reach.items()}
    assert [name for name, seen in reach.items() if name in seen] == []


def test_every_import_goes_the_right_way():
    assert breaches(PACKAGE) == []


@pytest.mark.parametrize("where, line, expected", [
    ("control/osc.py", "from ..engine import Engine", "control imports engine of engine"),
    ("model/lm.py", "from ..audio import driver", "model imports audio of audio"),
    ("perform/x.py", "def f():\n    from ..model.graph import StepGraph", "perform imports model.graph of model"),
    ("audio/y.py", "import antiphon.cli", "audio imports cli of cli"),
    ("audio/y.py", "from antiphon import engine", "audio imports engine of engine"),
    ("kernels.py", "from .model import worker", "kernels imports model of model"),
    ("cli.py", "from .train import codec", "train must be imported inside a function"),
    ("engine.py", "import torch", "engine imports torch"),
    ("units.py", "from . import errors, params", "roots imports params of params"),
    ("oddity.py", "", "has no layer"),
    ("__init__.py", "from . import engine", "the package itself imports engine"),
])
def test_a_planted_breach_is_found(tmp_path, where, line, expected):
    """One wrong import in an otherwise empty package is reported with its file."""
    file = tmp_path / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(line + "\n")
    found = breaches(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(where)
    assert expected in found[0]


def test_a_clean_package_has_no_breach(tmp_path):
    """The finder finds nothing where there is nothing, relative imports within a folder and lazy training included."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/a.py").write_text("import numpy\nfrom . import b\nfrom .b import c\nfrom ..errors import AntiphonError\n")
    (tmp_path / "cli.py").write_text("from . import __version__\ndef f():\n    from .train import codec\n")
    assert breaches(tmp_path) == []
