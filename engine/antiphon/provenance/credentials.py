"""Content credentials (C2PA): signed statements of how a file was made, put into it, and read.

Signing reads a file once and writes only the manifest; the sound's bytes stay. No network: no time stamp of a third party is
asked for, nothing remote is fetched when reading. Needs c2pa-python (the [provenance] extra); without it files can still be
looked into for whether they carry credentials. Not for the audio thread. What cannot be signed is a UsageError with one line:
callers say it and go on, the file is as it was.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

from ..errors import UsageError
from . import authority, container, manifests
from .claim import KINDS, About, Ingredient, definition, disclosure
from .manifests import find
from .reading import Credentials, context, read

__all__ = ["HINT", "Credentials", "available", "disclosure", "find", "prepare", "read", "sign_file", "sign_render", "sign_take"]

HINT = 'content credentials need c2pa-python: pip install "antiphon[provenance]"'
_SETTINGS = {
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}, "actions": {"auto_placed_action": {"enabled": False}}},
}
_WANTED = "give a certificate for digital signature and e-mail protection (1.3.6.1.5.5.7.3.4), issued by another"
_tried: set[tuple[str, str]] = set()


def available() -> bool:
    """Say whether files can be signed and credentials be checked here; HINT says what to do where not."""
    try:
        import c2pa  # noqa: F401
        import cryptography  # noqa: F401
    except (ImportError, OSError, RuntimeError):  # the library in it may not be for this machine
        return False
    return True


def prepare() -> str:
    """Load the library and make the authority, once, ahead of time; gives "" or a line that says why nothing will be signed.

    To be called where a take begins: the player is told then, and what is left to do at its end is the signing alone.
    """
    try:
        _require()
        _signer()
    except UsageError as error:
        return str(error)
    return ""


def sign_file(
    path: str | Path,
    *,
    kind: str,
    about: dict,
    recording: str | Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Sign a file in place and give the path that now holds its credentials: itself, or NAME.c2pa beside it.

    `kind` is one of claim.KINDS, `about` as claim.About.of reads it; `recording` is the performer's own sound that the
    file was made from, whose credentials, where it has any, are taken along. The manifest of what carries the mark is kept by
    its payload (manifests.py); where that fails, `say` (default: stderr) is told in a line, and the file is signed all the same.
    """
    _require()
    signs = _signer()
    told = About.of(about)
    return _sign(Path(path), kind, told, signs, None if recording is None else _ingredient(Path(recording)), say or _stderr)


