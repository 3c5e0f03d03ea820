"""`antiphon keys`: the installation's keys of the mark."""

from __future__ import annotations

import argparse

HELP = "the keys of this installation's mark"
DESCRIPTION = (
    "The key with which this installation writes and reads the payload of its mark. It is made at first use and kept in the "
    "player's folder, for its owner alone. Whoever has it can read which take a sound is from, and can forge that: keep "
    "exported files as you would a password. show: list them. rotate: use a new one from the next start on; old ones still "
    "verify. export FILE: write all to a file. import FILE: take over those of another installation, to verify with, or to "
    "go on with where there are none yet."
)
_ACTIONS = ("show", "rotate", "export", "import")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="show", metavar="show|rotate|export|import")
    parser.add_argument("file", nargs="?", metavar="FILE", help="for export and import")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    from ..cli import OK
    from ..errors import UsageError
    from ..provenance import keys
    from ..verbs import document, say

    action = options.action
    if (options.file is None) == (action in ("export", "import")):
        raise UsageError(f"keys {action}: " + ("name a FILE" if options.file is None else f"{options.file!r} is too much"))
    done = ""
    if action == "rotate":
        done = f"key {keys.rotate().id} is used from the next start on"
    elif action == "export":
        done = f"{options.file}: {keys.export(options.file)} keys; whoever has it can read and forge this installation's mark"
    elif action == "import":
        added = keys.take_in(options.file)
        done = f"{len(added)} new keys: {', '.join(key.id for key in added)}" if added else "no key in it is new here"
    used = keys.current()
    listed = keys.known()
    for note in dict.fromkeys([*(key.note for key in [used, *listed] if key.note), *keys.damaged()]):
        say(note)
    if options.json:
        document({"folder": str(keys.folder()), "in_use": used.id, "done": done, "keys": [
            {"id": key.id, "made": key.made, "file": str(key.path) if key.path else None, "in_use": key.id == used.id}
            for key in listed]})
        return OK
    if done:
        print(done)
    if action == "show":
        for key in listed:
            print(f"{key.id}  made {key.made}  {key.path or 'for this run only'}{'  in use' if key.id == used.id else ''}")
    return OK
