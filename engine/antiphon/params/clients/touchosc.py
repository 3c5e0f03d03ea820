"""TouchOSC 1.1 or newer (.tosc): a page for each group, a control for each row that follows the instrument.

The file is XML (root `lexml`, version 3) under zlib: as its editor writes it, seen in the layouts of AlbertoV5/tosclib and
described in that project's docs/guide; controls, values and scripts are as in hexler.net/touchosc/manual.
"""

from __future__ import annotations

import math
import uuid
import zlib
from collections.abc import Sequence

from ..spec import Param, Registry
from ..surfaces import OSC_ROOT
from . import common
from .common import number

_WIDTH, _HEIGHT, _TABS, _COLUMNS = 1280, 800, 40, 3
_NAMES = uuid.UUID("6f0e7c55-31b3-4c0b-9a3e-0a9d8f4b7d21")  # any that stays: the ids are made of it
_COLOURS = {"performance": (0.85, 0.35, 0.25), "pitch": (0.25, 0.6, 0.85), "time": (0.85, 0.7, 0.25),
            "character": (0.45, 0.75, 0.4), "output": (0.65, 0.5, 0.85)}


def document(registry: Registry) -> bytes:
    """Make antiphon.tosc. What is in it is always the same; zlibs differ in the bytes they make of it."""
    return zlib.compress(xml(registry).encode(), 9)


def xml(registry: Registry) -> str:
    """Write what is in the file."""
    pages = [_page(group, rows) for group, rows in common.groups(registry).items()]
    pager = _node("PAGER", "pages", (0, 0, _WIDTH, _HEIGHT), {"page": "0"}, children=pages,
                  i={"tabbarSize": _TABS, "textSizeOff": 16, "textSizeOn": 16},
                  b={"tabbar": 1, "tabLabels": 1, "tabbarDoubleTap": 0})
    root = _node("GROUP", "antiphon", (0, 0, _WIDTH, _HEIGHT), {}, children=[pager],
                 s=_script(_HELLO % {"root": OSC_ROOT, "port": common.REPLY_PORT, "seconds": common.LONG_S}))
    return f"<?xml version='1.0' encoding='UTF-8'?><lexml version='3'>{root}</lexml>"


