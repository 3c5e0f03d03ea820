"""The model card of a bundle: what it is for, what it was made of, what it cost, how it was judged, and what it is bad at.

    antiphon train card BUNDLE --figures FOLDER/figures.json [--cost WORK/cost.json] [--recipe RECIPE]

Writes CARD.md into the bundle's folder. Every number comes from a file: the bundle's manifest, the figures that `evaluate` left,
and the record that a recipe's run keeps. Words come from the table [card] of the recipe, which the manifest carries on.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from ..errors import AntiphonError, UsageError
from ..model.bundle import CARD, Bundle
from . import table
from .pipeline import read_recipe

WORDS = {"does": "What it does", "intended": "Intended use", "misuse": "Not for", "bad_at": "What it is bad at"}
"""Lists of the recipe's [card], and what they are headed."""
_UNSAID = "*Nothing was said: the recipe has no such list in its [card].*"
_AMOUNTS = ("files", "minutes", "lines", "notes")
_SETS = {"clips": "recordings", "held": "own held-out set"}


def write(folder: Path, figures: dict | None = None, cost: dict | None = None, words: dict | None = None) -> Path:
    """Write CARD.md of the bundle in a folder and return its path; what is not given is said to be missing.

    `figures`: of `evaluate`. `cost`: of `pipeline`. `words`: the recipe's [card], where not the manifest's is meant. Raises
    BundleError where there is no bundle, UsageError for figures of another one, and where the card can't be written.
    """
    bundle = Bundle.open(folder)
    if figures is not None and figures.get("graphs") != bundle.hashes():
        raise UsageError(f"the figures are of another bundle than {bundle.name!r} in {folder}; evaluate this one again")
    parts = [
        _head(bundle), *_words(bundle.manifest, words, ("does",)), _latency(bundle.manifest),
        *_words(bundle.manifest, words, ("intended", "misuse", "bad_at")), _adapted(bundle.manifest), _data(bundle.manifest),
        _training(bundle.manifest, cost), _stages(bundle.manifest), *_evaluation(figures),
    ]  # fmt: skip
    path = bundle.folder / CARD
    try:
        path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror})") from None
    return path


def _head(bundle: Bundle) -> str:
    manifest = bundle.manifest
    return (
        f"# Model card: {_cell(bundle.name)}\n\n{_cell(manifest.get('about', ''))}\n\n"
        f"Version {_cell(manifest.get('version', '–'))}. Licence: {_cell(manifest.get('licence', 'not said'))}. "
        f"{manifest.get('samplerate', 0) / 1000:g} kHz, {_number(manifest.get('bytes', math.nan))} bytes. "
        f"Manifest SHA-256 `{bundle.digest()}`.\n\nWritten by `antiphon train card`; numbers are from the manifest, from "
        "`antiphon train evaluate` and from the record of the training."
    )


def _words(manifest: dict, words: dict | None, keys: tuple[str, ...]) -> list[str]:
    said, parts = words if words is not None else manifest.get("card", {}), []
    for key in keys:
        lines = said.get(key, [])
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise UsageError(f"[card]: {key} must be a list of lines")
        parts.append(f"## {WORDS[key]}\n\n" + ("\n".join(f"- {_cell(line)}" for line in lines) or _UNSAID))
    return parts


def _latency(manifest: dict) -> str:
    rate = manifest["samplerate"]
    rows = [[name.replace("_", " "), frames, f"{1000 * frames / rate:g}"] for name, frames in manifest.get("latency", {}).items()]
    rows.append(["hop frames", manifest["hop_frames"], f"{1000 * manifest['hop_frames'] / rate:g}"])
    return _table(["delay of its own", "frames", "ms"], rows)


def _adapted(manifest: dict) -> str:
    told = manifest.get("adapted")
    if not isinstance(told, dict):
        return ""
    plain = {name: value for name, value in told.items() if not isinstance(value, dict | list)}
    lines = [f"- {name.replace('_', ' ')}: {_number(value)}" for name, value in plain.items()]
    stages = [[stage.get("name", "–"), *(_number(stage.get(key)) for key in ("what", "before", "after", "taken"))]
              for stage in told.get("stages", []) if isinstance(stage, dict)]  # fmt: skip
    cost = told.get("cost", {})
    spent = f"\n\nIt took {_spent([cost])}." if cost else ""
    return "## Adapted\n\n" + "\n".join(lines) + "\n\n" + _table(["stage", "figure", "before", "after", "taken"], stages) + spent


