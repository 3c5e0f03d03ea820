"""Content credentials as they are read: what state they are in, who signed, and what they say, in plain words."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UsageError
from . import authority, container
from .claim import MADE, MARK, SOURCES, licences, payload_hex

VALID, UNTRUSTED, EXPIRED, BROKEN, NONE, UNDECIDED = STATES = ("valid", "untrusted", "expired", "broken", "none", "undecided")
_STATE_WORDS = {
    VALID: "intact, signed by an authority that is trusted here",
    UNTRUSTED: "intact, but signed by an authority that you do not trust",
    EXPIRED: "intact, but the certificate has run out, and no time stamp tells whether it was good when it signed",
    BROKEN: "broken",
    NONE: "none",
    UNDECIDED: "not decidable",
}
_FAILURES = {
    "assertion.dataHash.mismatch": "the file was changed after it was signed",
    "claimSignature.mismatch": "what the credentials say was changed after it was signed",
    "assertion.hashedURI.mismatch": "what the credentials say was changed after it was signed",
    "signingCredential.invalid": "the certificate is not one that may sign credentials",
}
_RESOURCE_MOST = 1 << 20


@dataclass(frozen=True)
class Credentials:
    """What the credentials of a file say; a text that is "" was not told.

    `state` is one of STATES. valid: intact and by a trusted authority; untrusted: intact, signed by somebody you do not trust;
    expired: intact, its certificate ran out since; broken; none; undecided: they could not be checked. `reason` says why, in a
    line. `where` is in the file or beside it. `source` is IPTC's digital source type, `what` the same in words. `training` is
    the model's training data as its manifest has it. `payload` is what the soft binding says that the mark carries. `results`
    and `label` are the library's own. `sound` names the frames as container.sound_of does; `log_sha256` is of the take's log.jsonl.
    """

    path: str
    state: str
    reason: str = ""
    where: str = ""
    signer: str = ""
    own: bool = False
    generator: str = ""
    title: str = ""
    source: str = ""
    what: str = ""
    kind: str = ""
    performer: str = ""
    consent: str = ""
    model: str = ""
    model_sha256: str = ""
    training: tuple[dict, ...] = ()
    payload: str = ""
    sound: str = ""
    log_sha256: str = ""
    signed: str = ""
    time_stamp: str = ""
    made_from: tuple[str, ...] = ()
    label: str = ""
    results: dict | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing was changed since it was signed, whoever signed."""
        return self.state in (VALID, UNTRUSTED, EXPIRED)

    def as_json(self) -> dict:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items() if key != "results"}

    def lines(self) -> list[str]:
        """Say it in plain words, a line each."""
        words = _STATE_WORDS[self.state] + (f": {self.reason}" if self.reason else "")
        said = [f"content credentials: {words}"]
        if self.state in (NONE, UNDECIDED):
            return said
        if self.own:
            said.append(f"signed by: this installation ({self.signer}); nobody else vouches for it")
        elif self.signer:
            said.append(f"signed by: {self.signer}")
        if not self.intact:
            said.append("what follows is what they say; broken credentials prove nothing")
        for name, text in (
            ("made with", self.generator),
            ("what", self.what),
            ("performer", self.performer),
            ("consent", self.consent),
            ("model", self.model + (f", SHA-256 {self.model_sha256[:12]}…" if self.model_sha256 else "")),
            ("trained on", licences(self.training) if self.training else ""),
            ("made from", ", ".join(self.made_from)),
            ("mark", f"payload {self.payload}" if self.payload else ""),
        ):
            if text:
                said.append(f"{name}: {text}")
        if self.time_stamp:
            said.append(f"time: {self.time_stamp}, by a time stamp")
        elif self.signed:
            said.append(f"time: {self.signed}, by the clock of the machine that signed; no time stamp of a third party")
        return said


def read(path: str | Path) -> Credentials:
    """Read the credentials of a file, in it or beside it as NAME.c2pa; nothing is fetched from a network.

    Costs one reading of the file. Raises UsageError only for a file that cannot be read.
    """
    path = Path(path)
    place = container.look(path)
    found = container.manifest(place)
    try:
        import c2pa
        import cryptography  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        if found is None and place.form != "other":
            return Credentials(str(path), NONE)
        there = f"they are {found[1]}; " if found else ""
        return Credentials(str(path), UNDECIDED, f'{there}c2pa-python is not installed: pip install "antiphon[provenance]"')
    if found is None and place.form != "other":
        return Credentials(str(path), NONE)
    beside = found[0] if found and found[1] == container.BESIDE else None
    try:
        with _judged(path, place.mime, beside) as reader:
            return _told(path, reader, found[1] if found else container.INSIDE)
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(str(path), NONE)
    except c2pa.C2paError.NotSupported:
        return Credentials(str(path), UNDECIDED, "this kind of file has no place for credentials, and none lie beside it")
    except c2pa.C2paError as error:
        if found is None:
            return Credentials(str(path), UNDECIDED, f"the file cannot be read as what it is ({_short(error)})")
        return Credentials(str(path), BROKEN, f"they cannot be read ({_short(error)})", where=found[1])
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def read_manifest(path: str | Path) -> Credentials:
    """Read a manifest by itself, without the file it is of: what it says, and who signed. Its file's state is not decided."""
    path = Path(path)
    try:
        import c2pa

        with _judged(path, "application/c2pa", None) as reader:
            return _told(path, reader, "", alone=True)
    except (ImportError, OSError, RuntimeError) as error:
        return Credentials(str(path), UNDECIDED, _short(error))
    except c2pa.C2paError as error:
        return Credentials(str(path), BROKEN, f"they cannot be read ({_short(error)})")


