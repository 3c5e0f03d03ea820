"""Every row through every surface: what is asserted of a row at each of them, and the table of that.

A surface is one function: it carries a value of the row through and says "" where it came through, else why the row is not
there; where it came through wrongly it raises AssertionError. A new surface is one more entry of `SURFACES`.
`python bench/surfaces.py` prints the table.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from types import SimpleNamespace

import midi_stage
import numpy as np

from antiphon.control import wire
from antiphon.control.desk import Desk
from antiphon.control.dialogue import Dialogue
from antiphon.control.tree import Tree
from antiphon.errors import UsageError
from antiphon.params import REGISTRY, surfaces
from antiphon.params.presets import load_preset, save_preset
from antiphon.params.words import understand

HAPPENS = "happens, and has no value"
A_TEXT = "words, and no value"
UNUSED = "cc3"


def other_value(row):
    """A value of the row that is not its default and that 32 bits hold exactly; for what only happens, what makes it happen."""
    if row.kind == "trigger":
        return min(3, row.most) if row.numbered else True
    if row.kind == "text":
        return "slow and dark"
    if row.kind == "bool":
        return not row.default
    if row.kind == "enum":
        return next(choice for choice in row.choices if choice != row.default)
    if row.kind == "list":
        return tuple(float(int(row.minimum) + 3 * k + 1) for k in range(min(row.most, 3)))
    if row.kind == "int":
        return row.default + 1
    fair = (row.maximum, row.minimum, 0.5)
    return next(n for n in fair if n != row.default and row.minimum <= n <= row.maximum and float(np.float32(n)) == n)


def desk_of(events):
    """A desk without an engine: it keeps values, and the events it was given."""
    values = REGISTRY.defaults()

    def apply(event):
        events.append(event)
        if event.path in values:
            values[event.path] = event.value

    desk = Desk(REGISTRY, apply, values)
    for row in REGISTRY.control_rows:
        if row.access == "w":
            desk.handle(row.path, lambda event: None)
    return desk


def by_flag(row):
    """`--temperature 2`."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    surfaces.add_flags(parser, REGISTRY)
    if row.access == "w":
        assert surfaces.flag(row) not in parser._option_string_actions
        assert surfaces.has_flag(row) == (row.path in ("preset", "ask"))  # --preset and --ask are options of play and render
        return HAPPENS if row.kind == "trigger" else ""
    value = other_value(row)
    assert parser.parse_args([surfaces.flag(row) + "=" + row.show(value)]).rows == [(row.path, value)]
    return ""


def by_set(row):
    """`--set temperature=2`."""
    if row.access == "w":
        refused(lambda: surfaces.parse_assignment(REGISTRY, f"{row.path}=1"), row.kind if row.kind == "trigger" else "instead")
        return HAPPENS if row.kind == "trigger" else A_TEXT
    value = other_value(row)
    found, written = surfaces.parse_assignment(REGISTRY, f"{row.path}={row.show(value)}")
    assert found is row and row.accept(written) == value
    return ""


def by_preset(row):
    """Saved in the player's folder, and read from there."""
    value = other_value(row)
    name = "walk-" + row.path.replace("/", "-")
    if row.access == "w":
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(f'[values]\n"{row.path}" = {json.dumps(value)}\n')
            file.flush()
            refused(lambda: load_preset(file.name, REGISTRY), row.kind)
        return HAPPENS if row.kind == "trigger" else A_TEXT
    path = save_preset(name, {**REGISTRY.defaults(), row.path: value}, REGISTRY)
    kept = load_preset(name, REGISTRY).values
    if row.path in ("beat", "hold", "freeze", "mute"):
        assert kept == {}
        path.write_text(f'[values]\n"{row.path}" = {json.dumps(value)}\n')
        assert load_preset(name, REGISTRY).values == {row.path: value}
        return "may be written there; not saved, being of the moment"
    assert kept == {row.path: value}
    return ""


def by_words(row):
    """`--ask "temperature 2"`."""
    value = other_value(row)
    asked = understand(f"{row.path} {'' if row.kind == 'trigger' else row.show(value)}")
    if row.access == "w":
        assert row.path not in asked.values
        return HAPPENS if row.kind == "trigger" else A_TEXT
    assert asked.values == {row.path: value} | ({"grid_grip": 1.0} if row.path == "grid" else {}) and not asked.unknown
    return ""


def by_osc(row):
    """A message sets it and is echoed; asked for, it is told."""
    events, replies = [], []
    value = other_value(row)
    dialogue = Dialogue(desk_of(events))
    peer = SimpleNamespace(name="osc:127.0.0.1:1", host="127.0.0.1", key=1, lasting=False, ready=True,
                           send=lambda packet: replies.extend(wire.decode(packet)) or True)  # fmt: skip
    address, echo = surfaces.OSC_ROOT + row.path, surfaces.OSC_ROOT + "echo/" + row.path
    arguments = wire.spoken(value) if value is not True or row.kind != "trigger" else ()
    dialogue.take(wire.encode(address, *arguments), peer)
    assert [(event.path, event.value) for event in events] == [(row.path, value)]
    if row.access != "w":
        dialogue.take(wire.encode(address), peer)
        assert [reply.address for reply in replies] == [echo, echo]
        assert all(row.accept(reply.arguments if row.kind == "list" else reply.arguments[0]) == value for reply in replies)
    assert (address, surfaces.osc_type(row)) in surfaces.osc_addresses(REGISTRY)
    return ""