def _data(manifest: dict) -> str:
    entries = manifest.get("data", [])
    rows = []
    for one in entries:
        amount = ", ".join(f"{_number(one[key])} {key}" for key in _AMOUNTS if key in one)
        rows.append([*(_cell(one.get(key, "")) for key in ("kind", "source", "licence")), amount, _cell(one.get("note", ""))])
    minutes = sum(one.get("minutes", 0.0) for one in entries)
    notes = sum(one.get("notes", 0) for one in entries)
    total = f"In all {_number(minutes)} minutes of recordings and {_number(notes)} notes of melodies. Hashes are in the manifest."
    return "## Data\n\n" + _table(["kind", "source", "licence", "amount", ""], rows) + f"\n\n{total}"


def _training(manifest: dict, cost: dict | None) -> str:
    stages = manifest.get("stages", [])
    parts = ["## Training"]
    for stage in stages:
        note = f"\n\n{_cell(stage['note'])}" if stage.get("note") else ""
        lines = "\n".join(stage.get("run", []))
        phase = f" ({_cell(stage['phase'])})" if "phase" in stage else ""
        parts.append(f"**{_cell(stage.get('name', ''))}**{phase}\n\n```\n{lines}\n```{note}")
    own = [line for stage in stages for line in stage.get("run", [])]
    known = {line: one for line, one in (cost or {}).items() if isinstance(one, dict) and {"core_minutes", "joules"} <= one.keys()}
    rows, missing = [], [line for line in own if line not in known]
    for stage in stages:
        spent = [known[line] for line in stage.get("run", []) if line in known]
        if spent:
            took = (_number(sum(one.get(key, 0.0) for one in spent)) for key in ("minutes", "core_minutes"))
            rows.append([_cell(stage["name"]), *took, _energy(spent)])
    if rows:
        mine = [known[line] for line in own if line in known]
        parts.append(_table(["stage", "minutes", "core-minutes", "energy"], rows))
        parts.append(f"In all {_spent(mine)}.")
        others = [one for line, one in known.items() if line not in own]
        if others:
            parts.append(f"What else was tried in the same folder: {len(others)} lines, {_spent(others)}.")
    if missing:
        parts.append(f"What {len(missing)} of {len(own)} lines cost was not recorded.")
    return "\n\n".join(parts)


def _spent(lines: list[dict]) -> str:
    on = sorted({_cell(one["machine"]) for one in lines if one.get("machine")}) or ["what was not recorded"]
    return f"{_number(sum(one['core_minutes'] for one in lines))} core-minutes, {_energy(lines)}, on {'; '.join(on)}"


def _energy(lines: list[dict]) -> str:
    ways: dict[str, float] = {}
    for one in lines:
        way = _cell(one.get("energy", "not said how"))
        ways[way] = ways.get(way, 0.0) + one["joules"]
    return " and ".join(f"{joules / 3.6e6:.3g} kWh ({way})" for way, joules in ways.items())


def _stages(manifest: dict) -> str:
    """What each stage's exporter found: nats, parity with its own network, what pruning and INT8 cost against the teacher."""
    parts = ["## Stages, and what pruning and quantising cost them"]
    for stage, figures in manifest.get("figures", {}).items():
        flat = {name: value for name, value in figures.items() if not _variants(value)}
        parts.append(f"### {_cell(stage)}\n\n" + _table(["figure", ""], [[name, _number(value)] for name, value in _flat(flat)]))
        for name, variants in figures.items():
            if _variants(variants):
                keys = dict.fromkeys(key for variant in variants.values() for key, _ in _flat(variant))
                columns = {variant: dict(_flat(content)) for variant, content in variants.items()}
                rows = [[key, *(_number(column.get(key)) for column in columns.values())] for key in keys]
                parts.append(_table([name.replace("_", " "), *map(_cell, columns)], rows))
    return "\n\n".join(parts) if len(parts) > 1 else ""


