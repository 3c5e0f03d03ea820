"""`antiphon usage show|clear|on|off`: what was played and rendered here, for the owner's eyes."""

from __future__ import annotations

import argparse

HELP = "the log of what was played here: read it, clear it, switch it off"
DESCRIPTION = (
    "Show or clear the usage log: a line for each performance and rendering, kept on this machine only, two megabytes at most.\n"
    "off: note no more; on: note again."
)
ACTIONS = ("show", "clear", "on", "off")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="show", metavar="show|clear|on|off", help="default: show")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    """Do it; exit code 0. Raises UsageError where the log can't be read or removed."""
    from ..provenance import usage
    from ..verbs import document, say

    if options.action == "clear":
        cleared = usage.clear()
        if options.json:
            document({"cleared": cleared})
        else:
            print(f"cleared: {cleared} line{'s' * (cleared != 1)}")
        return 0
    if options.action in ("on", "off"):
        usage.switch(options.action == "on")
        if options.json:
            document({"on": usage.is_on()})
        else:
            stays = "; what was noted stays until `antiphon usage clear`" if options.action == "off" else ""
            print(f"the usage log is {options.action}{stays}")
        return 0
    found, damaged = usage.entries()
    if damaged:
        say(f"{damaged} damaged line{'s' * (damaged != 1)} left out")
    if options.json:
        document({"path": str(usage.path()), "on": usage.is_on(), "damaged": damaged, "entries": found})
        return 0
    for entry in found:
        when, kind = entry.pop("when", "?"), entry.pop("kind", "?")
        print("  ".join([f"{when}  {kind}", *(f"{key} {value}" for key, value in entry.items() if value not in (None, ""))]))
    if not found:
        say("nothing was noted" + ("" if usage.is_on() else "; the log is off"))
    elif not usage.is_on():
        say("the log is off")
    return 0
