"""Antiphon: a live instrument that listens to a performer and carries the music on."""

__version__ = "0.1.0"


def patches():
    """Give the path of the folder of bundles, presets and clients: inside an installed package, or beside engine/ in a checkout."""
    from pathlib import Path  # here, because until __main__ has begun Ctrl-C is a traceback

    inside = Path(__file__).resolve().parent / "patches"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "patches"
