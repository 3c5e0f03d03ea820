"""The evidence of a take in one ZIP file, for whoever has a problem with it: packed here, sent nowhere.

What goes in is what proves and explains: the take's own documents, and what is found out about it now. Sound goes in only
where it is asked for, and with it steps.bin and the state, out of which the voice could be made again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import zipfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import UsageError

DOCUMENTS = (".json", ".jsonl", ".mid", ".txt", ".md", ".tsv", ".csv", ".toml", ".c2pa", ".pem", ".cer")
"""Endings of what explains."""
SOUND = (".wav", ".flac", ".bin", ".npz", ".mp3", ".ogg")
"""Endings of what sounds, or could be made to sound again."""
PACKAGES = ("numpy", "soundfile", "cffi", "onnxruntime", "sounddevice", "python-osc", "c2pa-python", "cryptography")
MOST_BYTES = 64 << 20
"""Of a document; a longer one is left out, and named."""
_STATE = re.compile(r"state\.(json|npz)")
_PRIVATE = (".key", ".secret")


@dataclass(frozen=True)
class Part:
    """One thing in the ZIP, or left out of it: then `why` says why, and the SHA-256 is of what was not packed (None: not read)."""

    name: str
    bytes: int
    sha256: str | None
    why: str = ""


def versions() -> dict[str, str | None]:
    """Name what ran here: antiphon, Python, the system and the packages that matter; None where one is not installed."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    found: dict[str, str | None] = {"python": platform.python_version(), "system": system}
    for name in ("antiphon", *PACKAGES):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def pack(folder: Path, out: Path, documents: dict[str, object], sound: bool = False) -> tuple[list[Part], list[Part]]:
    """Write the ZIP `out` from the take in `folder` and `documents` (name: what JSON can say). Gives what is in it and what is not.

    Only files that lie in the folder itself are packed, no links and no keys. Raises UsageError where it is no take, where `out` is
    there already, and where it can't be written; then nothing is left behind.
    """
    if not (folder / "take.json").is_file():
        raise UsageError(f"{folder}: no take (it has no take.json); give the folder that --take made")
    if out.exists():
        raise UsageError(f"{out}: is there already; name another file with -o")
    half = out.with_name(out.name + ".half")
    packed: list[Part] = []
    left: list[Part] = []
    try:
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                why = _left_out(path, sound)
                if why:
                    own = path.is_file() and not path.is_symlink()
                    left.append(Part(path.name, path.lstat().st_size, _sha256(path) if own else None, why))
                    continue
                archive.write(path, f"take/{path.name}")
                packed.append(Part(f"take/{path.name}", path.stat().st_size, _sha256(path)))
            for name, content in {"versions.json": versions(), **documents}.items():
                data = json.dumps(content, indent=2, ensure_ascii=False, default=str).encode()
                archive.writestr(name, data)
                packed.append(Part(name, len(data), hashlib.sha256(data).hexdigest()))
            about = {"what": "evidence of a take, packed by `antiphon report`; nothing was sent",
                     "packed_at": datetime.now(UTC).isoformat(timespec="seconds"), "with_sound": sound,
                     "packed": [asdict(part) for part in packed], "left_out": [asdict(part) for part in left]}  # fmt: skip
            archive.writestr("report.json", json.dumps(about, indent=2, ensure_ascii=False))
        os.replace(half, out)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        half.unlink(missing_ok=True)
        raise UsageError(f"{out}: the report cannot be written ({getattr(error, 'strerror', None) or error})") from None
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    return packed, left


def _left_out(path: Path, sound: bool) -> str:
    """Why a file of the folder is not packed; empty where it is."""
    if path.is_symlink() or not path.is_file():
        return "no file of its own"
    name = path.name.lower()
    if name.endswith(_PRIVATE):
        return "a key"
    if name.endswith(SOUND) or _STATE.fullmatch(name):
        return "" if sound else "sound, or what it could be made of again; --sound packs it"
    if not name.endswith(DOCUMENTS):
        return "not known here"
    return f"more than {MOST_BYTES >> 20} MiB" if path.stat().st_size > MOST_BYTES else ""


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def machine() -> dict[str, object]:
    """Say what this machine is, as far as the name of its processor and its system; no names of people, places or networks."""
    processor = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.platform(), "byte_order": sys.byteorder}
