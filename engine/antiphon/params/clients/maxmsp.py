"""Max 8 or newer: a patcher with a panel for each group, and in it a box for each row that follows the instrument.

Max hears on another port than it sends from, so the patcher asks the instrument to answer there.
"""

from __future__ import annotations

import json

from ..spec import Param, Registry
from ..surfaces import OSC_ROOT
from . import common

_COLUMN, _LINE, _TOP = 620, 58, 170


class Patcher:
    """Boxes, each with an id, and the lines between them."""

    def __init__(self) -> None:
        self._boxes: list[dict] = []
        self._lines: list[dict] = []

    def put(self, maxclass: str, x: int, y: int, width: int, text: str = "", inlets: int = 1, outlets: int = 1, **more) -> str:
        """Add a box; give its id."""
        identity = f"obj-{len(self._boxes) + 1}"
        box = {"id": identity, "maxclass": maxclass, "numinlets": inlets, "numoutlets": outlets,
               "patching_rect": [float(x), float(y), float(width), float(more.pop("height", 22))]}
        if outlets:
            box["outlettype"] = more.pop("outlettype", [""] * outlets)
        if text:
            box["text"] = text
        self._boxes.append({"box": box | more})
        return identity

    def line(self, source: str, sink: str, outlet: int = 0, inlet: int = 0) -> None:
        """Connect two boxes."""
        self._lines.append({"patchline": {"source": [source, outlet], "destination": [sink, inlet]}})

    def text(self, width: float, height: float) -> str:
        """Give the file."""
        version = {"major": 8, "minor": 5, "revision": 5, "architecture": "x64", "modernui": 1}
        patcher = {"fileversion": 1, "appversion": version, "classnamespace": "box", "rect": [60.0, 80.0, width, height],
                   "boxes": self._boxes, "lines": self._lines}
        return json.dumps({"patcher": patcher}, indent=1) + "\n"


