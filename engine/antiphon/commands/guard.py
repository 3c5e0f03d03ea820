"""`antiphon guard`: registers of what the instrument must not quote or sound like.

One part a register: `guard work …` for protected works. A part is a row of PARTS: what adds its options, and what runs them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..cli import NOT_SO, OK

SHEETS = (".mid", ".midi", ".musicxml", ".xml", ".mxl")
HELP = "protected works and voices"
DESCRIPTION = """Keep registers of protected works, which an answer does not quote, and of protected voices.

They lie in your configuration, and are read when the instrument starts."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add a sub-parser for each part."""
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    for name, (about, options, _) in PARTS.items():
        part = parts.add_parser(name, help=about, description=about[:1].upper() + about[1:] + ".")
        options(part)


def run(options: argparse.Namespace) -> int:
    """Run the part that was named."""
    return PARTS[options.part][2](options)


def actions(parser: argparse.ArgumentParser) -> argparse._SubParsersAction:
    """Let a part have actions: `actions(parser).add_parser(...)`."""
    return parser.add_subparsers(dest="action", metavar="ACTION", required=True)


def json_flag(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def _work_options(parser: argparse.ArgumentParser) -> None:
    some = actions(parser)
    add = some.add_parser("add", help="register a work", description="Register a work, so that it is not quoted.")
    add.add_argument("file", metavar="FILE", type=Path, help="MIDI, MusicXML or a recording of one voice")
    add.add_argument("--title", metavar="TITLE", help="what it is called (default: the file's name)")
    add.add_argument("--owner", metavar="NAME", default="", help="whose it is")
    add.add_argument("--own", action="store_true", help="your own: it may be quoted")
    json_flag(add)
    json_flag(some.add_parser("list", help="list the registered works"))
    for name, about in (("remove", "take a work out of the register"), ("own", "your own: it may be quoted"),
                        ("not-own", "not your own any more: it is not quoted")):  # fmt: skip
        one = some.add_parser(name, help=about)
        one.add_argument("name", metavar="NAME", help="as `antiphon guard work list` has it")
        json_flag(one)


def _work(options: argparse.Namespace) -> int:
    from ..provenance import works
    from ..verbs import document, say

    if options.action == "list":
        found, problems = works.read()
        for problem in problems:
            say(problem)
        if options.json:
            document([work.as_json() for work in found])
        elif not found and not problems:
            say("no works in the register; add one with: antiphon guard work add FILE")
        elif found:
            print("\n".join(f"{work.name}: {_told(work)}" for work in found))
        return OK
    if options.action == "add":
        lines = _lines(options.file)
        work = works.add(options.title or options.file.stem, lines, options.owner, options.own, options.file.name)
    elif options.action == "remove":
        work = works.remove(options.name)
    else:
        work = works.mark_own(options.name, options.action == "own")
    if options.json:
        document(work.as_json())
    else:
        print(f"{work.name}: {'removed' if options.action == 'remove' else _told(work)}")
    say("the register is read when the instrument starts: one that plays now does not know of this yet")
    return OK


def _told(work) -> str:
    whose = f", {work.owner}" if work.owner else ""
    return f"{work.title}{whose}; {work.notes} notes; {'your own, may be quoted' if work.own else 'not to be quoted'}"


def _lines(path: Path) -> list[tuple]:
    """The lines of a sheet, or what is heard in a recording: (pitches, waits) each. Raises UsageError."""
    import numpy as np

    if path.suffix.lower() in SHEETS:
        from ..train import sheets

        found = []
        for line in sheets.read(path):
            onset, length = line.notes[:, 1], line.notes[:, 2]
            found.append((line.notes[:, 0], np.append(np.diff(onset), length[-1:])))
        return found
    heard = _heard(path)
    onset = np.array([note.onset_hop for note in heard], float)
    waits = np.append(np.diff(onset), [note.sounding_hops for note in heard[-1:]])
    return [(np.array([note.pitch for note in heard]), waits)]


def _heard(path: Path) -> list:
    """The notes of a recording as the instrument hears them live. Raises UsageError."""
    import numpy as np

    from ..audiofile import read
    from ..cli import DEFAULT_BUNDLE
    from ..kernels import Resampler
    from ..model.bundle import Bundle
    from ..model.segment import Segmenter
    from ..model.tokenizer import Tokenizer
    from ..model.tokens import HOP, MODEL_RATE
    from ..verbs import say

    recording = read(path)
    for note in recording.notes:
        say(note)
    tokenizer, segmenter = Tokenizer(Bundle.open(DEFAULT_BUNDLE).graph("tokenizer")), Segmenter()
    sound = np.append(recording.sound.mean(1), np.zeros(recording.samplerate, np.float32))  # a last note ends in silence
    sound = Resampler(recording.samplerate, MODEL_RATE).process(sound).copy()
    notes = []
    for hop in sound[: len(sound) // HOP * HOP].reshape(-1, HOP):
        notes += segmenter.step(tokenizer.step(hop))
    return [note for note in notes + segmenter.flush() if note.pitch > 0]


def _voice_options(parser: argparse.ArgumentParser) -> None:
    some = actions(parser)
    add = some.add_parser(
        "add", help="register a voice",
        description="Register a voice, so that nobody is answered in it. 48 numbers are kept of the clip, a print, and no sound.",
    )  # fmt: skip
    add.add_argument("clip", metavar="CLIP", type=Path, help="5 s or more of this voice or instrument alone; better 20")
    add.add_argument("--owner", metavar="NAME", required=True, help="whose voice it is")
    add.add_argument("--note", metavar="TEXT", default="", help="a line to keep with it, as who asked for it, and when")
    json_flag(add)
    json_flag(some.add_parser("list", help="list the registered voices"))
    remove = some.add_parser("remove", help="take a voice out of the register")
    remove.add_argument("name", metavar="NAME", help="as `antiphon guard voice list` has it")
    json_flag(remove)
    about = "Compare a clip with all registered voices. Exit code 1: none."
    test = some.add_parser("test", help="is a clip one of these voices?", description=about)
    test.add_argument("clip", metavar="CLIP", type=Path)
    json_flag(test)


def _voice(options: argparse.Namespace) -> int:
    from ..provenance import voices
    from ..verbs import document, say

    if options.action in ("list", "test"):
        found, problems = voices.read()
        for problem in problems:
            say(problem)
    if options.action == "test":
        return _voice_test(options, found)
    if options.action == "list":
        if options.json:
            document([voice.as_json() for voice in found])
        elif not found and not problems:
            say("no voices in the register; add one with: antiphon guard voice add CLIP --owner NAME")
        elif found:
            print("\n".join(f"{voice.name}: {_voice_told(voice)}" for voice in found))
        return OK
    if options.action == "add":
        voice = voices.add(options.owner, voiced(options.clip), options.note, options.clip.name)
    else:
        voice = voices.remove(options.name)
    if options.json:
        document(voice.as_json())
    else:
        print(f"{voice.name}: {'removed' if options.action == 'remove' else _voice_told(voice)}")
    if options.action == "add":
        say("a print of 48 numbers is kept, no sound; how often it is right and wrong is in RESPONSIBLE_USE.md")
    say("the register is read when the instrument starts: one that plays now does not know of this yet")
    return OK


def _voice_test(options: argparse.Namespace, found: list) -> int:
    import numpy as np

    from ..provenance import voices
    from ..verbs import document, say

    heard = voiced(options.clip)
    voices.require(heard, str(options.clip))
    alike = voices.likeness(np.array([voice.print for voice in found]), voices.print_of(heard[: voices.MOST])) if found else []
    rows = [{"name": voice.name, "owner": voice.owner, "likeness": round(float(how), 2), "match": bool(how >= voices.THRESHOLD)}
            for voice, how in sorted(zip(found, alike, strict=True), key=lambda pair: -pair[1])]  # fmt: skip
    if options.json:
        document({"file": str(options.clip), "seconds": len(heard) * 0.02, "threshold": voices.THRESHOLD, "voices": rows})
    elif not rows:
        say("no voices in the register")
    for row in rows if not options.json else ():
        print(f"{row['name']}: likeness {row['likeness']:.1f}{', a match' if row['match'] else ''} (from {voices.THRESHOLD:g} on)")
    return OK if any(row["match"] for row in rows) else NOT_SO


def _voice_told(voice) -> str:
    return f"{voice.owner}; {voice.seconds:.0f} s; added {voice.added}" + (f"; {voice.note}" if voice.note else "")


def voiced(path: Path):
    """What `provenance.voices` takes of a recording: the coefficients (hops, 24) of its hops with a pitch, as the instrument hears
    them live. Raises UsageError."""
    from ..audiofile import read
    from ..verbs import say

    recording = read(path)
    for note in recording.notes:
        say(note)
    return voiced_in(recording.sound.mean(1), recording.samplerate)


def voiced_in(sound, samplerate: int, tokenizer=None):
    """The same of sound (frames,) float32, by this tokenizer or the default bundle's."""
    import numpy as np

    from ..cli import DEFAULT_BUNDLE
    from ..kernels import Resampler
    from ..model.bundle import Bundle
    from ..model.level import InputGain
    from ..model.timbre import HEARD, Heard, bands, loudness_class
    from ..model.tokenizer import Tokenizer
    from ..model.tokens import HOP, MODEL_RATE
    from ..provenance.voices import CEPSTRA, cepstra

    tokenizer = tokenizer or Tokenizer(Bundle.open(DEFAULT_BUNDLE).graph("tokenizer"))
    tokenizer.reset()
    level, features = InputGain(), np.zeros(HEARD, np.float32)
    ear, shape, found = Heard(features), bands(features), []
    sound = Resampler(samplerate, MODEL_RATE).process(np.ascontiguousarray(sound, np.float32)).copy()
    for hop in sound[: len(sound) // HOP * HOP].reshape(-1, HOP):
        frame = tokenizer.step(hop)
        level.step(frame.loudness_db, frame.voiced)
        loudness_db = ear.step(hop * np.float32(level.gain), np.full(2, frame.pitch, np.float32))
        if frame.voiced and loudness_class(loudness_db) > 0:
            found.append(cepstra(shape))
    return np.array(found, np.float32).reshape(-1, CEPSTRA)


PARTS = {
    "work": ("works that are not quoted", _work_options, _work),
    "voice": ("voices that nobody is answered in", _voice_options, _voice),
}
