"""Pure Data, vanilla 0.51 or newer: an abstraction that talks to the instrument, and its help patch, a panel of all rows."""

from __future__ import annotations

from ..spec import Param, Registry
from . import common
from .common import number

_STYLE = "empty empty 0 -8 0 10 #fcfcfc #000000 #000000"  # of a GUI object: label and its place, font, colours

_EXAMPLES = ("mode hold", "trigger", "keep 3", "chord 60 64 67", "chord none", "voice -6", "voice off", "ask slow dark", "status")

_ABOUT = ("subscribe NAME HZ SECONDS: hear of a feed or a row, whoever changes it; for 60 s where no SECONDS are given. "
          "Once more renews it.",
          "subscribe echo: hear of every row, at once and when it changes. The panels below follow that.")


class Patch:
    """One canvas: objects are numbered in the order they come, and connected by their numbers."""

    def __init__(self) -> None:
        self._objects: list[str] = []
        self._cords: list[str] = []

    def put(self, kind: str, x: int, y: int, text: str) -> int:
        """Add an object (`obj`, `msg`, `text`, `listbox`); `text` is as Pd keeps it."""
        self._objects.append(f"#X {kind} {x} {y} {text};")
        return len(self._objects) - 1

    def nest(self, inner: Patch, x: int, y: int, name: str, size: tuple[int, int]) -> int:
        """Add a subpatch."""
        self._objects.append(inner.text(size, f"{name} 0") + f"#X restore {x} {y} pd {name};")
        return len(self._objects) - 1

    def chain(self, *ends: int | tuple[int, int]) -> None:
        """Connect each with the next: a number is an object, by its first outlet and inlet; a pair names outlet or inlet.

        The pair names the outlet where something follows, and the inlet of the last.
        """
        for at, (source, sink) in enumerate(zip(ends, ends[1:], strict=False)):
            out = source if isinstance(source, tuple) else (source, 0)
            last = at == len(ends) - 2
            into = sink if isinstance(sink, tuple) and last else (sink[0] if isinstance(sink, tuple) else sink, 0)
            self._cords.append(f"#X connect {out[0]} {out[1]} {into[0]} {into[1]};")

    def text(self, size: tuple[int, int], name: str = "12") -> str:
        """Give the file's lines: a file's canvas ends in its font size, a subpatch's in its name and whether it is open."""
        return "\n".join([f"#N canvas 60 60 {size[0]} {size[1]} {name};", *self._objects, *self._cords]) + "\n"


def escape(text: str) -> str:
    """Write text as Pd keeps it."""
    return text.replace("\\", "").replace(";", " \\;").replace(",", " \\,").replace("$", "\\$")