@contextlib.contextmanager
def context(settings: dict) -> Iterator:
    """Open a c2pa context with settings, and close it."""
    import c2pa

    opened = c2pa.Context.from_dict(settings)
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def _judged(path: Path, mime: str | None, beside: bytes | None) -> Iterator:
    import c2pa

    with open(path, "rb") as file, context(_settings()) as settings:
        with c2pa.Reader(mime, file, beside, settings) as reader:
            yield reader


def _settings() -> dict:
    settings = {"verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}}
    trusted = authority.anchors()
    return {**settings, "trust": {"user_anchors": trusted}} if trusted else settings


def _told(path: Path, reader, where: str, alone: bool = False) -> Credentials:
    said = json.loads(reader.json())
    label = said.get("active_manifest") or ""
    active = said.get("manifests", {}).get(label, {})
    results = said.get("validation_results") or {}
    state, reason = _state(said.get("validation_state"), results, alone)
    signature = active.get("signature_info") or {}
    assertions = {one.get("label", ""): one.get("data") for one in active.get("assertions", [])}
    made = _table(assertions.get(MADE))
    who = _table(assertions.get("cawg.metadata"))
    ingredients = active.get("ingredients", [])
    model, training = _model(reader, ingredients)
    source = _source(assertions)
    generator = next(iter(active.get("claim_generator_info") or []), {})
    return Credentials(
        path=str(path),
        state=state,
        reason=reason,
        where=where,
        signer=_text(signature.get("common_name") or signature.get("issuer")),
        own=state == VALID and _text(signature.get("common_name")) in authority.own_names(),
        generator=_text(f"{generator.get('name', '')} {generator.get('version', '')}"),
        title=_text(active.get("title")),
        source=source,
        what=SOURCES.get(source, source),
        kind=_text(made.get("kind")),
        performer=_text(_table(who.get("schema:performer")).get("schema:name") or made.get("performer")),
        consent=_text(who.get("dc:rights") or made.get("consent")),
        model=_text(f"{model.get('bundle', '') or made.get('bundle', '')} {model.get('version', '')}"),
        model_sha256=_text(model.get("sha256") or made.get("digest")),
        training=training,
        payload=_soft(assertions),
        sound=_text(made.get("sound")),
        log_sha256=_text(made.get("log_sha256")),
        signed=_text(made.get("signed")),
        time_stamp=_text(signature.get("time")),
        made_from=tuple(_text(one.get("title")) for one in ingredients if not one.get("data_types")),
        label=label,
        results={"activeManifest": results["activeManifest"]} if results.get("activeManifest") else None,
    )


def _state(judged: str | None, results: dict, alone: bool) -> tuple[str, str]:
    """Turn the library's verdict into one of STATES and a reason; `alone`: a manifest without its file, whose hash can't fit."""
    if judged == "Trusted":
        return VALID, ""
    active = _table(results.get("activeManifest"))
    failures = [one.get("code", "") for one in active.get("failure", [])]
    for delta in results.get("ingredientDeltas") or []:
        failures += [one.get("code", "") for one in _table(_table(delta).get("validationDeltas")).get("failure", [])]
    if judged == "Valid":
        return UNTRUSTED, ""
    expected = {"signingCredential.untrusted"} | ({"assertion.dataHash.mismatch"} if alone else set())
    weighty = [code for code in failures if code not in expected]
    if alone and not weighty:
        trusted = any(one.get("code") == "signingCredential.trusted" for one in active.get("success", []))
        return (VALID if trusted else UNTRUSTED), "the manifest alone; whether a file is the one it was made for is not decided"
    if weighty and all(code in ("signingCredential.expired", "claimSignature.outsideValidity") for code in weighty):
        return EXPIRED, ""
    reasons = dict.fromkeys(_FAILURES.get(code, code) for code in weighty)
    return BROKEN, "; ".join(reasons) or "the library does not say why"


def _model(reader, ingredients: list[dict]) -> tuple[dict, tuple[dict, ...]]:
    """Read the tables that lie in the ingredients: the model, and what it was trained on."""
    model, training = {}, ()
    for one in ingredients:
        types = {kind.get("type", "") for kind in one.get("data_types") or [] if isinstance(kind, dict)}
        reference = _table(one.get("data")).get("identifier")
        if not reference or not any(kind.startswith(("c2pa.types.model", "c2pa.types.dataset")) for kind in types):
            continue
        try:
            target = io.BytesIO()
            reader.resource_to_stream(reference, target)
            content = json.loads(target.getvalue()[:_RESOURCE_MOST])
        except Exception:  # a resource of somebody else's making: it is only not told
            continue
        if any(kind.startswith("c2pa.types.model") for kind in types):
            model = model or _table(content)
        elif isinstance(data := _table(content).get("data"), list):
            training = training or tuple(entry for entry in data if isinstance(entry, dict))
    return model, training


def _source(assertions: dict) -> str:
    """Give the digital source type of the first action that tells one, without the address before it."""
    for label, data in assertions.items():
        if label.startswith("c2pa.actions"):
            for action in _table(data).get("actions") or []:
                if kind := _table(action).get("digitalSourceType"):
                    return str(kind).rsplit("/", 1)[-1]
    return ""


def _soft(assertions: dict) -> str:
    for label, data in assertions.items():
        if label.startswith("c2pa.soft-binding") and _table(data).get("alg") == MARK:
            for block in _table(data).get("blocks") or []:
                if payload := payload_hex(_table(block).get("value")):
                    return payload
    return ""


def _table(value) -> dict:
    return value if isinstance(value, dict) else {}


def _text(value) -> str:
    return " ".join(str(value).split())[:1000] if value else ""


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
