"""Receipts: one run of the suite, a JSON line for each thing that was found; written at once, read also where it is broken off.

The first line ("receipt") says what ran where; then, for each benchmark, "bench", its figures, and "done"; "end" is the last.
`figure` lines have count, min, mean, p50, p95, p99, p99.9, max, and their events in consecutive segments of time: each a list of
values in order where there are at most 1000 events in all, else a list of [value, count], the values rounded to 1/32 octave. A
"tally" has happened, chances and share, and [happened, chances] of each segment where it is told. A figure without events is a "skip"
with its goals, which are missed: found is null.
"""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError

VERSION = 1
KINDS = ("receipt", "bench", "figure", "tally", "value", "timeline", "waterfall", "skip", "done", "end")
_MOST_BYTES = 256 << 20


@dataclass
class Receipt:
    """What a receipt says: its first line, its last one (empty where it was broken off), and all lines between."""

    head: dict
    lines: list[dict] = field(default_factory=list)
    end: dict = field(default_factory=dict)
    damaged: int = 0
    """Lines that could not be read: the last one of a run that was killed."""

    @property
    def complete(self) -> bool:
        return bool(self.end) and not self.end.get("interrupted")

    @property
    def benches(self) -> list[str]:
        """The benchmarks that ran, in order."""
        return list(dict.fromkeys(line["bench"] for line in self.lines if line["kind"] == "bench"))

    def of(self, bench: str, *kinds: str) -> list[dict]:
        """Lines of one benchmark; of timelines with one name the last."""
        found = [line for line in self.lines if line["bench"] == bench and (not kinds or line["kind"] in kinds)]
        last = {(line["kind"], line.get("name")): index for index, line in enumerate(found)}
        return [line for index, line in enumerate(found) if line["kind"] != "timeline" or last[line["kind"], line.get("name")] == index]

    def figure(self, bench: str, name: str) -> dict | None:
        """A figure, tally or value by its name; the last where it was told several times."""
        named = [line for line in self.of(bench, "figure", "tally", "value") if line["name"] == name]
        return named[-1] if named else None

    @property
    def goals(self) -> list[tuple[dict, dict]]:
        """Every goal with the line it belongs to, in order."""
        return [(line, goal) for line in self.lines for goal in line.get("goals", ())]


def head(bundle: str, command: list[str], *, quick: bool = False, seconds: float | None = None, inject: str | None = None) -> dict:
    """The first line: what runs, on what. Raises BundleError for a bundle that there is not."""
    from .. import __version__
    from .machine import machine

    return {"kind": "receipt", "version": VERSION, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **source(),
            "antiphon": __version__, "machine": machine().as_json(), "bundle": _bundle(bundle), "quick": quick, "seconds": seconds, "inject": inject, "command": command}  # fmt: skip


def source() -> dict:
    """The commit this runs from and whether anything was changed since; none of both in an installed wheel."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return {"commit": None, "dirty": None}
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return {"commit": commit or None, "dirty": bool(_git(root, "status", "--porcelain", "--untracked-files=no"))}
    except OSError:
        return {"commit": None, "dirty": None}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.strip()


def _bundle(name: str) -> dict:
    from ..model.bundle import Bundle

    if name in ("echo", "through"):  # these need none
        return {"name": name, "version": None, "sha256": None}
    bundle = Bundle.open(name)
    return {"name": bundle.name, "version": bundle.manifest.get("version"), "sha256": bundle.digest()}


def read(path: str | Path) -> Receipt:
    """Read a receipt. Raises UsageError for what is none; a last line that was cut off is counted, not refused."""
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path}: {path.stat().st_size >> 20} MB are too much for a receipt")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a receipt that `antiphon bench` wrote") from None
    return parse(text, str(path))


def parse(text: str, where: str = "receipt") -> Receipt:
    """Read a receipt's text; see `read`."""
    found, damaged = [], 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            damaged += 1
            continue
        if isinstance(value, dict) and value.get("kind") in KINDS and isinstance(value.get("bench", ""), str):
            found.append(value)
        else:
            damaged += 1
    if not found or found[0]["kind"] != "receipt":
        raise UsageError(f"{where}: is no receipt of the suite; `antiphon bench` writes one")
    if found[0].get("version") != VERSION:
        raise UsageError(f"{where}: version {found[0].get('version')!r} of receipts, this program reads {VERSION}; measure again")
    ends = [line for line in found[1:] if line["kind"] == "end"]
    lines = [line for line in found[1:] if line["kind"] not in ("receipt", "end") and "bench" in line]
    return Receipt(found[0], lines, ends[-1] if ends else {}, damaged)
