"""`antiphon play`: one engine, one asyncio loop for OSC, keys and the view, and an orderly end."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

from . import __version__, view
from .cli import OK, values_of
from .console import Console
from .engine import Engine, EngineConfig
from .errors import AntiphonError, UsageError
from .params import REGISTRY
from .provenance import usage
from .provenance.person import Person, performer
from .status import Status
from .takes import of_bundle

try:
    import termios
    import tty
except ImportError:  # no such terminals on Windows: OSC steers there
    termios = None

_LOOK_S = 0.1
_LINE_S = 3.0
_HANGS_S = 1.0  # who has not begun to stop by then is told more firmly


def play(options: argparse.Namespace) -> int:
    """Play until told to stop; exit code 0 however it was told. KeyboardInterrupt where it is told before the model plays."""
    engine = Engine(_config(options))
    screen = _Screen(options)
    stage = _Stage(engine, screen, options)
    with _Signals(stage):
        try:
            stage.run(stage.open)
            screen.say(f"loading {options.bundle} ...")
            # OSC is served while the model loads: what waited in the socket until then would all be heard at once, too late.
            engine.start(sleep=lambda seconds: stage.run(lambda: stage.wait(seconds)))
            stage.perform()
        finally:
            stage.deaf = True  # stopping takes a second at most, and must not be left half done
            screen.close()
            try:
                engine.stop()
                stage.say_rest()
            finally:
                stage.close()
        _report(engine, screen, options)
    return OK


def _config(options: argparse.Namespace) -> EngineConfig:
    try:
        person = performer(options.performer, interactive=bool(options.take))
    except UsageError as error:
        if options.take or options.performer is not None:
            raise
        print(f"antiphon: {error}", file=sys.stderr)  # nobody is recorded: whoever starts by itself at night plays
        person = Person()
    return EngineConfig(
        driver=options.driver,
        input=options.input,
        output=options.output,
        samplerate=options.samplerate,
        blocksize=options.blocksize,
        mic_channel=None if options.channel is None else options.channel - 1,
        bundle=options.bundle,
        seconds=options.seconds,
        loop=options.loop,
        values=values_of(options),
        lead_s=options.lead,
        take=Path(options.take) if options.take else None,
        person={"performer": person.name, "consent": person.consent},
    )


class _Screen:
    """Where lines go: a live view on a terminal, else plain lines; to stderr where stdout is for JSON."""

    def __init__(self, options: argparse.Namespace):
        self.out = sys.stderr if options.json else sys.stdout
        live = self.out.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not options.plain
        self._terminal = view.Terminal(self.out) if live else None
        self._next_s, self._last = 0.0, None
        self._gone = False

    def say(self, line: str) -> None:
        """Show one line, once."""
        if self._terminal:
            self._terminal.say(line)
        elif not self._gone:
            try:
                print(line, file=self.out, flush=True)
            except OSError:
                self._gone = True  # nobody reads any more; the music goes on

    def look(self, now_s: float, engine: Engine, status: Status, osc: str, keys: bool) -> None:
        """Redraw, or print a line if it is time for one and something has changed."""
        if self._terminal:
            terminal = self._terminal
            terminal.draw(view.screen(status, engine.latency(), osc, terminal.width, terminal.ascii_only, keys))
        elif now_s >= self._next_s and view.what_matters(status) != self._last:
            self._next_s, self._last = now_s + _LINE_S, view.what_matters(status)
            self.say(view.plain_line(status))

    def close(self) -> None:
        """Give the terminal back."""
        if self._terminal:
            self._terminal.close()


class _Stage:
    """All that happens while it plays; control thread only."""

    def __init__(self, engine: Engine, screen: _Screen, options: argparse.Namespace):
        self._engine, self._screen, self._options = engine, screen, options
        self._console = Console(engine, screen.say)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self.told_s: float | None = None  # when a signal first said stop
        self.deaf = False
        self._shown: tuple[str, ...] = ()
        self._refused = 0

    def run(self, what: Callable[[], Coroutine]) -> None:
        """Let the loop run while the model is not there yet. Raises KeyboardInterrupt afterwards where it was told to stop."""
        self._loop.run_until_complete(what())
        if self.told_s is not None:
            self.deaf = True
            raise KeyboardInterrupt

    def tell(self) -> None:
        """Take a signal, between any two instructions of the main thread.

        It is only noted: raised in the middle of the loop or of making a segment it would leave them half done. Told
        again a second later, since something hangs, it raises KeyboardInterrupt all the same.
        """
        now_s = time.monotonic()
        if self.told_s is None:
            self.told_s = now_s
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._stop.set)
        elif now_s - self.told_s > _HANGS_S and not self.deaf:
            self.deaf = True
            raise KeyboardInterrupt

    async def open(self) -> None:
        """Open all surfaces before the model is loaded, so that a taken port is told at once."""
        await self._console.open(self._options)

    async def wait(self, seconds: float) -> None:
        """Let time pass, and say what there is to say."""
        await asyncio.sleep(seconds)
        self._say_new()

    def perform(self) -> None:
        """Look ten times a second until a key, a signal, the end of the input or --seconds says stop."""
        self._loop.run_until_complete(self._perform())

    async def _perform(self) -> None:
        loop = self._loop
        with _Keys(loop, self._key) as keys:
            if self._engine.status().driver == "portaudio" and self._engine.values["dry"] > -60:
                self._screen.say("you hear yourself (dry): use headphones, or --dry off")
            while not self._stop.is_set():
                status = self._engine.status()
                self._say_new(status)
                self._screen.look(loop.time(), self._engine, status, self._console.osc_words, keys.active)
                if status.finished or (self._options.seconds and status.seconds >= self._options.seconds):
                    return
                try:
                    await asyncio.wait_for(self._stop.wait(), _LOOK_S)
                except TimeoutError:
                    pass

    def say_rest(self) -> None:
        """Say what was said while everything ended: a take's last words."""
        if self._engine.format:
            self._say_new()

    def close(self) -> None:
        """Close what is open."""
        self._loop.run_until_complete(self._console.close())
        self._loop.close()

    def _key(self, key: str) -> None:
        try:
            if key == " ":
                self._console.press("trigger")
            elif key == "p":
                self._console.press("panic")
            elif key == "m":
                choices = REGISTRY.resolve("mode").choices
                self._console.press("mode", choices[(choices.index(self._engine.values["mode"]) + 1) % len(choices)])
            elif key == "t":
                self._console.press("take/stop" if self._engine.proof.takes.running else "take/start")
            elif key in ("q", "\x04"):
                self._stop.set()
        except UsageError as error:  # the model is not there
            self._screen.say(str(error))

    def _say_new(self, status: Status | None = None) -> None:
        status = status or self._engine.status()
        if status.refused > self._refused:
            self._screen.say(f"refused: {status.refusal}")
        self._refused = status.refused
        messages = status.messages
        known = len(self._shown)
        if messages[:known] != self._shown:  # old ones were dropped at the front
            last = self._shown[-1]
            known = len(messages) - messages[::-1].index(last) if last in messages else 0
        for line in messages[known:]:
            self._screen.say(line)
        self._shown = messages