def patcher(registry: Registry) -> str:
    """Make antiphon.maxpat."""
    patch = Patcher()
    put, line = patch.put, patch.line
    put("comment", 20, 10, 900, f"Antiphon. Start it with: antiphon play. It listens on {common.PORT}, this patcher on "
                                f"{common.REPLY_PORT}; made by antiphon params --clients", outlets=0)
    source = put("newobj", 20, 40, 110, "r antiphon-to")
    send = put("newobj", 20, 70, 180, f"udpsend {common.HOST} {common.PORT}", outlets=0)
    line(source, send)
    receive = put("newobj", 260, 40, 130, f"udpreceive {common.REPLY_PORT}")
    kinds = put("newobj", 260, 70, 250, f"route {OSC_ROOT}error {OSC_ROOT}status", outlets=3)
    for outlet, name in enumerate(("error", "status")):
        line(kinds, put("newobj", 260 + 130 * outlet, 130, 120, f"print antiphon-{name}", outlets=0), outlet)
    rest = put("newobj", 520, 130, 120, "s antiphon-from", outlets=0)
    line(receive, kinds)
    line(kinds, rest, 2)
    hello = put("newobj", 700, 40, 70, "loadbang")
    there = f"{OSC_ROOT}reply_to {common.REPLY_PORT}, {OSC_ROOT}subscribe echo 20 {common.LONG_S}"
    answer = put("message", 700, 70, 300, there, inlets=2)
    sink = put("newobj", 700, 130, 110, "s antiphon-to", outlets=0)
    line(hello, answer)
    line(answer, sink)
    for at, (name, hz) in enumerate(common.FEEDS):
        line(put("message", 1020 + 180 * (at % 3), 40 + 30 * (at // 3), 175, f"{OSC_ROOT}subscribe {name} {hz}", inlets=2), sink)
    for at, (group, rows) in enumerate(common.groups(registry).items()):
        _panel(patch, group, rows, 20 + _COLUMN * at, 70 + _LINE * len(rows))
    return patch.text(1400.0, 900.0)


def _panel(patch: Patcher, group: str, rows: list[Param], x: int, height: int) -> None:
    put, line = patch.put, patch.line
    put("panel", x, _TOP, _COLUMN - 20, outlets=0, height=height, background=1, bgcolor=[0.9, 0.9, 0.9, 1.0], mode=0)
    put("comment", x + 10, _TOP + 8, 200, group, outlets=0, fontface=1, fontsize=14.0)
    heard = put("newobj", x + 220, _TOP + 8, 110, "r antiphon-from")
    addresses = " ".join(f"{OSC_ROOT}echo/{row.path}" for row in rows)
    route = put("newobj", x + 340, _TOP + 8, 240, f"route {addresses}", outlets=len(rows) + 1)
    line(heard, route)
    sink = put("newobj", x + 470, _TOP + height - 28, 110, "s antiphon-to", outlets=0)
    for at, row in enumerate(rows):
        y = _TOP + 40 + _LINE * at
        put("comment", x + 10, y, 130, row.path, outlets=0)
        put("comment", x + 10, y + 22, 570, common.takes(row), outlets=0, fontsize=9.0, height=32)
        widgets, setter = _WIDGETS[row.kind](patch, row, x + 145, y)
        if row.kind == "trigger" and not row.numbered:  # [prepend] would send the word bang
            prepend = put("message", x + 360, y, 200, OSC_ROOT + row.path, inlets=2)
        else:
            prepend = put("newobj", x + 360, y, 200, f"prepend {OSC_ROOT}{row.path}")
        for widget, outlet in widgets:
            line(widget, prepend, outlet)
        line(prepend, sink)
        if setter:
            setting = put("newobj", x + 290, y, 65, f"prepend {setter}")
            line(route, setting, at)
            line(setting, widgets[0][0])


def _number(patch: Patcher, row: Param, x: int, y: int):
    """A number box with the row's range; words that are values are messages beside it."""
    kind = {"float": ("flonum", "float", {"format": 6}), "int": ("number", "int", {})}[row.kind]
    limit = float if row.kind == "float" else int
    low = 0 if row.zero else row.minimum  # so that it can show what the word stands for
    box = patch.put(kind[0], x, y, 70, outlets=2, outlettype=[kind[1], "bang"], minimum=limit(low), maximum=limit(row.maximum),
                    parameter_enable=0, **kind[2])
    words = [word for word in ("off" if row.has_off else "", row.zero) if word]
    return [(box, 0), *((patch.put("message", x + 75, y, 65, word, inlets=2), 0) for word in words)], "set"


def _switch(patch: Patcher, row: Param, x: int, y: int):
    return [(patch.put("toggle", x, y, 24, outlettype=["int"], parameter_enable=0, height=24), 0)], "set"


def _menu(patch: Patcher, row: Param, x: int, y: int):
    items = [part for choice in row.choices for part in (choice, ",")][:-1]
    box = patch.put("umenu", x, y, 135, outlets=3, outlettype=["int", "", ""], items=items, parameter_enable=0)
    return [(box, 1)], "setsymbol"


def _buttons(patch: Patcher, row: Param, x: int, y: int):
    """A button for what only happens; messages, or for many a number box, for what says which."""
    if not row.numbered:
        return [(patch.put("button", x, y, 24, outlettype=["bang"], parameter_enable=0, height=24), 0)], ""
    if row.most > 8:
        box = patch.put("number", x, y, 70, outlets=2, outlettype=["int", "bang"], minimum=1, maximum=row.most, parameter_enable=0)
        return [(box, 0)], ""
    return [(patch.put("message", x + 25 * (at % 8), y, 22, str(at + 1), inlets=2), 0) for at in range(row.most)], ""


def _words(patch: Patcher, row: Param, x: int, y: int):
    """A message to be edited."""
    text = common.example(row)
    box = patch.put("message", x, y, 135, f'"{text}"' if row.kind == "text" and " " in text else text, inlets=2)
    boxes = [(box, 0)]
    if row.kind == "list":
        boxes.append((patch.put("message", x, y + 22, 40, "none", inlets=2), 0))
    return boxes, ""


_WIDGETS = {"float": _number, "int": _number, "bool": _switch, "enum": _menu, "trigger": _buttons, "list": _words, "text": _words}
