"""The four voices that a bundle comes with: what the instrument keeps of somebody it hears, of recorded notes.

    python -m antiphon.train.stored --graphs .work/export --data DATA --out .work/export
    python -m antiphon.train.stored --bundle patches/bundles/hum --data DATA

The second puts them into a bundle that has none, or others. Plays the notes of each folder of VOICES to a chain that listens, from low to high, and writes its moments: voice_1.npy ..
voice_4.npy, (hops, 38) float16, as `Moments.load` reads them, and voices.json with their sources and licences. They depend on
the encoder, so every bundle needs its own. Deterministic.
"""
from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import tomli_w

from ..chain import Chain
from ..model.bundle import CARD, MANIFEST, VOICE_NAMES, Bundle
from ..model.graph import StepGraph
from ..model.tokens import HOP, MODEL_RATE
from ..params import REGISTRY
from ..perform import Performer
from .export import constant_entry
from .seeds import named_pitch

VOICES = (
    ("tenor", "spectmorph_mirko_ah", 48, 69),
    ("bass flute", "spectmorph_bass_flute", 48, 76),
    ("cello", "spectmorph_cello", 40, 67),
    ("clarinet", "spectmorph_clarinet", 55, 82),
)
"""Name, folder of seeds, lowest and highest note."""
STAGE = {"name": "voices", "phase": "export", "run": ["stored --graphs WORK/export --data DATA --out WORK/export"]}
NOTE_S, GAP_S, HEARD_S, LEVEL, BEGUN = 0.9, 0.12, 20.0, 0.12, 0.1


class _Graphs:
    """A folder of exported graphs, as much of a bundle as a chain needs."""

    def __init__(self, folder: Path):
        self._folder = folder

    def graph(self, name: str) -> StepGraph:
        return StepGraph(self._folder / f"{name}.onnx")

    def voices(self) -> list:
        return []


def notes_of(folder: Path, low: int, high: int) -> list[Path]:
    """The files of a folder whose names end in a MIDI number between `low` and `high`, one a pitch, low to high."""
    found = {}
    for path in sorted(folder.glob("*.flac")):
        pitch = named_pitch(path)
        if pitch is not None and low <= pitch <= high:
            found.setdefault(pitch, path)
    return [found[pitch] for pitch in sorted(found)]


def hops_of(paths: list[Path]) -> np.ndarray:
    """The notes one after the other, as long as the moments reach, (hops, 960) float32, a quiet room before and between."""
    most = int(HEARD_S / (NOTE_S + GAP_S))
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, most).round().astype(int))]
    rng = np.random.default_rng(1)
    pieces = [np.zeros(MODEL_RATE)]
    for path in chosen:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
        assert rate == MODEL_RATE, f"{path}: {rate} Hz"
        note = sound.mean(1)
        begins = max(0, int((np.abs(note) > BEGUN * np.abs(note).max()).argmax()) - 1200)
        note = note[begins : begins + int(NOTE_S * MODEL_RATE)]
        note = note * LEVEL / max(1e-6, float(np.sqrt(np.mean(note**2))))
        note[-2400:] *= np.linspace(1, 0, len(note[-2400:]))
        pieces += [np.clip(note, -1, 1), np.zeros(int(GAP_S * MODEL_RATE))]
    sound = np.concatenate(pieces)
    sound = np.concatenate([sound, np.zeros(-len(sound) % HOP)]) + 1e-5 * rng.standard_normal(len(sound) + -len(sound) % HOP)
    return sound.astype(np.float32).reshape(-1, HOP)


def moments_of(chain: Chain, hops: np.ndarray):
    """Let the chain hear, from nothing; give its moments."""
    chain.reset(1)
    params = np.array(REGISTRY.step_defaults())
    REGISTRY.put(params, "mode", "listen")
    for hop in hops:
        chain.step(hop, params)
    chain.settle()
    return chain.moments()


def put_into(bundle: Bundle, folder: Path) -> None:
    """Put the voices in `folder` into a bundle, in place; manifest and card say so, all else stays."""
    manifest, told = json.loads(json.dumps(bundle.manifest)), json.loads((folder / "voices.json").read_text())
    before = manifest["constants"]
    manifest["constants"] = {name: entry for name, entry in before.items() if name not in VOICE_NAMES}
    for name, about in zip(VOICE_NAMES, told, strict=False):
        shutil.copyfile(folder / f"{name}.npy", bundle.folder / f"{name}.npy")
        manifest["constants"][name] = {**constant_entry(bundle.folder / f"{name}.npy"), **about}
    added = sum(entry["bytes"] for entry in manifest["constants"].values()) - sum(entry["bytes"] for entry in before.values())
    manifest["bytes"] += added
    if not any(stage["name"] == STAGE["name"] for stage in manifest["stages"]):
        manifest["stages"].insert(-1, STAGE)
    old = bundle.digest()
    (bundle.folder / MANIFEST).write_bytes(tomli_w.dumps(manifest).encode())
    fresh = Bundle.open(bundle.folder)
    fresh.require_sound()
    card = bundle.folder / CARD
    if card.is_file():
        text = card.read_text(encoding="utf-8").replace(old, fresh.digest())
        card.write_text(text.replace(f"{bundle.manifest['bytes']:,} bytes.", f"{manifest['bytes']:,} bytes."), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon.train.stored", description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--graphs", type=Path, help="folder of exported step graphs")
    where.add_argument("--bundle", type=Path, help="folder of a bundle, into which the voices go")
    parser.add_argument("--data", type=Path, required=True, help="folder with seeds/")
    parser.add_argument("--out", type=Path, help="folder for the voices, with --graphs")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or Path(scratch)
        write(Chain(_Graphs(options.graphs or options.bundle), Performer()), options.data, folder)
        if options.bundle:
            put_into(Bundle.open(options.bundle), folder)
    return 0


def write(chain: Chain, data: Path, out: Path) -> None:
    """Let the chain hear every voice, and write what it keeps of each."""
    with open(data / "seeds" / "manifest.tsv", newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}
    told = []
    for place, (name, folder, low, high) in enumerate(VOICES, 1):
        paths = notes_of(data / "seeds" / folder, low, high)
        moments = moments_of(chain, hops_of(paths))
        moments.save(out / f"voice_{place}.npy")
        of = [rows[f"{folder}/{path.name}"] for path in paths]
        told.append({"name": name, "hops": moments.hops, "notes": len(paths), "source": of[0]["source_repo"],
                     "commit": of[0]["commit"], "licence": of[0]["licence"]})  # fmt: skip
        print(f"voice {place}, {name}: {moments.hops} hops of {len(paths)} notes, {of[0]['licence']}")
    (out / "voices.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