def _page(group: str, rows: list[Param]) -> str:
    lines = -(-len(rows) // _COLUMNS)
    width, height = _WIDTH / _COLUMNS, (_HEIGHT - _TABS) / lines
    colour = _COLOURS.get(group, (0.5, 0.5, 0.5))
    cells = [
        cell for at, row in enumerate(rows)
        for cell in _row(row, int(at // lines * width), int(at % lines * height), int(width), min(int(height), 120), colour)
    ]
    clear, white = (0, 0, 0, 0), (1, 1, 1, 1)
    return _node("GROUP", group, (0, _TABS, _WIDTH, _HEIGHT - _TABS), {}, children=cells, s={"tabLabel": group},
                 c={"tabColorOff": (0.25, 0.25, 0.25, 1), "tabColorOn": (*colour, 1), "textColorOff": white, "textColorOn": white,
                    "color": clear})


def _row(row: Param, x: int, y: int, width: int, height: int, colour: tuple[float, float, float]) -> list[str]:
    """A row's name and what the instrument says it is set to, and the control under them."""
    top = 20
    name = _label(f"{row.path} name", row.path, (x + 6, y + 2, width // 2 - 6, top), 1)
    said = _label(f"{row.path} said", "", (x + width // 2, y + 2, width // 2 - 6, top), 3,
                  messages=[_osc(f"{OSC_ROOT}echo/{row.path}", [("VALUE", "STRING", "text", 0, 1)], "text", send=0)])
    frame = (x + 6, y + top + 4, width - 12, height - top - 8)
    return [name, said, *_CONTROLS[row.kind](row, frame, (*colour, 1))]


def _fader(row: Param, frame: Sequence[int], colour: Sequence[float]) -> list[str]:
    """A fader over the row's range; of an exp row a script makes equal ratios of equal ways."""
    path, words = OSC_ROOT + row.path, [word for word in ("off" if row.has_off else "", row.zero) if word]
    x, y, width, height = frame
    parts = []
    for word in words:
        width -= 84
        place = (x + width + 4, y, 80, height)
        parts.append(_button(row, f"{row.path} {word}", word, ("CONSTANT", "STRING", word, 0, 1), place, colour))
    low, high, conversion = row.minimum, row.maximum, "INTEGER" if row.kind == "int" else "FLOAT"
    exp = row.curve == "exp"
    start = max(row.default, low)
    position = _log(start, low, high) if exp else (start - low) / (high - low)
    value = ("VALUE", conversion, "x", low, high)
    messages = [_osc(f"{OSC_ROOT}echo/{row.path}", [value], "x", send=0)]
    script = ""
    if exp:
        script = _EXP % {"path": path, "echo": f"{OSC_ROOT}echo/{row.path}", "low": number(low), "high": number(high)}
        messages = []
    else:
        messages.insert(0, _osc(path, [value], "x", receive=0))
    parts.insert(0, _node("FADER", row.path, (x, y, width, height), {"x": number(round(position, 6))}, messages, s=_script(script),
                          i={"orientation": 1, "response": 0, "responseFactor": 100, "gridSteps": 11, "barDisplay": 0,
                             "cursorDisplay": 0},
                          b={"bar": 1, "cursor": 1, "grid": 0}, c={"color": colour}))
    return parts


def _switch(row: Param, frame: Sequence[int], colour: Sequence[float]) -> list[str]:
    argument = [("VALUE", "INTEGER", "x", 0, 1)]
    messages = [_osc(OSC_ROOT + row.path, argument, "x", receive=0), _osc(f"{OSC_ROOT}echo/{row.path}", argument, "x", send=0)]
    return [_node("BUTTON", row.path, frame, {"x": str(int(row.default))}, messages, i={"buttonType": 2}, c={"color": colour})]


def _radio(row: Param, frame: Sequence[int], colour: Sequence[float]) -> list[str]:
    """One place for each choice: its index goes out, the word that comes back is looked up."""
    places = ", ".join(f"['{choice}'] = {at}" for at, choice in enumerate(row.choices))
    script = _WORD % {"echo": f"{OSC_ROOT}echo/{row.path}", "places": places}
    messages = [_osc(OSC_ROOT + row.path, [("VALUE", "INTEGER", "x", 0, 1)], "x", receive=0)]
    return [_node("RADIO", row.path, frame, {"x": str(common.index(row))}, messages, s=_script(script),
                  i={"orientation": 1, "steps": len(row.choices), "radioType": 0}, c={"color": colour})]


def _buttons(row: Param, frame: Sequence[int], colour: Sequence[float]) -> list[str]:
    if not row.numbered:
        return [_button(row, row.path, "", None, frame, colour)]
    x, y, width, height = frame
    if row.most > 8:  # notes: touching the fader plays
        messages = [_osc(OSC_ROOT + row.path, [("VALUE", "INTEGER", "x", 1, row.most)], "x", receive=0)]
        return [_node("FADER", row.path, frame, {"x": "0"}, messages, i={"orientation": 1, "response": 0, "responseFactor": 100},
                      b={"bar": 0, "cursor": 1, "grid": 0}, c={"color": colour})]
    step = width // row.most
    return [
        _button(row, f"{row.path} {at}", str(at), ("CONSTANT", "INTEGER", str(at), 0, 1),
                (x + step * (at - 1), y, step - 4, height), colour)
        for at in range(1, row.most + 1)
    ]


def _field(row: Param, frame: Sequence[int], colour: Sequence[float]) -> list[str]:
    """A text to be edited: of a list a script sends the numbers, one argument each."""
    script, messages = "", []
    if row.kind == "list":
        script = _LIST % {"path": OSC_ROOT + row.path}
    else:
        messages = [_osc(OSC_ROOT + row.path, [("VALUE", "STRING", "text", 0, 1)], "text", receive=0)]
    return [_node("TEXT", row.path, frame, {"text": ""}, messages, s=_script(script),
                  i={"font": 0, "textAlignH": 1, "textSize": 16}, c={"color": colour, "textColor": (1, 1, 1, 1)})]


def _button(row: Param, name: str, text: str, argument: tuple | None, frame: Sequence[int], colour: Sequence[float]) -> str:
    """A button that says a word to its row when pressed, or nothing but its address."""
    message = _osc(OSC_ROOT + row.path, [argument] if argument else [], "x", receive=0, condition="RISE")
    button = _node("BUTTON", name, frame, {"x": "0"}, [message], i={"buttonType": 0}, c={"color": colour})
    return button + (_label(f"{name} text", text, frame, 2) if text else "")


def _label(name: str, text: str, frame: Sequence[int], align: int, messages: Sequence[str] = ()) -> str:
    """Text that no finger meets; 1 left, 2 centred, 3 right."""
    return _node("LABEL", name, frame, {"text": text}, messages, i={"font": 0, "textAlignH": align, "textAlignV": 2, "textSize": 14,
                 "textLength": 0}, b={"textClip": 1, "background": 0, "outline": 0, "interactive": 0},
                 c={"color": (0, 0, 0, 0), "textColor": (1, 1, 1, 1)})


def _node(kind: str, name: str, frame: Sequence[float], values: dict[str, str], messages: Sequence[str] = (), *,
          children: Sequence[str] = (), b: dict | None = None, i: dict | None = None, s: dict | None = None,
          c: dict | None = None) -> str:
    """Write a control. b, i, s, c are properties by type: flags, whole numbers, texts, colours; the usual ones are added."""
    control = int(kind != "GROUP")
    flags = {"background": control, "grabFocus": int(not children), "interactive": control, "locked": 0, "outline": control,
             "visible": 1} | (b or {})
    whole = {"orientation": 0, "outlineStyle": 1, "pointerPriority": 0, "shape": 1} | (i or {})
    texts = {"name": name} | (s or {})
    colours = {"color": (0, 0, 0, 1)} | (c or {})
    properties = [
        *(("b", key, str(value)) for key, value in flags.items()),
        *(("i", key, str(value)) for key, value in whole.items()),
        *(("s", key, f"<![CDATA[{value}]]>") for key, value in texts.items()),
        *(("c", key, "".join(f"<{part}>{number(x)}</{part}>" for part, x in zip("rgba", value, strict=True)))
          for key, value in colours.items()),
        ("f", "cornerRadius", "1"),
        ("r", "frame", "".join(f"<{part}>{number(x)}</{part}>" for part, x in zip("xywh", frame, strict=True))),
    ]
    written = "".join(f"<property type='{kind_}'><key><![CDATA[{key}]]></key><value>{value}</value></property>"
                      for kind_, key, value in sorted(properties, key=lambda entry: entry[1]))
    held = "".join(
        f"<value><key><![CDATA[{key}]]></key><locked>0</locked><lockedDefaultCurrent>{int(key == 'text')}</lockedDefaultCurrent>"
        f"<default><![CDATA[{value}]]></default><defaultPull>0</defaultPull></value>"
        for key, value in sorted((values | {"touch": "false"}).items())
    )
    more = f"<messages>{''.join(messages)}</messages>" if messages else ""
    more += f"<children>{''.join(children)}</children>" if children else ""
    identity = uuid.uuid5(_NAMES, f"{kind} {name}")
    return f"<node ID='{identity}' type='{kind}'><properties>{written}</properties><values>{held}</values>{more}</node>"


def _osc(address: str, arguments: Sequence[tuple], value: str, send: int = 1, receive: int = 1, condition: str = "ANY") -> str:
    """Write an OSC message: sent when `value` changes (condition RISE: when it goes up), received into it."""
    path = _partial("CONSTANT", "STRING", address, 0, 1)
    return (f"<osc><enabled>1</enabled><send>{send}</send><receive>{receive}</receive><feedback>0</feedback>"
            f"<connections>00001</connections><triggers><trigger><var><![CDATA[{value}]]></var><condition>{condition}</condition></trigger></triggers>"
            f"<path>{path}</path><arguments>{''.join(_partial(*argument) for argument in arguments)}</arguments></osc>")


def _partial(kind: str, conversion: str, value: str, low: float, high: float) -> str:
    return (f"<partial><type>{kind}</type><conversion>{conversion}</conversion><value><![CDATA[{value}]]></value>"
            f"<scaleMin>{number(low)}</scaleMin><scaleMax>{number(high)}</scaleMax></partial>")


def _script(text: str) -> dict[str, str]:
    return {"script": text} if text else {}


def _log(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)


_HELLO = """function init()
  sendOSC({'%(root)sreply_to', {{tag = 'i', value = %(port)s}}})
  sendOSC({'%(root)ssubscribe', {{tag = 's', value = 'echo'}, {tag = 'f', value = 20}, {tag = 'i', value = %(seconds)s}}})
end"""
# Only a touched control sends: what comes back must not go out again.
_EXP = """local low, high = %(low)s, %(high)s
function onValueChanged(key)
  if key == 'x' and self.values.touch then
    sendOSC({'%(path)s', {{tag = 'f', value = low * (high / low) ^ self.values.x}}})
  end
end
function onReceiveOSC(message)
  local first = message[2][1]
  if message[1] == '%(echo)s' and first and type(first.value) == 'number' and first.value > 0 then
    self.values.x = math.log(first.value / low) / math.log(high / low)
  end
end"""
_WORD = """local places = {%(places)s}
function onReceiveOSC(message)
  local first = message[2][1]
  if message[1] == '%(echo)s' and first and places[first.value] then
    self.values.x = places[first.value]
  end
end"""
_LIST = """function onValueChanged(key)
  if key ~= 'text' then return end
  local arguments = {}
  for word in string.gmatch(self.values.text, '[^ ,]+') do
    local value = tonumber(word)
    arguments[#arguments + 1] = value and {tag = 'f', value = value} or {tag = 's', value = word}
  end
  if #arguments > 0 then
    sendOSC({'%(path)s', arguments})
  end
end"""

_CONTROLS = {"float": _fader, "int": _fader, "bool": _switch, "enum": _radio, "trigger": _buttons, "list": _field, "text": _field}