def _variants(value) -> bool:
    """Whether a figure is several versions beside each other: tables that share a name."""
    if not isinstance(value, dict) or len(value) < 2 or not all(isinstance(one, dict) for one in value.values()):
        return False
    return bool(set.intersection(*(set(one) for one in value.values())))


def _flat(content: dict, before: str = "") -> list[tuple[str, object]]:
    """Nested figures as (names joined, value)."""
    found = []
    for name, value in content.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}, ")
        else:
            found.append((_cell(f"{before}{name}").replace("_", " "), value))
    return found


def _evaluation(figures: dict | None) -> list[str]:
    if figures is None:
        return ["## Evaluation\n\n*Not evaluated.*"]
    count = {key: sum(one["held"] == (key == "held") for one in figures["clips"].values()) for key in _SETS}
    rows = []
    for name, row in figures["aims"].items():
        held = row.get("held", {})
        wanted = "–" if row["wanted"] is None else f"{'≤' if row.get('most') else '≥'} {row['wanted']:g}"
        verdict = {True: "met", False: "missed", None: ""}[table.met(row)]
        rows.append([_cell(table.LABELS.get(name, name)), _number(row["figure"]), wanted, verdict, row["of"], _reach(row),
                     _number(held["figure"]) if held else "", held.get("of", ""), _reach(held)])  # fmt: skip
    head = ["figure", "recordings", "wanted", "", "of", "to reach", "own held-out set", "of", "to reach"]
    return [
        f"## Evaluation\n\n{count['clips']} recordings and {count['held']} held-out renders; at most {figures['prompt_s']:g} s of "
        f"each answered for {figures['seconds']:g} s with {figures['seeds']} seeds. *To reach*: the same figure of the recordings' "
        "own continuations, of two people's labels, or of the tracker where the pitch is known.",
        _table(head, rows), *_splits(figures),
    ]  # fmt: skip


def _reach(row: dict) -> str:
    truth = row.get("truth")
    return f"{_number(truth['figure'])} ({truth['of']})" if truth and truth["of"] else ""


def _splits(figures: dict) -> list[str]:
    """Of what something is wanted, by who it is of."""
    asked = [name for name, row in figures["aims"].items() if row["wanted"] is not None]
    parts = ["## Who fares worse"]
    for key, ways in figures["splits"].items():
        for way, groups in ways.items():
            rows = []
            for name in asked:
                cells = [_number(group["rows"].get(name, [None])[0]) for group in groups.values()]
                if any(cell != "–" for cell in cells):
                    rows.append([_cell(table.LABELS.get(name, name)), *cells])
            head = [f"{_SETS[key]}, by {way}", *(f"{_cell(name)} ({len(group['clips'])})" for name, group in groups.items())]
            parts.append(_table(head, rows))
    return parts


def _table(head: list[str], rows: list[list]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _cell(value) -> str:
    """Text of somebody else's, in one line that ends no cell and no list."""
    return "".join(c if c.isprintable() else " " for c in str(value)).replace("|", "\\|").strip()


def _number(value) -> str:
    if value is None or isinstance(value, float) and not math.isfinite(value):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _cell(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _read(path: Path, what: str, keys: tuple[str, ...] = ()) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: no {what} that can be read ({error})") from None
    if not isinstance(found, dict) or not all(key in found for key in keys):
        raise UsageError(f"{path}: these are no {what}")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="antiphon train card", description=__doc__.splitlines()[0])
    parser.add_argument("bundle", metavar="BUNDLE", help="name or folder")
    parser.add_argument("--figures", type=Path, help="figures.json of antiphon train evaluate")
    parser.add_argument("--cost", type=Path, help="cost.json of antiphon train run")
    parser.add_argument("--recipe", type=Path, help="whose [card] is meant, where not the manifest's")
    options = parser.parse_args(arguments)
    try:
        figures = options.figures and _read(options.figures, "figures of an evaluation", ("aims", "splits", "clips", "graphs"))
        cost = options.cost and _read(options.cost, "record of what training cost")
        words = options.recipe and read_recipe(options.recipe).get("card", {})
        path = write(Bundle.open(options.bundle).folder, figures, cost, words)
    except AntiphonError as error:
        print(f"antiphon train card: {error}", file=sys.stderr)
        return error.exit_code
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