def sign_render(
    out: str | Path | None,
    *,
    about: dict,
    prompt: str | Path | None = None,
    answer_only: bool = False,
    stems: dict[str, str | Path] | None = None,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Sign what `render` wrote: OUT, and of `stems` "prompt" and "voice". Gives the paths that hold the credentials."""
    _require()
    signs, told, say = _signer(), About.of(about), say or _stderr
    recording = None if prompt is None else _ingredient(Path(prompt))
    files = [(out, "answer" if answer_only else "carried-on")] if out is not None else []
    files += [(path, name) for name, path in (stems or {}).items() if name in KINDS]
    return [_sign(Path(path), kind, told, signs, recording, say) for path, kind in files]


def sign_take(folder: str | Path, about: dict | None = None, say: Callable[[str], None] | None = None) -> list[Path]:
    """Sign the stems of a closed take: dry.wav, voice.wav and mix.wav, as far as they are there and carry no credentials.

    The SHA-256 of its log is signed with each, and with it the hash of every second of the sound; the sound is not hashed by
    itself once more, since a long take is to be signed at once. What take.json does not tell, as the training data, may be
    given in `about`. Gives the paths that hold the credentials.
    """
    _require()
    folder = Path(folder)
    try:
        said = json.loads((folder / "take.json").read_text(encoding="utf-8"))
        assert isinstance(said, dict)
    except (OSError, ValueError, AssertionError, RecursionError) as error:
        why = getattr(error, "strerror", None) or "it is not as it was written"
        raise UsageError(f"{folder}: take.json cannot be read ({why}); name the folder of a take") from None
    signs, say = _signer(), say or _stderr
    log = _sha256(folder / "log.jsonl") if (folder / "log.jsonl").is_file() else ""
    inner = said.get("about") if isinstance(said.get("about"), dict) else {}
    told = About.of({**(about or {}), **said, "about": {**(about or {}), **inner, "log": log}})
    signed, dry = [], None
    for name, kind in (("dry", "performance"), ("voice", "voice"), ("mix", "mix")):
        path = folder / f"{name}.wav"
        if not path.is_file():
            continue
        found = container.manifest(container.look(path))
        if found is None or (found[1] == container.BESIDE and not read(path).intact):
            signed.append(_sign(path, kind, told, signs, dry, say, name_sound=False))
        if kind == "performance":
            dry = _ingredient(path)
    return signed


def _sign(path: Path, kind: str, about: About, signs, recording: Ingredient | None, say, name_sound: bool = True) -> Path:
    import c2pa

    when = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    mime = container.look(path).mime
    named = ""

    def make(binding: dict, sound: str) -> bytes:
        nonlocal named
        named = sound
        claim, resources = definition(kind, about, path.name, mime, when, sound, recording)
        claim["assertions"].append({"label": "c2pa.hash.data", "created": True, "data": binding})
        with context(_SETTINGS) as settings, c2pa.Builder(claim, context=settings) as builder:
            # A binding of our own is signed as it is, whatever file is handed in: so no sound passes through the library,
            # which would take all of it into memory and copy it.
            builder.set_no_embed()
            for name, content in resources.items():
                builder.add_resource(name, io.BytesIO(content))
            with signs() as signer:
                return builder.sign(signer, "application/c2pa", io.BytesIO(b"\0"), io.BytesIO())

    try:
        sealed = container.seal(path, make, name_sound=name_sound and KINDS[kind].marked)
    except c2pa.C2paError as error:
        raise UsageError(f"{path}: no content credentials ({_line(error)})") from None
    if KINDS[kind].marked and about.payload:
        try:
            manifests.keep(sealed.manifest, about.payload, kind, file=path.name, signed=when, sound=named,
                           performer=about.performer, bundle=about.bundle)  # fmt: skip
        except UsageError as error:
            say(str(error))
    return path if sealed.where == container.INSIDE else path.with_suffix(container.SIDECAR)


def _signer():
    """Give what makes a signer, tried once on a stand-in, so that a certificate that won't do is told before any work."""
    import c2pa

    who = authority.current()

    def make() -> c2pa.Signer:
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(who.algorithm, who.chain.encode(), who.key.encode(), None))

    if (who.chain, who.key) not in _tried:
        told = definition("performance", About(), "trial", "audio/wav", "", "", None)[0]
        try:
            with context({"verify": {**_SETTINGS["verify"], "verify_after_sign": True}}) as settings:
                with c2pa.Builder(told, context=settings) as builder, make() as signer:
                    builder.sign(signer, "audio/wav", io.BytesIO(_STAND_IN), io.BytesIO())
        except c2pa.C2paError as error:
            what = "antiphon credentials authority new makes another" if who.own else _WANTED
            raise UsageError(f"{who.subject}: cannot sign ({_line(error)}); {what}") from None
        _tried.add((who.chain, who.key))
    return make


_STAND_IN = (
    b"RIFF" + (38).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    + bytes.fromhex("0100010080bb000000770100020010 00") + b"data" + (2).to_bytes(4, "little") + bytes(2)
)  # fmt: skip


def _ingredient(path: Path) -> Ingredient:
    """Describe a recording that something was made from; its credentials are judged as any other's."""
    place = container.look(path)
    mime = place.mime or f"audio/{path.suffix.lower().lstrip('.') or 'basic'}"
    if found := container.manifest(place):
        judged = read(path)
        if judged.results:
            return Ingredient(path.name, mime, manifest=found[0], active=judged.label, results=judged.results)
    return Ingredient(path.name, mime, sha256=_sha256(path))


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _require() -> None:
    if not available():
        raise UsageError(HINT)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _stderr(line: str) -> None:
    print(f"antiphon: {line}", file=sys.stderr, flush=True)