class _Signals:
    """Ctrl-C, SIGTERM and a closed terminal tell the stage while the block lasts. Main thread only.

    A terminal that closes is nothing to somebody who was started by nohup.
    """

    def __init__(self, stage: _Stage):
        self._stage = stage
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                self._before[number] = signal.signal(number, lambda *_: self._stage.tell())

    def __exit__(self, *error) -> None:
        if self._stage.told_s is None:  # else the program ends now, and being told once more means nothing
            for number, before in self._before.items():
                signal.signal(number, before)


class _Keys:
    """Single keys from a terminal in the foreground; without one, nothing. The terminal is put back at the end."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pressed: Callable[[str], None]):
        self._loop, self._pressed = loop, pressed
        self.active = False

    def __enter__(self) -> _Keys:
        if termios is None or sys.stdin is None or not sys.stdin.isatty():
            return self
        self._file = sys.stdin.fileno()
        try:
            if os.tcgetpgrp(self._file) != os.getpgrp():
                return self  # in the background, touching the terminal would stop us
            self._before = termios.tcgetattr(self._file)
            tty.setcbreak(self._file)
        except (OSError, termios.error):
            return self
        self._loop.add_reader(self._file, self._read)
        self.active = True
        return self

    def __exit__(self, *error) -> None:
        if not self.active:
            return
        self._loop.remove_reader(self._file)
        try:
            termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)
        except termios.error:
            pass  # the terminal has gone

    def _read(self) -> None:
        try:
            data = os.read(self._file, 64)
        except OSError:
            data = b""
        if not data:  # the terminal has gone
            self._loop.remove_reader(self._file)
            return
        if data.startswith(b"\x1b"):  # an arrow or a function key
            return
        for key in data.decode("utf-8", "ignore"):
            try:
                self._pressed(key)
            except AntiphonError:
                return  # the engine is stopping


def _report(engine: Engine, screen: _Screen, options: argparse.Namespace) -> None:
    status, latency = engine.status(), engine.latency()
    for line in view.summary(status, latency):
        screen.say(line)
    usage.note("play", version=__version__, bundle=options.bundle, digest=lambda: of_bundle(options.bundle)["model_hash"],
               seconds=round(status.seconds, 1), answers=status.answers, payload=status.payload, take=status.take or options.take,
               performer=engine.config.person["performer"])  # fmt: skip
    if options.json:
        document = dataclasses.asdict(status) | {
            "latency": [{"name": name, "frames": frames, "ms": ms} for name, frames, ms in latency.rows],
            "latency_total_ms": latency.total_ms,
        }
        print(json.dumps(document, indent=2))
