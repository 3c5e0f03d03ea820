"""A bundle of your own: fine-tune one on a folder of recordings, and of MIDI and MusicXML.

    antiphon train adapt FOLDER --minutes 30 --name mine

Decoder and acoustic model learn the sound, the note model the lines; tokenizer and encoder stay as they are, so everything is
heard as before. What did not get better on the part held out stays as it was. WORK (NAME.work beside the bundle) keeps what was
heard and learned: after Ctrl-C the same command goes on from there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import tomli_w

from ..errors import UsageError
from ..model.bundle import Bundle, available_bundles
from . import adapted, consent, material, pipeline, sides

LEAST_S = 60.0
"""Seconds in which one line is sung or played, or a sound can't be learned."""
LEAST_NOTES, LEAST_HELD, LEAST_WATCHED = 150, 24, 8
"""Notes in all, held out and watched, or a note model can't be taught or judged."""
SHARES = {"decoder": 0.5, "acoustic": 0.35, "notes": 0.15}
"""Of the minutes, for each stage; where one is left out the others have its time."""
RECORD = "material.json"
"""What was heard, in the work folder; its being there says that the folder is one."""
_TAKEN = ("echo", "through")  # bundles without a folder
_REMARKS = 20
_DONE, _NOT_SO, _INTERRUPTED = 0, 1, 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise UsageError(f"{message}; see {self.prog} --help")


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Raises AntiphonError, one line, for whatever the user can mend."""
    options = _parser().parse_args(arguments)
    if options.device != "cpu":
        from . import finetune  # torch: not needed here otherwise

        finetune.require_device(options.device)
    bundle, folder = Bundle.open(options.bundle), _folder(options)
    work = options.work or folder.with_name(f"{folder.name}.work")
    if work.exists() and not (work / RECORD).is_file() and not (work.is_dir() and not any(work.iterdir())):
        raise UsageError(f"{work}: is there and no work folder of adapt; name an empty or a new one with --work")
    paths, _ = material.find(options.folder)
    bundle.require_sound()
    allowed = consent.obtain(vars(options), None if options.again else _kept(work / "consent.json"))
    heard = False
    try:
        told = _hear(options, bundle, work, paths)
        heard = True
        (work / "consent.json").write_text(json.dumps(asdict(allowed), indent=1))
        stages = _stages(options, told)
        recipe = work / "recipe.toml"
        recipe.write_bytes(tomli_w.dumps({"name": folder.name, "stages": stages}).encode())
        cost = pipeline.run(recipe, options.folder, work)
    except KeyboardInterrupt:
        kept = f"what was learned is in {work}, the same command goes on" if heard else "nothing was learned yet"
        say(f"antiphon: interrupted; {kept}")
        return _INTERRUPTED
    command = f"antiphon train adapt FOLDER --minutes {options.minutes:g} --name {folder.name} --bundle {bundle.name}"
    command += f" --seed {options.seed}" * bool(options.seed)
    better = adapted.assemble(bundle, work, folder, allowed, command, stages, _summed(cost))
    for stage in stages:
        figures = json.loads((work / f"{stage['name']}.json").read_text())
        kept = "better, taken" if figures["better"] else f"not better, {bundle.name}'s is kept"
        print(f"{stage['name']}: {figures['what']}: {figures['before']:.3f} before, {figures['after']:.3f} after: {kept}")
    if not better:
        say(f"antiphon: nothing got better than {bundle.name} on what was held out; no bundle was made. More sound may help")
        return _NOT_SO
    _write_card(folder)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"{folder}: {size:.1f} MB; {work} holds clips and checkpoints, and may be deleted")
    print(f"play it: antiphon play --bundle {shlex.quote(_as_path(folder))}")
    return _DONE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="antiphon train adapt", description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with WAV, FLAC, OGG, MP3, MIDI and MusicXML, at any depth")
    parser.add_argument("--name", required=True, help="name of the new bundle: letters, digits, - and _")
    parser.add_argument("--minutes", type=_minutes, default=30.0, help="how long to learn, in all (default: 30)")
    parser.add_argument("--bundle", metavar="NAME", default="hum", help="bundle to begin from, by name or folder (default: hum)")
    parser.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="folder to put it in (default: here)")
    parser.add_argument("--performer", metavar="NAME", help="whose sound it is")
    parser.add_argument("--consent", metavar="LINE", help="how they agreed; kept in the bundle")
    parser.add_argument("--licence", metavar="LINE", help="under what licence the sound is; kept in the bundle")
    parser.add_argument("--seed", type=_seed, default=0, help="0 to 4000 (default: 0)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--work", type=Path, metavar="DIR", help="for what is needed on the way (default: NAME.work beside it)")
    parser.add_argument("--again", action="store_true", help="begin anew, and replace the bundle that is there")
    return parser


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0.01 <= minutes <= 10_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes, 0.01 to 10000")
    return minutes


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:8]) > 4000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 to 4000")
    return int(text)


def _folder(options: argparse.Namespace) -> Path:
    """Where the bundle goes. Raises UsageError where that is no place, or taken."""
    name, shipped = options.name, available_bundles()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", name):
        raise UsageError(f"--name {name!r}: must be a plain name of at most 40 letters, digits, - and _; for instance mine")
    if name in shipped or name in _TAKEN:
        raise UsageError(f"--name {name}: is a bundle that came with the program; choose another name")
    if not options.out.is_dir():
        raise UsageError(f"--out {options.out}: no such folder; make it first")
    folder = options.out / name
    if folder.exists() and not options.again:
        raise UsageError(f"{folder}: is there already; choose another --name, or replace it with --again")
    if folder.exists() and not adapted.is_one(folder):
        raise UsageError(f"{folder}: is no bundle made here, so it is not replaced; choose another --name")
    return folder


def _hear(options: argparse.Namespace, bundle: Bundle, work: Path, paths: list[Path]) -> dict:
    """Hear the material and lay it out, unless that was done; returns what WORK/material.json says. Raises UsageError."""
    record, prints = work / RECORD, _prints(paths, options.folder, bundle)
    told = _kept(record)
    if told and not options.again:
        if told["sha256"] != prints:
            raise UsageError(f"{work}: holds other material, or of another bundle; begin anew with --again, or name another --work")
        say(f"going on in {work}")
        return told
    from .ears import Ears

    ears = Ears(bundle)
    if ears.second is None:
        say("swift-f0 is not installed: what the instrument hears is taken as it is")
    bar = sys.stderr.isatty()
    found = material.gather(options.folder, ears, _progress if bar else lambda done, of: None)
    for remark in found.remarks[:_REMARKS]:
        say(remark)
    if len(found.remarks) > _REMARKS:
        say(f"and {len(found.remarks) - _REMARKS} more such lines")
    _require_enough(options.folder, found)
    _clear(work)
    laid = sides.lay_out(found, work)
    told = {
        "sha256": prints, "bundle_folder": str(bundle.folder.resolve()), "sides": laid, "line_s": round(found.line_s, 2),
        "sources": [asdict(source) for source in found.sources],
    }  # fmt: skip
    record.write_text(json.dumps(told, indent=1))
    return told


def _prints(paths: list[Path], folder: Path, bundle: Bundle) -> str:
    """SHA-256 over all files, their names, and the bundle."""
    total = hashlib.sha256(bundle.digest().encode())
    for path in paths:
        total.update(path.relative_to(folder).as_posix().encode("utf-8", "replace") + b"\0")
        try:
            with open(path, "rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            total.update(b"unreadable")
    return total.hexdigest()


def _require_enough(folder: Path, found: material.Material) -> None:
    """Raise UsageError with what was found and what is needed, where there is too little for any stage."""
    sound, count = sum(source.seconds > 0 for source in found.sources), len(found.sources)
    if found.line_s >= LEAST_S or found.notes >= LEAST_NOTES:
        if found.line_s < LEAST_S:
            say(f"{found.line_s:.0f} s of one line sung or played, {LEAST_S:g} are needed to learn a sound: only notes are learned")
        return
    rest = ""
    if found.loud_s > 2 * max(found.line_s, LEAST_S / 4):
        rest = f", the rest of {found.loud_s:.0f} s of sound is heard as noise, drums or chords: one voice or instrument at a time"
    raise UsageError(
        f"{folder}: {found.line_s:.0f} s of one line sung or played in {sound} recordings, {LEAST_S:g} s are needed{rest}; "
        f"{found.notes} notes in {sound} recordings and {count - sound} sheets, {LEAST_NOTES} are needed; add more"
    )


def _clear(work: Path) -> None:
    """Make the work folder, without what an earlier run left there."""
    try:
        work.mkdir(parents=True, exist_ok=True)
        names = ("*.pt", "*.json", "recipe.toml", "lines.npz", "clips/*.npz", "export/*.onnx", "export/before/*.onnx", "logs/*")
        for path in [path for name in names for path in work.glob(name)]:
            path.unlink()
        (work / RECORD).write_text("{}")  # ours from now on, with nothing heard yet
    except OSError as error:
        raise UsageError(f"{work}: can't be written ({error.strerror}); name another folder with --work") from None


def _stages(options: argparse.Namespace, told: dict) -> list[dict]:
    """The recipe: which stages there is material for, and how long each has."""
    laid, wanted = told["sides"], []
    if told["line_s"] >= LEAST_S and all(laid[side]["rows"] for side in sides.SIDES):
        wanted += ["decoder", "acoustic"]
    enough = laid["held"]["notes"] >= LEAST_HELD and laid["watched"]["notes"] >= LEAST_WATCHED
    if enough and sum(side["notes"] for side in laid.values()) >= LEAST_NOTES:
        wanted.append("notes")
    else:
        notes = ", ".join(f"{laid[side]['notes']} {side}" for side in sides.SIDES)
        say(f"too few notes to teach and judge a note model ({notes}): it stays as it is")
    if not wanted:
        raise UsageError(f"{options.folder}: too little to learn from one part and hold out another; add more")
    whole, stages = sum(SHARES[name] for name in wanted), []
    for name in wanted:
        line = f"finetune {name} --work WORK --minutes {options.minutes * SHARES[name] / whole:.4g} --seed {options.seed}"
        stages.append({"name": name, "run": [line + f" --device {options.device}" * (options.device != "cpu")]})
    return stages


def _summed(cost: dict) -> dict:
    """What all lines took, as `pipeline` recorded it."""
    sums = {key: round(sum(line[key] for line in cost.values()), 2) for key in ("minutes", "core_minutes", "joules")}
    return sums | {key: ", ".join(sorted({line[key] for line in cost.values()})) for key in ("energy", "machine")}


def _kept(path: Path) -> dict | None:
    """What an earlier run wrote, None where there is nothing that can be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write_card(folder: Path) -> None:
    try:
        from . import card
    except ImportError:
        return
    card.write(folder)


def _as_path(folder: Path) -> str:
    """A path that cannot be taken for a name."""
    return str(folder) if folder.is_absolute() or len(folder.parts) > 1 else f"./{folder}"


def _progress(done: int, of: int) -> None:
    sys.stderr.write(f"\r\x1b[K  hearing {done + 1} of {of} files" if done < of else "\r\x1b[K")
    sys.stderr.flush()


def say(line: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
