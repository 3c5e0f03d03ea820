"""Where a player's own things are: presets, keys, registers, in their configuration, as the platform has it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def home() -> Path:
    """Give the folder. It need not exist."""
    if sys.platform == "win32":
        base = os.environ.get("APPDATA", "")
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base) and not base.startswith("~"):  # as XDG wants it: a relative path is none
        base = "~/.config"
    return Path(os.path.expanduser(base)) / "antiphon"
