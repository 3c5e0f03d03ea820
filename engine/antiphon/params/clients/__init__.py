"""Clients for other people's programs, made from the parameter table: patches/generated holds exactly these bytes.

One module a host, each a pure function from the Registry to text. `antiphon params --clients DIR` writes them;
tests/test_generated.py compares. What is written by hand (a class's frame, an example, the README) is in patches/clients.
"""

from __future__ import annotations

from pathlib import Path

from ..spec import Registry
from . import maxmsp, puredata, stagecontrol, supercollider, touchosc


def files(registry: Registry) -> dict[str, bytes]:
    """Give every client file by its path; the same table gives the same bytes (of the .tosc: once it is inflated)."""
    return {
        "pd/antiphon.pd": puredata.abstraction(registry).encode(),
        "pd/antiphon-help.pd": puredata.help_patch(registry).encode(),
        "supercollider/Antiphon/Antiphon.sc": supercollider.class_file(registry).encode(),
        "supercollider/example.scd": supercollider.example(registry).encode(),
        "max/antiphon.maxpat": maxmsp.patcher(registry).encode(),
        "open-stage-control/antiphon.json": stagecontrol.session(registry).encode(),
        "touchosc/antiphon.tosc": touchosc.document(registry),
    }


def write(registry: Registry, folder: Path) -> list[Path]:
    """Write every client file under `folder`, over what is there; give their paths. Raises OSError."""
    written = []
    for name, content in files(registry).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written
