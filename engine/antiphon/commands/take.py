"""`antiphon take`: look at a recorded performance, check it to the byte, make it whole, write its stems as FLAC."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageError, did_you_mean

HELP = "check, repair or look at a recorded take"
DESCRIPTION = (
    "A take is the folder that `play --take` wrote.\n"
    "verify: compare every byte with the take's log. repair: make one whole that was killed while it was written.\n"
    "info: what it is, and what its answers were nearest to. sign: give content credentials to stems that have none.\n"
    "flac: its stems as FLAC, the disclosure in their tags. Exit code 1: not as it was recorded."
)
ACTIONS = ("verify", "repair", "info", "sign", "flac")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("action", type=_action, metavar="|".join(ACTIONS), help="what to do with it")
    parser.add_argument("take", metavar="TAKE", help="the take's folder")
    parser.add_argument(
        "--force", action="store_true", help="with repair: keep what is there even where it is not as it was recorded"
    )
    parser.add_argument("--into", metavar="DIR", help="with flac: where to (default: the take's own folder)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def run(options: argparse.Namespace) -> int:
    """Do it; 0 where the take is whole, 1 where it is not."""
    if options.force and options.action != "repair":
        raise UsageError(f"take {options.action}: --force is for repair; leave it out")
    if options.into and options.action != "flac":
        raise UsageError(f"take {options.action}: --into is for flac; leave it out")
    return {"verify": _verify, "repair": _repair, "info": _info, "sign": _sign, "flac": _flac}[options.action](options)


def _action(text: str) -> str:
    if text not in ACTIONS:
        raise argparse.ArgumentTypeError(f"there is no {text!r}, only {', '.join(ACTIONS)}{did_you_mean(text, ACTIONS)}")
    return text


def _verify(options: argparse.Namespace) -> int:
    from ..take import verify
    from ..verbs import document

    report = verify(options.take)
    if options.json:
        document(report.as_json())
    else:
        print(f"{options.take}: " + ("as it was recorded, to the byte" if report.ok else "not as it was recorded"))
        print("\n".join(f"  {line}" for line in (*report.problems, *_about(report), *report.notes)))
    return 0 if report.ok else 1


def _repair(options: argparse.Namespace) -> int:
    from ..take import repair, verify
    from ..takes import sign
    from ..verbs import document, say

    report = repair(options.take, force=options.force)
    unsigned = sign(Path(options.take)) if report.changed else ""
    after = verify(options.take)
    if options.json:
        document({**report.as_json(), "ok": after.ok, "problems": after.problems})
    elif not report.changed:
        print(f"{options.take}: nothing to repair")
    else:
        print(f"{options.take}: {report.seconds:.2f} s are whole and closed")
        if report.tail_s:
            print(f"  {report.tail_s:.2f} s of them were on the disk and in no record; they are recorded as found")
        if report.lost_s:
            print(f"  {report.lost_s:.2f} s that had been recorded are gone")
        for name, count in report.cut.items():
            print(f"  {name}: {count} bytes taken off its end")
    if not options.json:
        print("".join(f"  {line}\n" for line in report.notes), end="")
    if unsigned:
        say(f"antiphon: {unsigned}")
    for line in after.problems:
        say(f"antiphon: take {options.take}: {line}")
    return 0 if after.ok else 1


def _info(options: argparse.Namespace) -> int:
    from ..take import Take
    from ..verbs import document

    take = Take(options.take)
    if options.json:
        document(
            {
                "take": str(take.folder),
                "frames": take.frames,
                "seconds": take.seconds,
                "closed": take.closed,
                "reason": take.reason,
                "head": take.head,
                "about": take.about,
                "answers": list(take.answers()),
            }
        )
        return 0
    channels = ", ".join(f"{name} {count}" for name, count in take.about["channels"].items())
    print(f"{take.folder}: {take.seconds:.1f} s, {take.samplerate} Hz, channels: {channels}")
    print(f"  begun {take.about['started']}, mark {take.id}, performed by {take.performer or 'nobody who was named'}")
    print(f"  ended: {take.reason}" if take.closed else "  not closed: it is being written, or wants antiphon take repair")
    for key in ("consent", "bundle", "seed", "software"):
        if key in take.about:
            print(f"  {key}: {take.about[key]}")
    for number, answer in enumerate(take.answers(), 1):
        shares = ", ".join(f"{share['name']} {100 * share['share']:.0f} %" for share in answer["shares"])
        near = f"; nearest {answer['nearest'][0]['name']}, {answer['nearest'][0]['notes']} notes in a row" if answer["nearest"] else ""
        print(f"  answer {number}, {answer['notes']} notes: {shares}{near}")
    return 0


def _sign(options: argparse.Namespace) -> int:
    from ..provenance import credentials
    from ..take import verify
    from ..verbs import document

    if not verify(options.take).closed:
        raise UsageError(f"take {options.take}: is not closed; antiphon take repair {options.take} closes and signs it")
    signed = [str(path) for path in credentials.sign_take(options.take)]
    if options.json:
        document({"take": options.take, "signed": signed})
    else:
        print("\n".join(signed) or f"{options.take}: its stems are signed already")
    return 0


def _flac(options: argparse.Namespace) -> int:
    from ..take import to_flac
    from ..verbs import document

    written = [str(path) for path in to_flac(options.take, options.into)]
    if options.json:
        document({"take": options.take, "files": written})
    else:
        print("\n".join(written))
    return 0


def _about(report) -> list[str]:
    who = report.performer or "nobody who was named"
    said = [f"{report.seconds:.1f} s, begun {report.started}, mark {report.id}, performed by {who}"]
    if report.closed:
        said.append(f"ended: {report.reason}; {report.records} records, head {report.head}")
    if report.gap_count:
        where = ", ".join(f"{frame / report.samplerate:.1f} s ({why})" for frame, _, why in report.gaps[:5])
        more = " ..." if report.gap_count > 5 else ""
        gaps = f"{report.gap_count} gap{'s' * (report.gap_count > 1)}"
        said.append(f"{report.gap_s:.2f} s were lost in {gaps} and are silence: at {where}{more}")
    return said
