"""Where the streaming tests find the model's graphs."""

from pathlib import Path

import pytest

from antiphon.errors import BundleError
from antiphon.model.bundle import Bundle

_FRESH = Path(__file__).parents[2] / ".work" / "export"  # what a trainer has just exported, before it is a bundle


def graph_or_skip(name: str) -> Path:
    """Return a graph of bundle `hum`, else of a fresh export; skip the test, saying so, where neither is."""
    try:
        return Bundle.open("hum").path(name)
    except BundleError:
        if (_FRESH / f"{name}.onnx").is_file():
            return _FRESH / f"{name}.onnx"
        pytest.skip(f"there is no bundle 'hum' with a graph {name!r} yet")
