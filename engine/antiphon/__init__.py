"""Antiphon: a live instrument that listens to a performer and carries the music on."""

from pathlib import Path

__version__ = "0.1.0"


def patches() -> Path:
    """Folder of bundles, presets and clients: inside an installed package, or beside engine/ in a checkout."""
    inside = Path(__file__).resolve().parent / "patches"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "patches"
