"""A bundle: a folder with a trained model that can be verified before it is played.

``bundle.toml`` in it names every graph with its SHA-256 and the shapes of its inputs and outputs, the constants that lie
beside the graphs, the rates, the hop, the data it was trained on with licences, the command that trained it and the figures
it reached.
"""
from __future__ import annotations

import difflib
import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .. import patches
from ..errors import BundleError
from .tokens import HOP, MODEL_RATE

if TYPE_CHECKING:
    from .edges import Edges
    from .graph import StepGraph
    from .moments import Moments

FORMAT = 2
"""Version of the bundle's layout; a bundle of another format is refused."""

MANIFEST = "bundle.toml"
CARD = "CARD.md"
"""The model card, for people; `check` does not ask for it."""
CONSTANTS = ("codebooks",)
"""Tables beside the graphs that the code reads, by their name in the manifest."""
VOICE_NAMES = ("voice_1", "voice_2", "voice_3", "voice_4")
"""Stored voices, where a bundle comes with some."""
QUOTES = "quotes"
"""The melodies that it was trained on, for the guard, where a bundle comes with them; `provenance.quotes` reads it."""


def available_bundles() -> dict[str, Path]:
    """Return the folders of the bundles that came with the program, by name."""
    return {manifest.parent.name: manifest.parent for manifest in sorted((patches() / "bundles").glob(f"*/{MANIFEST}"))}


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. Immutable; opening reads the manifest only, `check` reads every byte."""

    folder: Path
    manifest: dict = field(repr=False)
    _checked: dict = field(default_factory=dict, repr=False)  # graphs that `check` had to open: `graph` hands them on

    @classmethod
    def open(cls, name: str | Path) -> "Bundle":
        """Open a bundle by its name, or by the path of its folder.

        Raises `BundleError` with the nearest names if there is none, and if the manifest is unreadable, of another
        format, or was made for another rate or hop.
        """
        folder = _find(str(name))
        path = folder / MANIFEST
        try:
            manifest = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise BundleError(f"bundle {folder.name!r}: {MANIFEST} can't be read ({error}); export the bundle again") from error
        for key, expected in (("format", FORMAT), ("samplerate", MODEL_RATE), ("hop_frames", HOP)):
            if manifest.get(key) != expected:
                found = f"{key} is {manifest.get(key)!r}, this program plays {expected}"
                raise BundleError(f"bundle {folder.name!r}: {found}; get a bundle made for it")
        graphs = manifest.get("graphs")
        if not isinstance(graphs, dict) or not graphs:
            raise BundleError(f"bundle {folder.name!r}: no [graphs] in {MANIFEST}; export the bundle again")
        for part, tables in (("graphs", graphs), ("constants", manifest.get("constants", {}))):
            if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
                raise BundleError(f"bundle {folder.name!r}: [{part}] of {MANIFEST} holds what is no table; export the bundle again")
        return cls(folder, manifest)

    @property
    def name(self) -> str:
        return str(self.manifest.get("name", self.folder.name))

    def path(self, graph: str) -> Path:
        """Return the path of a graph. Raises `BundleError` if it isn't in the manifest or points out of the folder."""
        entry = self.manifest["graphs"].get(graph)
        if entry is None:
            raise BundleError(f"bundle {self.name!r} has no graph {graph!r}; it has {', '.join(sorted(self.manifest['graphs']))}")
        return self._inside(str(entry.get("file", "")))

    def graph(self, name: str) -> "StepGraph":
        """Open a graph; one that `check` has opened is handed on instead, once. Raises `BundleError` as `path` and StepGraph do."""
        from .graph import StepGraph

        return self._checked.pop(name, None) or StepGraph(self.path(name))

    def voices(self) -> "list[Moments]":
        """Read the voices that come with the bundle, at most four. Raises `BundleError` for one that cannot be read."""
        from .moments import Moments

        found = []
        for name in VOICE_NAMES:
            entry = self.manifest.get("constants", {}).get(name)
            if entry is None:
                break
            path = self._inside(str(entry.get("file", "")))
            try:
                found.append(Moments.load(path))
            except (OSError, ValueError) as error:
                raise BundleError(f"bundle {self.name!r}: constant {name!r} cannot be read ({error}); install it again") from None
        return found

    def constant(self, name: str) -> Path | None:
        """Return the path of a constant, None where there is none. Raises `BundleError` if it points out of the folder."""
        entry = self.manifest.get("constants", {}).get(name)
        return None if entry is None else self._inside(str(entry.get("file", "")))

    def _inside(self, file: str) -> Path:
        # A manifest is data from somebody else: it may name plain files of its own folder and nothing else.
        if not file or Path(file).name != file or file.startswith(".") or not file.isprintable():
            raise BundleError(f"bundle {self.name!r}: file name {file!r} is not a plain name inside the bundle")
        return self.folder / file

    def check(self) -> list[str]:
        """Read every file and return what is wrong with it, a line each; an empty list means a sound bundle.

        Compares SHA-256 with the manifest, inputs and outputs with the manifest and with what the code needs of them, runs
        every graph once, and reads the constants. What the code needs and the manifest does not name is wrong too.
        """
        needed, sizes, problems = needs(), {}, []
        for part, wanted in (("graphs", needed), ("constants", CONSTANTS)):  # constants last: tokens say how many levels they need
            entries = self.manifest.get(part, {})
            problems += [f"{part.removesuffix('s')} {name!r} is not in {MANIFEST}" for name in wanted if name not in entries]
            for name, entry in entries.items():
                what = f"{part.removesuffix('s')} {name!r}"
                try:
                    path = self._inside(str(entry.get("file", "")))
                    if not path.is_file():
                        raise FileNotFoundError(path)  # a pipe or a device too: reading it might never end
                    data = path.read_bytes()
                except BundleError as error:
                    problems.append(str(error))
                    continue
                except OSError:
                    problems.append(f"{what}: file {entry.get('file')!r} is missing")
                    continue
                digest = hashlib.sha256(data).hexdigest()
                if digest != entry.get("sha256"):
                    problems.append(f"{what}: SHA-256 {digest[:12]}…, the manifest says {str(entry.get('sha256'))[:12]}…")
                elif part == "graphs":
                    problems += self._graph_problems(name, path, data, needed.get(name), sizes)
                elif name in CONSTANTS or name in VOICE_NAMES:
                    problems += _constant_problems(name, path, sizes)
        return problems

    def _graph_problems(self, graph: str, path: Path, data: bytes, needed: "Edges | None", sizes: dict[str, int]) -> list[str]:
        from .graph import StepGraph

        entry, problems = self.manifest["graphs"][graph], []
        try:
            step = self._checked[graph] = StepGraph(path, data=data)
            if needed is not None:
                needed.require(step, sizes)
            step.try_once()
        except BundleError as error:
            return [str(error)]
        for side, arrays in (("inputs", step.inputs), ("outputs", step.outputs)):
            actual = {name: list(array.shape) for name, array in arrays.items()}
            if actual != entry.get(side):
                problems.append(f"graph {graph!r}: {side} are {actual}, the manifest says {entry.get(side)}")
        return problems

    def require_sound(self) -> None:
        """Raise `BundleError` with the first problem that `check` finds."""
        problems = self.check()
        if problems:
            more = f" (and {len(problems) - 1} more; antiphon bundle check {self.name})" if len(problems) > 1 else ""
            raise BundleError(f"bundle {self.name!r}: {problems[0]}{more}; install it again")

    def card(self) -> str:
        """Return the model card that lies beside the manifest. Raises `BundleError` where there is none that can be read."""
        path = self.folder / CARD
        try:
            if path.is_file():  # a pipe would never end
                return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"bundle {self.name!r}: {CARD} can't be read ({error})") from error
        raise BundleError(f"bundle {self.name!r} has no {CARD}; write one with: antiphon train card {self.name}")

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of every graph and constant, by name, as the manifest has them: what figures are said of."""
        entries = {**self.manifest["graphs"], **self.manifest.get("constants", {})}
        return {name: str(entry.get("sha256")) for name, entry in entries.items()}

    def digest(self) -> str:
        """Return the SHA-256 over the manifest, which itself names the hash of every graph."""
        return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()


def needs() -> "dict[str, Edges]":
    """What the code needs of each graph, as its stages declare it. Imported here: whoever only names a bundle needs no kernels."""
    from . import acoustic, codec, notes, tokenizer

    return {"tokenizer": tokenizer.EDGES, "notes": notes.EDGES, "encoder": codec.ENCODER, "memory": acoustic.MEMORY,
            "tokens": acoustic.TOKENS, "decoder": codec.DECODER}  # fmt: skip


def _constant_problems(name: str, path: Path, sizes: dict[str, int]) -> list[str]:
    from .edges import LEVELS
    from .moments import Moments
    from .timbre import CODEBOOKS, Codebooks

    if name in VOICE_NAMES:
        try:
            Moments.load(path)
        except (OSError, ValueError) as error:
            return [f"constant {name!r}: {error}"]
        return []
    if path.name != CODEBOOKS:
        return [f"constant {name!r}: file is {path.name!r}, expected {CODEBOOKS!r}"]
    try:
        Codebooks(path, sizes.get(LEVELS.name, LEVELS.least))
    except BundleError as error:
        return [str(error)]
    return []


def _find(name: str) -> Path:
    path = Path(name)
    if (path / MANIFEST).is_file():
        return path
    found = available_bundles()
    if name in found:
        return found[name]
    if path.is_dir():
        raise BundleError(f"folder {name!r} is no bundle: it has no {MANIFEST}")
    near = difflib.get_close_matches(name, found, n=3) or sorted(found)
    raise BundleError(f"no bundle {name!r}; there is: {', '.join(near) or 'none installed'}")