def abstraction(registry: Registry) -> str:
    """Make antiphon.pd: messages in, `temperature 0.7`; messages out, `echo temperature 0.7`, `feed ...`, `error ...`.

    What comes back comes to the port it was sent from, so that no other need be free. Only [netsend] and [oscparse] of
    Pd itself are used; [oscparse] of 0.53 knows no true and false, so these become 1 and 0 before it.
    """
    patch = Patch()
    put, chain = patch.put, patch.chain
    put("text", 20, 8, escape(f"antiphon HOST PORT ({common.HOST} {common.PORT}); made by antiphon params --clients"))
    inlet = put("obj", 20, 40, "inlet")
    ways = put("obj", 20, 70, "route connect disconnect")
    send = put("obj", 20, 330, "netsend -u -b")
    # where to: the arguments, or their defaults
    loaded = put("obj", 420, 40, "loadbang")
    order = put("obj", 420, 70, "t b b")
    port = put("obj", 520, 100, "f \\$2")
    no_port = put("obj", 520, 130, "select 0")
    usual_port = put("msg", 520, 160, str(common.PORT))
    host = put("obj", 420, 100, "list append \\$1")
    no_host = put("obj", 420, 130, "route float")
    instead = put("obj", 380, 160, "t b")
    usual_host = put("obj", 420, 160, f"symbol {common.HOST}")
    both = put("obj", 420, 200, f"pack s {common.PORT}")
    connect = put("obj", 300, 240, "list prepend connect")
    connect_message = put("obj", 300, 270, "list trim")
    hang_up = put("msg", 200, 270, "disconnect")
    chain(loaded, order, host, no_host, instead, usual_host, both, connect, connect_message, send)
    chain((order, 1), port, no_port, usual_port, (both, 1))
    chain((no_port, 1), (both, 1))
    chain((no_host, 1), both)
    chain(inlet, ways, connect)
    chain((ways, 1), hang_up, send)
    # out: the first word is the path, the rest what it is set to
    words = put("obj", 20, 110, "list")
    twice = put("obj", 20, 140, "t l l")
    values = put("obj", 20, 180, "list split 1")
    path = put("obj", 120, 180, "list split 1")
    address = put("obj", 120, 210, "list prepend set antiphon")
    address_message = put("obj", 120, 240, "list trim")
    osc = put("obj", 20, 270, "oscformat")
    packet = put("obj", 20, 290, "list prepend send")
    packet_message = put("obj", 20, 310, "list trim")
    chain((ways, 2), words, twice, (values, 1), osc, packet, packet_message, send)
    chain((twice, 1), path, address, address_message, osc)
    # back: ,T and ,F at a packet's end become ,i 1 and ,i 0
    came = put("obj", 20, 370, "t l l")
    length = put("obj", 160, 400, "list length")
    head = put("obj", 160, 430, "- 4")
    cut = put("obj", 20, 460, "list split")
    tail = put("obj", 160, 490, "t l l")
    comma = put("obj", 160, 520, "route 44")
    logical = put("obj", 160, 550, "route 84 70")
    whole = put("obj", 20, 660, "list append")
    parse = put("obj", 20, 690, "oscparse")
    chain((send, 1), came, cut, whole, parse)
    chain((came, 1), length, head, (cut, 1))
    chain((cut, 1), tail, comma, logical)
    chain((tail, 1), (whole, 1))
    for outlet, value in ((0, 1), (1, 0)):
        x = 160 + 120 * outlet
        first = put("obj", x, 580, "route 0")
        second = put("obj", x, 605, "route 0")
        integer = put("msg", x, 630, f"44 105 0 0 0 0 0 {value}")
        chain((logical, outlet), first, second, integer, (whole, 1))
    trim = put("obj", 20, 720, "list trim")
    ours = put("obj", 20, 750, "route antiphon")
    outlet = put("obj", 20, 950, "outlet")
    echo = put("obj", 20, 780, "route echo")
    chain(parse, trim, ours, echo)
    chain((echo, 1), outlet)
    # a path with a slash came apart; it goes out as it came in
    parts = common.prefixes(registry)
    rest = put("obj", 20, 810, " ".join(["route", *parts])) if parts else echo
    again = put("obj", 20, 890, "list prepend echo")
    again_message = put("obj", 20, 920, "list trim")
    if parts:
        chain(echo, rest)
    chain((rest, len(parts)), again, again_message, outlet)
    for at, part in enumerate(parts):
        split = put("obj", 200 + 160 * at, 810, "list split 1")
        name = put("obj", 200 + 160 * at, 840, f"makefilename {part}/%s")
        join = put("obj", 200 + 160 * at, 865, "list append")
        chain((rest, at), split, name, join, again)
        chain((split, 1), (join, 1))
    return patch.text((760, 1000))


def help_patch(registry: Registry) -> str:
    """Make antiphon-help.pd: every row with a widget that follows the instrument, by group; and how to subscribe."""
    patch = Patch()
    put, chain = patch.put, patch.chain
    put("text", 20, 12, escape("antiphon HOST PORT: play the instrument by messages. Start it with: antiphon play"))
    put("text", 20, 40, escape("in: a path and its value, temperature 0.7. A path alone asks for the value; a trigger happens."))
    put("text", 20, 60, escape("out: echo PATH VALUE for what was taken, feed NAME VALUES, error TEXT PATHS, status NAMES VALUES."))
    examples = [put("msg", 20, 100 + 26 * at, text) for at, text in enumerate(_EXAMPLES)]
    feeds = [put("msg", 200, 100 + 26 * at, f"subscribe {name} {hz}") for at, (name, hz) in enumerate(common.FEEDS)]
    for text in (f"subscribe echo 20 {common.LONG_S}", "subscribe temperature 10", "unsubscribe", "connect 192.168.1.20 9000"):
        feeds.append(put("msg", 200, 100 + 26 * len(feeds), text))
    for at, text in enumerate(_ABOUT):
        put("text", 420, 100 + 64 * at, escape(text) + ", f 60")
    source = put("obj", 20, 370, "r \\$0-to")
    client = put("obj", 20, 400, f"antiphon {common.HOST} {common.PORT}")
    kinds = put("obj", 20, 430, "route echo feed error status")
    echo = put("obj", 20, 470, "s \\$0-echo")
    chain(source, client, kinds, echo)
    chain(kinds, put("obj", 120, 470, "print echo"))
    for outlet, name in enumerate(("feed", "error", "status"), 1):
        chain((kinds, outlet), put("obj", 120 + 100 * outlet, 470, f"print {name}"))
    for message in (*examples, *feeds):
        chain(message, client)
    put("text", 420, 230, escape("every row, with what it is set to (click to open):"))
    for at, (group, rows) in enumerate(common.groups(registry).items()):
        inner, height = _panel(rows)
        patch.nest(inner, 420, 260 + 30 * at, group, (1180, min(height, 900)))
    return patch.text((900, 500))


