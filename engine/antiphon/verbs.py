"""What the verbs of the command line do, but for `play` (live.py). Each takes the options and gives an exit code."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from pathlib import Path

from .cli import NOT_SO, OK, values_of
from .errors import BundleError, UsageError
from .params import REGISTRY, surfaces


def render(options: argparse.Namespace) -> int:
    """Carry a recording on."""
    from . import __version__
    from .provenance import usage
    from .provenance.person import performer
    from .render import OWN_ROWS
    from .render import render as run
    from .takes import of_bundle

    values, person = values_of(options), performer(options.performer)
    for path in OWN_ROWS:
        if path in values:
            say(f"render answers once, from the end of IN: {path} has no effect here")
    seed = values.pop("seed", REGISTRY.resolve("seed").default)
    bar = Bar(options.out) if sys.stderr.isatty() else None
    try:
        result = run(
            options.input,
            options.out,
            seconds=options.seconds,
            seed=seed,
            bundle=options.bundle,
            values=values,
            answer_only=options.answer_only,
            stems=options.stems,
            progress=bar,
            performer=person,
            credentials=not options.no_credentials,
        )
    finally:
        if bar:
            bar.close()
    usage.note("render", version=__version__, bundle=options.bundle, digest=lambda: of_bundle(options.bundle)["model_hash"],
               seconds=round(result.answer_frames / result.samplerate, 1), answers=1, payload=result.payload, file=result.output,
               performer=person.name)  # fmt: skip
    for note in result.notes:
        say(note)
    if options.json:
        document(dataclasses.asdict(result))
        return OK
    rate, channels = result.samplerate, result.channels
    print(
        f"{result.output}: {result.prompt_frames / rate:.1f} s heard, {result.answer_frames / rate:.1f} s of answer, "
        f"{rate} Hz, {channels} channel{'s' * (channels != 1)}, peak {result.peak_db:.1f} dB, "
        f"{result.real_time_factor:.0f} times real time"
    )
    return OK


def train(options: argparse.Namespace) -> int:
    """Run a recipe or one phase of it, judge a bundle, write its card, or adapt one."""
    try:
        if options.action == "evaluate":
            from .train.evaluate import main
        elif options.action == "card":
            from .train.card import main
        elif options.action == "adapt":
            from .train.adapt import main
        else:
            from .train import pipeline

            return pipeline.main(options.rest, options.action)
        return main(options.rest)
    except ModuleNotFoundError as error:
        raise UsageError(f"train needs {error.name!r}, which is not installed; install antiphon[train]") from None


def devices(options: argparse.Namespace) -> int:
    """List sound devices."""
    from .audio.devices import as_json, list_devices

    found = list_devices()
    if options.json:
        document(as_json(found))
        return OK
    if not found:
        say("no sound devices; `antiphon play` carries on the built-in hummed phrase without one")
    for device in found:
        marks = [
            word
            for word, on in (("default input", device.default_input), ("default output", device.default_output))
            if on
        ]
        print(
            f"{device.index:3}  {device.name}, {device.host}: {device.in_channels} in, {device.out_channels} out, "
            f"{device.samplerate} Hz" + (f"  ({', '.join(marks)})" if marks else "")
        )
    return OK


def params(options: argparse.Namespace) -> int:
    """Show the parameter table, or write the clients that are made of it."""
    if options.clients:
        from .params import clients

        try:
            written = clients.write(REGISTRY, Path(options.clients))
        except OSError as error:
            raise UsageError(f"--clients {options.clients}: cannot be written ({error.strerror})") from None
        print("\n".join(map(str, written)))
    elif options.words:
        from .params import words

        print(words.as_text(REGISTRY))
    elif options.json:
        document(surfaces.as_json(REGISTRY))
    else:
        print(surfaces.as_markdown(REGISTRY) if options.markdown else surfaces.as_text(REGISTRY))
    return OK


def doctor(options: argparse.Namespace) -> int:
    """Say whether this machine is fit to play."""
    from .doctor import examine

    report = examine(options, say)
    if options.json:
        document(report.as_json())
    else:
        print("\n".join(report.lines()))
    return OK if report.fit else NOT_SO


def bundle(options: argparse.Namespace) -> int:
    """Show or verify a bundle."""
    from .model.bundle import MANIFEST, Bundle, available_bundles

    known = options.name in available_bundles() or (Path(options.name) / MANIFEST).is_file()
    try:
        opened = Bundle.open(options.name)
        problems = opened.check() if options.action == "check" else []
    except BundleError as error:
        if options.action == "info" or not known:
            raise
        opened, problems = None, [str(error)]  # it is there and it is not sound: an answer, not a wrong question
    if options.action == "info":
        _bundle_info(opened, options.json, options.card)
        return OK
    digest = opened.digest() if opened else None
    if options.json:
        document({"bundle": options.name, "sound": not problems, "problems": problems, "sha256": digest})
    else:
        print(
            "\n".join(problems)
            if problems
            else f"{opened.name}: {_count(opened, 'graphs')} and {_count(opened, 'constants')}, all as the manifest says"
        )
    return NOT_SO if problems else OK


def _count(opened, part: str) -> str:
    number = len(opened.manifest.get(part, {}))
    return f"{number} {part if number != 1 else part.removesuffix('s')}"


def document(content: object) -> None:
    """Print one JSON document; numbers that JSON has no word for become null."""
    print(json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False))


def say(line: str) -> None:
    """Tell the person at the terminal something that is not the result."""
    print(line, file=sys.stderr, flush=True)


def _plain(content: object) -> object:
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content if content is None or isinstance(content, str | int | float | bool) else str(content)


def _bundle_info(opened, as_json: bool, card: bool) -> None:
    if card:
        text = opened.card()
        if opened.digest() not in text:
            say(f"antiphon: the card of {opened.name!r} is of another export than this; write it again with antiphon train card")
        document({"bundle": opened.name, "sha256": opened.digest(), "card": text}) if as_json else print(text, end="")
        return
    if as_json:
        document({**opened.manifest, "folder": str(opened.folder), "sha256": opened.digest()})
        return
    manifest = opened.manifest
    print(f"{opened.name}   {opened.folder}")
    for key, value in manifest.items():
        if key == "graphs":
            for name, entry in value.items():
                print(f"  graph {name}: {entry.get('file')}, sha256 {str(entry.get('sha256'))[:12]}")
        elif key == "constants":
            print(f"  constants: {', '.join(value)}")
        else:
            _print_entry(key, value, 1)


def _print_entry(key: str, value: object, depth: int) -> None:
    if isinstance(value, dict):
        print("  " * depth + f"{key}:")
        for inner, content in value.items():
            _print_entry(inner, content, depth + 1)
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        for entry in value:
            print("  " * depth + f"{key}: " + ", ".join(f"{name} {content}" for name, content in entry.items()))
    else:
        print("  " * depth + f"{key}: {value}")


class Bar:
    """A progress bar on stderr, called with (seconds done, seconds in all)."""

    _WIDTH = 40

    def __init__(self, name: str):
        self._name, self._shown = Path(name).name, -1

    def __call__(self, done_s: float, total_s: float) -> None:
        percent = int(100 * min(done_s / total_s, 1.0)) if total_s > 0 else 100
        if percent != self._shown:
            self._shown = percent
            filled = self._WIDTH * percent // 100
            bar = "#" * filled + "." * (self._WIDTH - filled)
            sys.stderr.write(f"\r{self._name}  [{bar}] {percent:3} %  {done_s:.0f} of {total_s:.0f} s")
            sys.stderr.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._shown >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
