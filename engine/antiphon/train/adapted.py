"""Put an adapted bundle together: the step graphs that got better, all else byte for byte from the bundle it came from.

Its manifest says so in [adapted]: from which bundle, whose sound and by what consent, every file with its hash, what each
stage was before and is now, and what that cost.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import tomli_w

from ..errors import UsageError
from ..model.bundle import MANIFEST, Bundle
from .consent import Consent
from .export import constant_entry, graph_entry
from .material import Source

GRAPHS = {"decoder": ("decoder",), "acoustic": ("memory", "tokens"), "notes": ("notes",)}
"""Step graphs of each lesson."""
_FIGURES = {"decoder": "codec"}  # the stage of the recipe that a lesson goes on from, where it has another name
_KEPT_FIGURES = ("what", "before", "after", "held_s", "held_notes", "steps", "minutes", "stopped_early")


def assemble(bundle: Bundle, work: Path, folder: Path, consent: Consent, command: str, stages: list[dict], cost: dict) -> list[str]:
    """Write the bundle to `folder` and return the lessons whose graphs are new; where none got better, none, and no folder.

    Raises BundleError where what was exported is not sound, UsageError where it can't be written.
    """
    material = json.loads((work / "material.json").read_text())
    learned = {stage["name"]: json.loads((work / f"{stage['name']}.json").read_text()) for stage in stages}
    better = [name for name, figures in learned.items() if figures["better"]]
    if not better:
        return []
    new = {graph for name in better for graph in GRAPHS[name]}
    part = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        manifest = json.loads(json.dumps(bundle.manifest))
        for name, entry in manifest["graphs"].items():
            shutil.copyfile(work / "export" / f"{name}.onnx" if name in new else bundle.path(name), part / entry["file"])
        for entry in manifest.get("constants", {}).values():
            shutil.copyfile(bundle.folder / entry["file"], part / entry["file"])
        manifest["graphs"] = {name: graph_entry(part / entry["file"]) for name, entry in manifest["graphs"].items()}
        tables = manifest.get("constants", {})
        manifest["constants"] = {name: {**entry, **constant_entry(part / entry["file"])} for name, entry in tables.items()}
        manifest |= {
            "name": folder.name,
            "about": f"{manifest.get('about', '')} Adapted by its user to {consent.performer}.".strip(),
            "licence": f"{manifest.get('licence', 'not said')}; adapted to sound under: {consent.licence}",
            "bytes": sum(path.stat().st_size for path in part.iterdir()),
            "data": [*manifest.get("data", []), *_data(material, consent)],
            "adapted": _adapted(bundle, material, consent, command, stages, learned, cost),
        }
        for name in better:
            manifest.setdefault("figures", {})[_FIGURES.get(name, name)] = learned[name]
        (part / MANIFEST).write_bytes(tomli_w.dumps(manifest).encode())
        Bundle.open(part).require_sound()
        _move(part, folder)
    except OSError as error:
        raise UsageError(f"{folder}: can't be written ({error.strerror}); choose another place with --out") from None
    return better


def _move(part: Path, folder: Path) -> None:
    """Put a whole folder in its place. Of an older bundle there, what has the same name is replaced, the manifest last."""
    if not folder.exists():
        part.rename(folder)
        return
    for path in sorted(part.iterdir(), key=lambda path: path.name == MANIFEST):
        os.replace(path, folder / path.name)
    part.rmdir()


def _data(material: dict, consent: Consent) -> list[dict]:
    """Entries for what was learned from, as `export` makes them for a recipe's data."""
    entries, sources = [], [Source(**source) for source in material["sources"]]
    sounds, sheets = [s for s in sources if s.seconds], [s for s in sources if not s.seconds]
    minutes, notes = round(sum(s.seconds for s in sounds) / 60, 2), sum(s.notes for s in sheets)
    kinds = ("recordings", "recordings", sounds, {"minutes": minutes}), ("melodies", "sheets", sheets, {"notes": notes})
    for kind, word, files, amount in kinds:
        if files:
            source = f"{word} of {consent.performer}"
            entries.append({"kind": kind, "source": source, "licence": consent.licence, "files": len(files), **amount,
                            "sha256": material["sha256"]})  # fmt: skip
    return entries


def _adapted(bundle: Bundle, material: dict, consent: Consent, command: str, stages: list[dict], learned: dict, cost: dict) -> dict:
    told = {
        "from": bundle.name, "from_sha256": bundle.digest(), "command": command, **asdict(consent),
        "minutes_heard": round(sum(source["seconds"] for source in material["sources"]) / 60, 2),
        "minutes_of_one_line": round(sum(source["line_s"] for source in material["sources"]) / 60, 2),
        "sides": material["sides"],
        "files": [{name: value for name, value in source.items() if value} for source in material["sources"]],
        "stages": [_stage(stage, learned[stage["name"]]) for stage in stages],
        "cost": cost,
    }  # fmt: skip
    before = bundle.manifest.get("adapted")
    return told | ({"before": before} if before else {})


def _stage(stage: dict, figures: dict) -> dict:
    return {**stage, "taken": figures["better"], **{name: figures[name] for name in _KEPT_FIGURES if name in figures}}


def is_one(folder: Path) -> bool:
    """Whether a folder is a bundle that was made here, so that another may take its place."""
    try:
        return "adapted" in Bundle.open(folder).manifest
    except Exception:  # whatever it is, it is not ours to replace
        return False