def _panel(rows: list[Param]) -> tuple[Patch, int]:
    patch = Patch()
    put, chain = patch.put, patch.chain
    sink = put("obj", 20, 40, "s \\$0-to")
    echo = put("obj", 180, 10, "r \\$0-echo")
    route = put("obj", 180, 40, " ".join(["route", *(row.path for row in rows)]))
    chain(echo, route)
    y = 90
    for at, row in enumerate(rows):
        put("text", 20, y, escape(row.path))
        put("text", 620, y, escape(common.takes(row)) + ", f 78")
        widget, height = _WIDGETS[row.kind](patch, row, y, sink)
        shown = put("listbox", 500, y, "14 0 0 0 - - - 0")
        chain((route, at), shown)
        if widget is not None:
            setting = put("msg", 440, y, "set \\$1")
            chain((route, at), setting, widget)
        y += max(height, 18 * -(-len(common.takes(row)) // 78)) + 14
    return patch, y + 40


def _fader(patch: Patch, row: Param, y: int, sink: int) -> tuple[int, int]:
    log = int(row.curve == "exp" and row.minimum > 0)
    widget = patch.put("obj", 160, y, f"hsl 140 18 {number(row.minimum)} {number(row.maximum)} {log} 0 empty empty {_STYLE} 0 1")
    patch.chain(widget, patch.put("msg", 320, y, f"{row.path} \\$1"), sink)
    words = [word for word in ("off" if row.has_off else "", row.zero) if word]
    for word in words:
        patch.chain(patch.put("msg", 160, y + 24, f"{row.path} {word}"), sink)
    return widget, 42 if words else 18


def _number(patch: Patch, row: Param, y: int, sink: int) -> tuple[int, int]:
    widget = patch.put("obj", 160, y, f"nbx 11 18 {number(row.minimum)} {number(row.maximum)} 0 0 empty empty {_STYLE} 0 256")
    patch.chain(widget, patch.put("msg", 320, y, f"{row.path} \\$1"), sink)
    return widget, 18


def _switch(patch: Patch, row: Param, y: int, sink: int) -> tuple[int, int]:
    widget = patch.put("obj", 160, y, f"tgl 18 0 empty empty {_STYLE} 0 1")
    patch.chain(widget, patch.put("msg", 320, y, f"{row.path} \\$1"), sink)
    return widget, 18


def _words(patch: Patch, row: Param, y: int, sink: int) -> tuple[None, int]:
    """A message for each choice, in as many lines as it takes."""
    x, line = 160, 0
    for choice in row.choices:
        text = f"{row.path} {choice}"
        if x + 7 * len(text) > 480:
            x, line = 160, line + 1
        patch.chain(patch.put("msg", x, y + 24 * line, text), sink)
        x += 7 * len(text) + 16
    return None, 18 + 24 * line


def _button(patch: Patch, row: Param, y: int, sink: int) -> tuple[None, int]:
    if row.numbered and row.most > 8:
        box = patch.put("obj", 160, y, f"nbx 4 18 1 {row.most} 0 0 empty empty {_STYLE} 0 256")
        patch.chain(box, patch.put("msg", 320, y, f"{row.path} \\$1"), sink)
        return None, 18
    if row.numbered:
        message = patch.put("msg", 400, y, f"{row.path} \\$1")
        for at in range(row.most):
            patch.chain(patch.put("msg", 160 + 28 * at, y, str(at + 1)), message)
        patch.chain(message, sink)
        return None, 18
    widget = patch.put("obj", 160, y, f"bng 18 250 50 0 empty empty {_STYLE}")
    patch.chain(widget, patch.put("msg", 320, y, row.path), sink)
    return None, 18


def _list(patch: Patch, row: Param, y: int, sink: int) -> tuple[None, int]:
    patch.chain(patch.put("msg", 160, y, f"{row.path} {common.example(row)}"), sink)
    patch.chain(patch.put("msg", 160, y + 24, f"{row.path} none"), sink)
    return None, 42


def _text(patch: Patch, row: Param, y: int, sink: int) -> tuple[None, int]:
    patch.chain(patch.put("msg", 160, y, f"{row.path} {common.example(row)}"), sink)
    return None, 18


_WIDGETS = {"float": _fader, "int": _number, "bool": _switch, "enum": _words, "trigger": _button, "list": _list, "text": _text}
