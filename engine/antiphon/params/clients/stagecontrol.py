"""Open Stage Control, a session of version 1: a tab for each group, a widget for each row that follows the instrument.

Properties are as in its widget reference (openstagecontrol.ammd.net/docs/widgets). The server sends from the port it
listens on, so the instrument's replies come back; widgets send to the server's default target (--send).
"""

from __future__ import annotations

import json

from ..spec import Param, Registry
from ..surfaces import OSC_ROOT
from . import common

_VERSION = "1.26.0"
_GRID = "repeat(auto-fill, 170rem) / repeat(5, 1fr)"


def session(registry: Registry) -> str:
    """Make antiphon.json."""
    tabs = [
        {"type": "tab", "id": f"tab_{group}", "label": group, "layout": "grid", "gridTemplate": _GRID,
         "widgets": [_panel(row) for row in rows]}
        for group, rows in common.groups(registry).items()
    ]
    hear = f"send('{OSC_ROOT}subscribe', 'echo', 20, {common.LONG_S})"
    renew = f"setInterval(() => {hear}, {common.LONG_S // 2 * 1000})"
    root = {"type": "root", "id": "root", "onCreate": f"{hear}\n{renew}", "tabs": tabs}
    document = {"createdWith": "Open Stage Control", "version": _VERSION, "type": "session", "content": root}
    return json.dumps(document, indent=1) + "\n"


def _panel(row: Param) -> dict:
    """A row's name, its widget and what the instrument said, with the help as a comment."""
    name = {"type": "text", "id": f"name_{_id(row)}", "value": row.path, "height": 24, "bypass": True}
    said = {"type": "text", "id": f"said_{_id(row)}", "value": f"OSC{{{_echo(row)}}}", "height": 24, "bypass": True}
    about = {"type": "text", "id": f"help_{_id(row)}", "value": common.takes(row), "expand": True, "wrap": "soft", "bypass": True,
             "css": "font-size: 70%; align-items: start;"}
    return {"type": "panel", "id": f"row_{_id(row)}", "layout": "vertical", "comments": common.takes(row), "scroll": False,
            "bypass": True, "widgets": [name, *_WIDGETS[row.kind](row), said, about]}


def _id(row: Param) -> str:
    return row.path.replace("/", "_")


def _echo(row: Param) -> str:
    return f"{OSC_ROOT}echo/{row.path}"


def _common(row: Param, kind: str, **more: object) -> dict:
    return {"type": kind, "id": _id(row), "address": OSC_ROOT + row.path, "comments": row.help, "height": 44, **more}


def _fader(row: Param) -> list[dict]:
    """A fader over the range, by equal ratios for an exp row (logScale is the ratio of its ends); a button for a word."""
    whole, default = row.kind == "int", max(row.default, row.minimum)
    ratio = row.maximum / row.minimum if row.curve == "exp" else False
    fader = _common(row, "fader", horizontal=True, design="compact", range={"min": row.minimum, "max": row.maximum},
                    logScale=ratio, default=default,
                    decimals=0 if whole else 4, typeTags="i" if whole else "f", doubleTap=True,
                    value=f"OSC{{{_echo(row)}, {common.number(row.default)}}}")
    words = [word for word in ("off" if row.has_off else "", row.zero) if word]
    return [fader, *(_button(row, f"{_id(row)}_{word}", word, word, "s") for word in words)]


def _number(row: Param) -> list[dict]:
    """A field for a whole number in a range that no fader could hit, a fader else."""
    if row.maximum - row.minimum <= 128:
        return _fader(row)
    value = f"OSC{{{_echo(row)}, {common.number(row.default)}}}"
    return [_common(row, "input", numeric=True, typeTags="i", decimals=0, value=value)]


def _switch(row: Param) -> list[dict]:
    return [_common(row, "button", label=row.path, mode="toggle", on=1, off=0, typeTags="i", default=int(row.default),
                    value=f"#{{OSC{{{_echo(row)}, {int(row.default)}}} ? 1 : 0}}")]


def _menu(row: Param) -> list[dict]:
    return [_common(row, "dropdown", values={"labels": list(row.choices), "values": list(row.choices)}, label="%key", typeTags="s",
                    value=f"OSC{{{_echo(row)}, {row.default}}}")]


def _buttons(row: Param) -> list[dict]:
    if not row.numbered:
        return [_common(row, "button", label=row.path, mode="momentary")]
    if row.most > 8:  # notes
        return [_common(row, "fader", horizontal=True, design="compact", snap=True, range={"min": 1, "max": row.most},
                        steps=row.most, decimals=0, typeTags="i")]
    buttons = [_button(row, f"{_id(row)}_{at}", str(at), at, "i") | {"expand": True} for at in range(1, row.most + 1)]
    return [{"type": "panel", "id": _id(row), "layout": "horizontal", "height": 44, "bypass": True, "scroll": False,
             "innerPadding": False, "widgets": buttons}]


def _button(row: Param, identity: str, label: str, value: object, tag: str) -> dict:
    return {"type": "button", "id": identity, "label": label, "mode": "tap", "on": value, "off": "", "typeTags": tag,
            "address": OSC_ROOT + row.path, "height": 30}


def _numbers(row: Param) -> list[dict]:
    """A field for numbers with spaces between; it sends them as so many arguments, and `none` for none."""
    script = (f"const words = String(value).split(/[ ,]+/).filter(word => word !== '')\n"
              f"if (words.length) send('{OSC_ROOT}{row.path}', ...words.map(word => isNaN(word) ? word : Number(word)))")
    return [_common(row, "input", bypass=True, onValue=script, comments=f"{row.help}. As in: {common.example(row)}")]


def _text(row: Param) -> list[dict]:
    return [_common(row, "input", typeTags="s", maxLength=row.most, comments=f"{row.help}. As in: {common.example(row)}")]


_WIDGETS = {"float": _fader, "int": _number, "bool": _switch, "enum": _menu, "trigger": _buttons, "list": _numbers, "text": _text}