def by_oscquery(row):
    """The node says what it is, and gives the value that the row takes."""
    value = other_value(row)
    node = Tree(REGISTRY, {**REGISTRY.defaults(), row.path: value}, dict).describe(surfaces.OSC_ROOT + row.path)
    node = json.loads(json.dumps(node))
    assert node["ACCESS"] == (2 if row.access == "w" else 3) and row.help in node["DESCRIPTION"]
    if row.access != "w":
        assert row.accept(node["VALUE"] if row.kind == "list" else node["VALUE"][0]) == value
    return ""


def by_midi(row):
    """The controller it has by default, or one that it is bound to, reaches both ends of it; messages through the port's own reader."""
    stage = midi_stage.Stage()
    midi = stage.midi.map
    if row.kind in ("list", "text"):
        refused(lambda: midi.bind(UNUSED, row.path), row.kind)
        if row.kind == "text":
            return "program changes" if row.path == "preset" else A_TEXT
        midi.bind(UNUSED, f"{row.path}={row.show(other_value(row))}")
        stage.play(0xB0, 3, 127)
        assert stage.said(row.path) == [other_value(row)]
        return "one value of it, by a press"
    if not row.midi:
        midi.bind(UNUSED, row.path)
    number = int(row.midi.removeprefix("cc")) if row.midi else 3
    for raw in (64, 3, 0, 127):  # a numbered trigger is told which
        stage.play(0xB0, number, raw)
    said = stage.said(row.path)
    if row.kind in ("float", "int"):
        assert row.maximum in said and (row.accept(0) if row.zero else row.minimum) in [*said, row.default]
    else:
        assert said
    return ""


def by_json(row):
    """`antiphon params --json`."""
    described = {entry["path"]: entry for entry in json.loads(json.dumps(surfaces.as_json(REGISTRY)))}[row.path]
    assert (described["kind"], described["group"], described["unit"]) == (row.kind, row.group, row.unit)
    assert ("default" in described) == (row.access == "rw")
    assert row.access == "w" or row.accept(described["default"]) == row.default
    return ""


def by_manual(row):
    """`antiphon params`, and README.md's table."""
    assert row.path in surfaces.as_text(REGISTRY).split()
    assert f"| `{surfaces.OSC_ROOT}{row.path}` |" in surfaces.as_markdown(REGISTRY)
    return ""


def by_memory(row):
    """The doubles that carry it to the model; a block row goes as a command."""
    if row.target != "step":
        return "as a command to the callback" if row.target == "block" else "is Python's"
    doubles, value = REGISTRY.step_defaults(), other_value(row)
    REGISTRY.put(doubles, row.path, value)
    assert REGISTRY.get(doubles, row.path) == (1 if row.kind == "trigger" else value)
    return ""


SURFACES: dict[str, Callable] = {
    "CLI flag": by_flag,
    "CLI --set": by_set,
    "preset and back": by_preset,
    "words": by_words,
    "OSC and back": by_osc,
    "OSCQuery": by_oscquery,
    "MIDI": by_midi,
    "JSON": by_json,
    "manual": by_manual,
    "to the model": by_memory,
}


def refused(what, words):
    """Assert that it is refused in one line with these words in it."""
    try:
        what()
    except UsageError as error:
        assert words in str(error) and "\n" not in str(error), str(error)
    else:
        raise AssertionError("it was taken")


def table(rows=REGISTRY.rows):
    """Walk all of it: {path: {surface: "ok", "ok (cc74)" or why the row is not there}}. Keeps presets in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("XDG_CONFIG_HOME")
        os.environ["XDG_CONFIG_HOME"] = folder
        try:
            return {row.path: {name: carry(row) or "ok" for name, carry in SURFACES.items()} for row in rows}
        finally:
            os.environ.pop("XDG_CONFIG_HOME")
            if before is not None:
                os.environ["XDG_CONFIG_HOME"] = before


def as_markdown(walked):
    """Lay the walked table out; the notes say why a row is not at a surface."""
    notes = list(dict.fromkeys(said for surfaces in walked.values() for said in surfaces.values() if said != "ok"))
    lines = [f"| row | {' | '.join(SURFACES)} |", "|---|" + "---|" * len(SURFACES)]
    for path, said in walked.items():
        cells = ["ok" if word == "ok" else f"({notes.index(word) + 1})" for word in said.values()]
        if said["MIDI"] == "ok":
            cells[list(SURFACES).index("MIDI")] = f"ok, {REGISTRY.resolve(path).midi or 'when bound'}"
        lines.append(f"| `{path}` | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"{number}. {note}" for number, note in enumerate(notes, 1))])
