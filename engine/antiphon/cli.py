"""The command line: `antiphon VERB`. What each verb does is in verbs.py and live.py, imported when it is called.

Exit codes: 0 done; 1 the thing asked about is not so; 2 wrong usage or unusable input, with one line that says what
and how to mend it; 130 interrupted. With --json one document goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys

from . import __version__, commands
from .arguments import lead, named, one_of, place, port, positive, seconds, semitones
from .errors import AntiphonError, UsageError, nearest
from .params import REGISTRY, surfaces
from .params.presets import load_preset, preset_files
from .params.words import must_understand

OK, NOT_SO, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
DEFAULT_BUNDLE = "hum"
_OUT_OF_REACH = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP)
TRAIN_ACTIONS = ("run", "prepare", "fit", "prune", "quantise", "export", "evaluate", "card", "adapt")


def main(argv: list[str] | None = None) -> int:
    """Run one command and give its exit code; never a traceback for something the user did."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _replace_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a file name or a note sign must not end a performance
    try:
        code = _run(arguments)
        sys.stdout.flush()  # here, where a full disk can still be told
        return code
    except AntiphonError as error:
        _say(f"antiphon: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say("antiphon: interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # `antiphon params | head`: the reader has had enough
        _drop_stdout()
        return OK
    except OSError as error:
        if error.filename and error.errno in _OUT_OF_REACH:
            _say(f"antiphon: {str(error.filename)[:200]}: cannot be reached ({error.strerror})")
            return UNUSABLE
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _drop_stdout()
        _say(f"antiphon: the output cannot be written ({error.strerror}); is the disk full?")
        return UNUSABLE
    except SystemExit as leaving:  # argparse, after --help and --version
        return int(leaving.code or 0)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Turn arguments into options; `verb` names the verb. Raises UsageError with the nearest for anything unknown."""
    parser, verbs = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        raise UsageError(f"no command given; choose one of {', '.join(verbs)}")
    first = arguments[0]
    if not first.startswith("-") and first not in verbs:
        near = nearest(first, verbs)
        raise UsageError(
            f"no command {first!r}; "
            + (f"did you mean {' or '.join(near)}?" if near else f"there is: {', '.join(verbs)}")
        )
    # What comes after -- is for the program that the verb starts; argparse would look for positionals there.
    at = arguments.index("--") if first == "bench" and "--" in arguments else len(arguments)
    options, unknown = parser.parse_known_args(_join_negatives(arguments[:at]))
    options.further = arguments[at + 1 :]
    if unknown:
        flags = [name for action in verbs[options.verb]._actions for name in action.option_strings]
        wrong = unknown[0].partition("=")[0]
        if not wrong.startswith("-"):
            raise UsageError(f"{options.verb}: {wrong!r} is too much; see antiphon {options.verb} --help")
        near = nearest(wrong, flags)
        hint = f"did you mean {' or '.join(near)}?" if near else f"see antiphon {options.verb} --help"
        raise UsageError(f"{options.verb}: no option {wrong!r}; {hint}")
    return options


def _run(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.verb == "play":
        from .live import play

        return play(options)
    if options.verb in commands.NAMES:
        return commands.load(options.verb).run(options)
    from . import verbs

    return getattr(verbs, options.verb)(options)


class _Parser(argparse.ArgumentParser):
    """argparse that raises UsageError, and takes no shortened flags (a new flag must not change what they mean)."""

    def __init__(self, **keywords):
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str):
        message = re.sub(r"^argument (-\S+(/-\S+)*):", lambda found: found[1].split("/")[-1] + ":", message)
        raise UsageError(f"{message}; see {self.prog} --help")


def _parser() -> tuple[_Parser, dict[str, argparse.ArgumentParser]]:
    parser = _Parser(
        prog="antiphon",
        description="Antiphon listens to a performer and carries the music on.",
        epilog="Hum a phrase, stop, and hear it carried on: antiphon play\n"
        "Carry a recording on:                  antiphon render phrase.wav -o carried-on.wav",
    )
    parser.add_argument("--version", action="version", version=f"antiphon {__version__}")
    group = parser.add_subparsers(dest="verb", metavar="COMMAND", parser_class=_Parser)
    _play(
        group.add_parser(
            "play",
            help="play live",
            description="Play live: microphone in, dry sound and voice out. "
            "Without a sound device the built-in hummed phrase is carried on, silently.",
        )
    )
    _render(
        group.add_parser(
            "render",
            help="carry a recording on",
            description="Carry a recording on, as fast as the machine can. "
            "The same IN, seed, bundle and values give the same bytes.",
        )
    )
    _devices(group.add_parser("devices", help="list sound devices", description="List sound devices."))
    _doctor(
        group.add_parser(
            "doctor",
            help="is this machine fit to play?",
            description="Look at everything a performance needs, "
            "and print the latency as a sum. Exit code 1: not fit to play.",
        )
    )
    _params(group.add_parser("params", help="the table of all controls", description="Show the parameter table."))
    _bundle(group.add_parser("bundle", help="look at a trained model", description="Show or verify a model bundle."))
    _train(
        group.add_parser(
            "train",
            help="make a bundle, or judge one",
            description="Make a bundle from a recipe or from your recordings, or judge one. Needs the [train] extra.",
        )
    )
    for name in commands.NAMES:
        command = commands.load(name)
        command.add_options(group.add_parser(name, help=command.HELP, description=command.DESCRIPTION))
    return parser, dict(group.choices)


def _play(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--driver",
        type=one_of("portaudio", "dummy", "auto"),
        metavar="DRIVER",
        default="auto",
        help="portaudio: a sound device. dummy: a clock without one. auto: portaudio where there is a device (default)",
    )
    parser.add_argument(
        "--input",
        metavar="DEV|FILE",
        help="device by name, part of one or index; or a sound file for the dummy driver, played once and answered",
    )
    parser.add_argument(
        "--output", metavar="DEV|FILE", help="device; or a .wav or .flac file to write, for the dummy driver"
    )
    parser.add_argument(
        "--channel", type=positive, metavar="N", help="input channel to listen to, from 1 (default: the mean of all)"
    )
    parser.add_argument("--samplerate", type=positive, metavar="HZ", help="8000 to 192000 (default: the device's)")
    parser.add_argument(
        "--blocksize", type=positive, metavar="FRAMES", default=128, help="frames of one callback (default: 128)"
    )
    parser.add_argument(
        "--lead",
        type=lead,
        metavar="MS|auto",
        help="milliseconds the model has for a step beyond one block; auto: 6, and more by itself, up to 20, where steps "
        "are late (default)",
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", help="stop after this long (default: play until Ctrl-C)"
    )
    parser.add_argument("--loop", action="store_true", help="repeat an input file")
    parser.add_argument(
        "--take",
        type=named,
        metavar="DIR",
        help="record a take into a new folder: your sound, the voice, the mix, every event, and the proof of how it was made",
    )
    parser.add_argument(
        "--osc",
        metavar="PORT|off",
        type=port,
        help="UDP port for OSC, 0 for any (default: 9000, or the next that is free)",
    )
    parser.add_argument(
        "--osc-bind",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address OSC listens on (default: 127.0.0.1, this machine only; 0.0.0.0 opens it to the network)",
    )
    parser.add_argument("--osc-tcp", type=one_of("on", "off"), metavar="on|off", default="on", help="OSC over TCP too, on the same port number (default: on)")
    parser.add_argument(
        "--oscquery", metavar="PORT|off", type=port, help="TCP port for OSCQuery (default: 9100, or the next that is free)"
    )
    parser.add_argument(
        "--announce",
        type=one_of("on", "off"),
        metavar="on|off",
        default="on",
        help="announce OSC and OSCQuery over mDNS, as far as OSC is open (default: on)",
    )
    _midi(parser)
    parser.add_argument("--plain", action="store_true", help="lines instead of the live view")
    _common(parser)


def _midi(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("MIDI")
    group.add_argument(
        "--midi", action="append", metavar="PORT|all|off", help="input to listen to, by part of its name; repeatable (default: all)"
    )
    group.add_argument("--midi-out", metavar="PORT|own|off", default="off", help="send what is sung as notes with bends (default: off)")
    group.add_argument("--midi-mpe", action="store_true", help="a channel for each note, as MPE has it")
    group.add_argument("--midi-bend", type=semitones, metavar="SEMITONES", help="range of the bends sent, 1 to 96 (default: 2, with MPE 48)")
    group.add_argument(
        "--midi-clock-out", type=one_of("on", "off"), metavar="on|off", default="off", help="send the tempo as MIDI clock (default: off)"
    )
    group.add_argument("--midi-feedback", metavar="PORT|off", default="off", help="send values back to a controller's faders (default: off)")
    group.add_argument("--midi-takeover", action="store_true", help="a knob moves nothing until it has passed the value")
    group.add_argument("--midi-api", metavar="NAME", help="alsa, jack, core or winmm (default: the first that works)")
    parser.add_argument(
        "--link", type=place, metavar="HOST:PORT", default=("127.0.0.1", 17000),
        help="where Carabiner tells of Ableton Link, for sync link (default: 127.0.0.1:17000)",
    )  # fmt: skip


def _render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", help="WAV, FLAC, OGG or MP3 at 8 to 192 kHz, up to 64 channels")
    parser.add_argument(
        "-o", "--out", metavar="OUT", required=True, help=".wav or .flac to write: IN followed by its answer, 24 bits"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", default=15.0, help="length of the answer (default: 15)"
    )
    parser.add_argument("--answer-only", action="store_true", help="leave IN out of OUT")
    parser.add_argument("--stems", metavar="DIR", help="also write prompt.wav and voice.wav there")
    parser.add_argument(
        "--no-credentials", action="store_true", help="do not sign what is written: then the same input gives the same bytes, not only the same sound"
    )
    _common(parser)


def _devices(parser: argparse.ArgumentParser) -> None:
    _json(parser)


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--driver",
        type=one_of("portaudio", "dummy"),
        metavar="DRIVER",
        default="portaudio",
        help="portaudio or dummy (default: portaudio)",
    )
    parser.add_argument("--input", metavar="DEV", help="device by name, part of one or index")
    parser.add_argument("--output", metavar="DEV", help="device")
    parser.add_argument("--samplerate", type=positive, metavar="HZ")
    parser.add_argument(
        "--blocksize", type=positive, metavar="FRAMES", help="frames of one callback (default: 64 to 512 are tried, smallest first)"
    )
    parser.add_argument(
        "--bundle", metavar="NAME", default=DEFAULT_BUNDLE, help=f"name or folder (default: {DEFAULT_BUNDLE})"
    )
    parser.add_argument(
        "--seconds", type=seconds, metavar="S", default=2.0, help="how long to run the model (default: 2)"
    )
    _json(parser)


def _params(parser: argparse.ArgumentParser) -> None:
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="the table as one JSON document")
    forms.add_argument("--markdown", action="store_true", help="the table as the manual has it")
    forms.add_argument("--words", action="store_true", help="the words that --ask and /antiphon/ask understand")
    forms.add_argument("--clients", metavar="DIR", help="write the clients for Pd, SuperCollider, Max and others under DIR")


def _bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        type=one_of("info", "check"),
        metavar="info|check",
        help="info: what it is. check: read and verify every byte of it",
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default=DEFAULT_BUNDLE, help=f"name or folder (default: {DEFAULT_BUNDLE})"
    )
    parser.add_argument("--card", action="store_true", help="with info: the model card, for people")
    _json(parser)


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        type=one_of(*TRAIN_ACTIONS),
        metavar="ACTION",
        help="run: every stage of a recipe. prepare, fit, prune, quantise, export: its stages of that phase. evaluate: what it "
        "hears, sounds and answers, judged on recordings. card: the model card. adapt: a bundle of your own from your recordings",
    )
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see antiphon train ACTION --help")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bundle",
        metavar="NAME",
        default=DEFAULT_BUNDLE,
        help=f'trained model, by name or folder (default: {DEFAULT_BUNDLE}); "echo" needs none',
    )
    parser.add_argument(
        "--preset",
        metavar="NAME|FILE",
        help=f"values to start with: {', '.join(preset_files())}, or a .toml file",
    )
    parser.add_argument(
        "--ask",
        metavar="WORDS",
        help='ask for it in words, as in --ask "slow, a bit darker, in D dorian"; `antiphon params --words` lists them',
    )
    parser.add_argument(
        "--performer", metavar="NAME", help="who performs, for the record (default: as told before, or asked once where a take is recorded)"
    )
    _json(parser)
    surfaces.add_flags(parser, REGISTRY)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, everything else on stderr")


def values_of(options: argparse.Namespace) -> dict:
    """Collect the rows' values: the preset's, then what was asked for in words, then --set and flags in the order given.

    Says what the words were taken for, and which values are not as they were given.
    """
    preset = load_preset(options.preset, REGISTRY) if options.preset else None
    values = dict(preset.values) if preset else {}
    said = list(preset.remarks) if preset else []
    if options.ask is not None:
        asked = must_understand(options.ask, REGISTRY, values)
        values |= asked.values
        said += asked.lines()
    for line in (*said, *options.remarks):
        _say(f"antiphon: {line}")
    return values | dict(options.rows)


def _join_negatives(arguments: list[str]) -> list[str]:
    """Write `--dry -6dB` as `--dry=-6dB`: argparse takes only plain negative numbers for values."""
    joined: list[str] = []
    for argument in arguments:
        if joined and re.match(r"-\.?\d", argument) and re.fullmatch(r"--[a-z][a-z-]*|-o", joined[-1]):
            joined[-1] += ("" if joined[-1] == "-o" else "=") + argument
        else:
            joined.append(argument)
    return joined


def _replace_closed_streams() -> None:
    """Give a program that was started without one of its three streams a stream that leads nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is the closed stream's own: no socket or segment will be taken for it later.
            setattr(sys, name, open(os.devnull, mode))


def _drop_stdout() -> None:
    """Let what is still in the buffer go nowhere, so that nobody complains of it at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        pass  # the terminal has gone; the exit code still tells


if __name__ == "__main__":
    sys.exit(main())
