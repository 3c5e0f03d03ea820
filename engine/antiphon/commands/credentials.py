"""`antiphon credentials show|find|authority|clear`: content credentials (C2PA) of files, who signs here, and kept manifests."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "content credentials (C2PA): read them, find them again, and who signs"
DESCRIPTION = """Content credentials (C2PA): signed statements, in a file, of how it was made.

show FILE: what they say and whether they hold. Exit code 1: there are none, or they are not valid.
find FILE|PAYLOAD: manifests kept here for the mark in a file, or for its payload: what was stripped from a file.
authority [show|new]: who signs here. Your own certificate: own.toml in the folder that is shown, certificate = "CHAIN.pem" and
key = "KEY.pem", or ANTIPHON_CERTIFICATE and ANTIPHON_KEY. Authorities you trust: PEM files in the folder trusted there.
clear [--before DAY]: take kept manifests away; nothing else ever does."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="what the credentials of a file say, and whether they hold")
    show.add_argument("file", metavar="FILE", type=Path)
    find = actions.add_parser("find", help="kept manifests of the mark in a file, or of its payload")
    find.add_argument("what", metavar="FILE|PAYLOAD", help="a sound file, or the 12 hexadecimal digits of a payload")
    who = actions.add_parser("authority", help="who signs here")
    new = "new: a new authority of this installation's own; what the former one signed stays trusted here"
    who.add_argument("part", metavar="show|new", nargs="?", choices=("show", "new"), default="show", help=new)
    who.add_argument("--pem", action="store_true", help="print the certificates, to give to whoever should trust them")
    clear = actions.add_parser("clear", help="take kept manifests away")
    clear.add_argument("--before", metavar="DAY", help="only those signed before, as 2026-08-02")
    for action in (show, find, who, clear):
        action.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    """Do it. Exit code 1: no valid credentials, or nothing found. Raises UsageError."""
    return {"show": _show, "find": _find, "authority": _authority, "clear": _clear}[options.action](options)


def _show(options: argparse.Namespace) -> int:
    from ..cli import NOT_SO, OK, UNUSABLE
    from ..provenance.reading import UNDECIDED, VALID, read
    from ..verbs import document

    found = read(options.file)
    if options.json:
        document(found.as_json())
    else:
        print("\n".join([f"{options.file}", *(f"  {line}" for line in found.lines())]))
    return OK if found.state == VALID else UNUSABLE if found.state == UNDECIDED else NOT_SO


def _find(options: argparse.Namespace) -> int:
    from ..cli import NOT_SO, OK
    from ..provenance import container, manifests
    from ..provenance.reading import read_manifest
    from ..verbs import document, say

    path = Path(options.what)
    payload, sound = options.what, ""
    if path.exists():
        payload, sound = _payload(path), container.sound_of(container.look(path))
        if not payload:
            say(f"{path}: neither credentials nor a mark whose payload can be read")
    found = manifests.find(payload) if payload else []
    same = [one.sound == sound if one.sound and sound else None for one in found]
    told = [read_manifest(one.manifest) for one in found]
    if options.json:
        entries = [{**one.as_json(), "same_sound": alike, "credentials": says.as_json()}
                   for one, alike, says in zip(found, same, told, strict=True)]  # fmt: skip
        document({"payload": payload or None, "found": entries})
    for one, alike, says in zip(found, same, told, strict=True) if not options.json else ():
        print(f"{one.manifest}: {one.kind}, {one.file or 'name not told'}, signed {one.signed or 'at a time not told'}")
        if path.exists():
            print(f"  the sound of {path.name}: {_SOUND[alike]}")
        print("\n".join(f"  {line}" for line in says.lines()))
    if payload and not found:
        say(f"nothing was kept for the payload {payload}")
    return OK if found else NOT_SO


_SOUND = {
    True: "the same, bit for bit",
    False: "not the same bytes: changed, or in another form",
    None: "cannot be compared; a take's own log has the hash of every second of it",
}


def _payload(path: Path) -> str:
    """Give the payload that a file's credentials tell, else the one that is heard in it; "" where there is none."""
    from ..provenance.claim import payload_hex
    from ..provenance.reading import read

    if told := read(path).payload:
        return told
    from ..provenance.verify import verify

    return next((payload_hex(one.payload) for one in verify(path).finding.payloads), "")


def _authority(options: argparse.Namespace) -> int:
    from ..cli import OK
    from ..errors import UsageError
    from ..provenance import authority, credentials
    from ..verbs import document

    if not credentials.available():
        raise UsageError(credentials.HINT)
    who = authority.new_root() if options.part == "new" else authority.current()
    if options.json:
        document(who.as_json())
    elif options.pem:
        print(who.chain, end="")
    else:
        print(f"{who.subject}, {who.algorithm}, until {who.until:%Y-%m-%d}")
        print("  this installation's own: nobody else vouches for it" if who.own else "  your certificate")
        print(f"  SHA-256 of the authority {who.fingerprint}\n  {authority.folder()}")
    return OK


def _clear(options: argparse.Namespace) -> int:
    from ..cli import OK
    from ..provenance import manifests
    from ..verbs import document

    gone = manifests.clear(options.before)
    if options.json:
        document({"cleared": gone})
    else:
        print(f"cleared: {gone} manifest{'s' * (gone != 1)}")
    return OK
