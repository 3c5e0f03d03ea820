"""The OSCQuery tree (github.com/Vidvox/OSCQueryProposal), derived from the parameter table and from the feeds.

    /antiphon/<row>          what can be set; ACCESS 3, a trigger or a text 2
    /antiphon/feed/<name>    what it tells; ACCESS 1

TYPE says how a value is written as it is now: a list's as many numbers as it holds, or s for the word none; a row takes
whatever DESCRIPTION says. Attributes with one entry a value (VALUE, RANGE, UNIT ...) have as many as TYPE has letters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from ..params.spec import Param, Registry, Value
from ..params.surfaces import OSC_ROOT
from . import wire
from .feedback import FEEDS, Feed
from .subscriptions import Feeds

ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "TAGS", "EXTENDED_TYPE", "UNIT",
              "CRITICAL", "CLIPMODE")
NOT_SUPPORTED = ("OVERLOADS", "HTML")
"""Attributes of the proposal that nothing here has."""

_UNITS = {"s": "time.second", "ms": "time.ms", "Hz": "time.hz", "bpm": "time.bpm", "cents": "time.cents", "note": "time.midinote"}
_ABOUT = {
    "/": "Antiphon, an instrument that carries on what you hum",
    "/antiphon": "Everything that can be set, and what it tells",
    "/antiphon/feed": "What it tells many times a second",
    "/antiphon/send": "The voice at each output channel",
}


class Tree:
    """Nodes by their address. Control thread only; `values` and `feeds` are looked at when a node is described."""

    def __init__(self, registry: Registry, values: Mapping[str, Value], feeds: Feeds):
        self._values, self._feeds = values, feeds
        self._leaves: dict[str, Param | Feed] = {OSC_ROOT + row.path: row for row in registry.rows}
        self._leaves |= {f"{OSC_ROOT}feed/{feed.name}": feed for feed in FEEDS}
        self._within: dict[str, list[str]] = {"/": []}
        for address in self._leaves:
            self._place(address)

    def __iter__(self) -> Iterator[str]:
        """Every address there is, leaves and what holds them."""
        yield from self._within
        yield from self._leaves

    def describe(self, address: str) -> dict | None:
        """Give a node with all that is in it, as JSON has it; None where there is none."""
        if address not in self._within and address not in self._leaves:
            return None
        return self._describe(address, _Look(self._feeds))

    def _describe(self, address: str, look: _Look) -> dict:
        if address in self._within:
            inside = {below.rpartition("/")[2]: self._describe(below, look) for below in self._within[address]}
            about = {"DESCRIPTION": _ABOUT[address]} if address in _ABOUT else {}
            return {"FULL_PATH": address, "ACCESS": 0, **about, "CONTENTS": inside}
        leaf = self._leaves[address]
        if isinstance(leaf, Feed):
            return {"FULL_PATH": address, **_feed(leaf, look.at(leaf))}
        return {"FULL_PATH": address, **_row(leaf, self._values.get(leaf.path, leaf.default))}

    def _place(self, address: str) -> None:
        above = address.rpartition("/")[0] or "/"
        if above not in self._within:
            self._within[above] = []
            self._place(above)
        self._within[above].append(address)


class _Look:
    """One look at the feeds, taken when the first of them is described."""

    def __init__(self, feeds: Feeds):
        self._feeds, self._looked = feeds, None

    def at(self, feed: Feed) -> Sequence[Value]:
        if self._looked is None:
            try:
                self._looked = self._feeds()
            except Exception:  # an engine that is just being stopped
                self._looked = {}
        return self._looked.get(feed.name) or feed.fit(())


def _row(row: Param, value: Value) -> dict:
    tag = _tag(row, value)
    node: dict = {
        "TYPE": tag,
        "ACCESS": 2 if row.access == "w" else 3,
        "DESCRIPTION": f"{row.help}; takes {row.span()}" if row.kind == "list" or row.numbered or row.zero else row.help,
        "TAGS": [row.group],
    }
    if row.access != "w":
        node["VALUE"] = [_json(item) for item in wire.spoken(value)]
    if row.kind == "trigger":
        node["CRITICAL"] = True
    if row.kind == "enum":
        node["RANGE"] = [{"VALS": list(row.choices)}]
    elif row.numbered:
        node["RANGE"] = [{"MIN": 1, "MAX": row.most}]
    elif row.kind in ("float", "int") or (row.kind == "list" and tag != "s"):
        number = int if row.kind == "int" else float
        least = min(row.minimum, 0.0) if row.zero else row.minimum
        node["RANGE"] = [{"MIN": number(least), "MAX": number(row.maximum)} for _ in tag]
        node["CLIPMODE"] = ["both" if row.kind != "list" and row.beyond == "clip" else "none" for _ in tag]
    if unit := _unit(row):
        node["UNIT"] = [unit for _ in tag]
    return node


def _feed(feed: Feed, values: Sequence[Value]) -> dict:
    units = [_UNITS.get(field.unit, "gain.db-raw" if field.unit == "dB" else None) for field in feed.fields]
    return {
        "TYPE": "".join(field.tag for field in feed.fields),
        "ACCESS": 1,
        "DESCRIPTION": feed.help,
        "VALUE": [_json(value) for value in values],
        "EXTENDED_TYPE": [field.name for field in feed.fields],
        **({"UNIT": units} if any(units) else {}),
    }


def _tag(row: Param, value: Value) -> str:
    if row.kind == "list":
        return "f" * len(value) or "s"
    if row.kind == "bool":
        return "T" if value else "F"
    if row.kind == "trigger":
        return "i" if row.numbered else "I"
    return {"float": "f", "int": "i"}.get(row.kind, "s")


def _unit(row: Param) -> str | None:
    if row.unit == "dB":
        return "gain.db" if row.has_off else "gain.db-raw"
    return _UNITS.get(row.unit)


def _json(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
