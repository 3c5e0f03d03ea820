"""The latency suite: what a benchmark file writes with, and what is done with what it wrote.

A benchmark is one file in bench/; it makes a `Run`, measures, and tells figures as JSON lines. `runner` runs the files one
after the other and keeps the lines in a receipt; `compare`, `page` and `table` read receipts. Nothing here is part of playing.
"""

import importlib

_FROM = {"Goal": "figures", "Run": "run", "main": "run"}
__all__ = ["Goal", "Run", "main"]


def __getattr__(name: str):
    # Not imported above: the catalogue is read with every command line, and numpy is not needed for that.
    if name in _FROM:
        return getattr(importlib.import_module(f".{_FROM[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
