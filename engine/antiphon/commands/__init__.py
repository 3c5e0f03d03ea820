"""Commands with options of their own, one a file: each has HELP and DESCRIPTION, `add_options(parser)` and `run(options)`, its exit code.

Imported whenever a command line is read: what is heavy is imported in `run`.
"""

from __future__ import annotations

import importlib
from types import ModuleType

NAMES: tuple[str, ...] = ("verify", "take", "replay", "guard", "credentials", "keys", "usage", "report", "bench")


def load(name: str) -> ModuleType:
    """Import one of NAMES."""
    return importlib.import_module(f".{name}", __name__)
