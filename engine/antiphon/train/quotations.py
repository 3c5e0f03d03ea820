"""Write down the melodies that a note model is trained on, for the guard: what an answer must not quote, and is attributed to.

    python -m antiphon.train.quotations --data DATA --out .work/export
    python -m antiphon.train.quotations --data DATA --bundle patches/bundles/hum

The second puts them into a bundle that there is, in place. Only lines that are trained on are in it (`melodies.split`), each with
its title and writer, or where it has none with its collection and its number there, its source with licence, and the number of
its tune family: variants of a tune are one.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import tomli_w

from ..model.bundle import CARD, MANIFEST, QUOTES, Bundle
from ..provenance.quotes import Melody, Quotes, Work
from . import melodies
from .export import constant_entry

STAGE = {"name": "quotations", "phase": "export", "run": ["quotations --data DATA --out WORK/export"]}


def trained(folder: Path) -> Quotes:
    """Lay out every line of ``*.jsonl.gz`` in a folder that `notes` trains on."""
    works, found = [], []
    for path in sorted(Path(folder).glob("*.jsonl.gz")):
        numbers = collections.Counter()
        with gzip.open(path, "rt", encoding="utf-8") as rows:
            for record in map(json.loads, rows):
                source, _, licence = str(record.get("source") or "").rpartition(", ")
                numbers[source] += 1
                line = melodies.lay([(record["notes"], int(record["fifths"] or 0))])
                if len(line):
                    collection = source.rpartition("/")[2] or path.name.partition(".")[0]
                    title = _title(record) or f"{collection} {numbers[source]}"
                    works.append((title, str(record.get("composer") or "").strip(), source, licence))
                    found.append((record["notes"], int(record["fifths"] or 0)))
    lines = melodies.lay(found)
    families = melodies.tune_families(lines)
    kept = np.flatnonzero(~melodies.held_out(lines, families))
    families = np.unique(families, return_inverse=True)[1]
    spans = [slice(lines.first[i], lines.first[i + 1]) for i in kept]
    named = [Work(*works[i], family=int(families[i]), key=key) for key, i in enumerate(kept)]
    return Quotes.of_melodies(Melody(work, lines.pitch[span], lines.wait[span]) for work, span in zip(named, spans, strict=True))


def _title(record: dict) -> str:
    """What a line is called; of a song in a collection, the song too, which only the folder of its file says."""
    title = str(record.get("title") or "").strip()
    song = Path(str(record.get("file") or "")).parent.name.replace("_", " ").strip()
    return title if not song or song.lower() in title.lower() else title and f"{title}: {song}"


def write(data: Path, folder: Path) -> tuple[Path, dict]:
    """Write the constant into a folder; return its path, and its figures as a manifest has them."""
    quotes = trained(data / "melodies")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{QUOTES}.npy"
    np.save(path, quotes.pack())
    families = len(np.unique(quotes.families))
    return path, {"works": len(quotes.works), "families": families, "notes": len(quotes.waits), "bytes": path.stat().st_size}


def put_into(bundle: Bundle, data: Path) -> None:
    """Put the melodies into a bundle, in place; manifest and card say so, all else stays."""
    manifest = json.loads(json.dumps(bundle.manifest))
    before = manifest["constants"].get(QUOTES, {}).get("bytes", 0)
    path, figures = write(data, bundle.folder)
    manifest["constants"][QUOTES] = constant_entry(path)
    manifest["figures"][STAGE["name"]] = figures
    manifest["bytes"] += manifest["constants"][QUOTES]["bytes"] - before
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
    parser = argparse.ArgumentParser(prog="antiphon.train.quotations", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with melodies/")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="folder of exported graphs, beside which they go")
    where.add_argument("--bundle", type=Path, help="folder of a bundle, into which they go")
    options = parser.parse_args(arguments)
    if options.bundle:
        put_into(Bundle.open(options.bundle), options.data)
        return 0
    path, figures = write(options.data, options.out)
    (options.out / f"{STAGE['name']}.json").write_text(json.dumps(figures))
    print(f"{path}: {figures['works']} works, {figures['notes']} notes, {figures['bytes'] / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
