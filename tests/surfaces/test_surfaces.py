"""Every row through every surface and back: flag, --set, preset, OSC, JSON, text, manual."""

import argparse
import asyncio
import json
from pathlib import Path

import pytest

from antiphon.control import wire
from antiphon.control.osc import OscServer
from antiphon.errors import UsageError
from antiphon.params import REGISTRY, TABLE, surfaces

WITH_VALUE = [row for row in TABLE if row.kind != "trigger"]
ROOT = Path(__file__).resolve().parents[2]


def other_value(row):
    """A value of the row that is not its default, and that 32 bits hold exactly."""
    if row.kind == "bool":
        return not row.default
    if row.kind == "enum":
        return next(choice for choice in row.choices if choice != row.default)
    if row.kind == "int":
        return row.default + 1
    return next(v for v in (row.maximum, row.minimum) if v != row.default)


@pytest.fixture
def parser():
    made = argparse.ArgumentParser(allow_abbrev=False)
    surfaces.add_flags(made, REGISTRY)
    return made


def by_osc(*messages):
    """Send messages to a server; give its events and replies."""

    async def stage():
        events, replies = [], []
        server = OscServer(REGISTRY, events.append, REGISTRY.defaults())
        server._reply = lambda sender, address, *arguments: replies.append((address, *arguments))
        for address, *arguments in messages:
            server.datagram_received(wire.encode(address, *arguments), ("127.0.0.1", 1))
        return events, replies

    return asyncio.run(stage())


@pytest.mark.parametrize("row", WITH_VALUE, ids=lambda row: row.path)
def test_a_row_means_the_same_on_every_surface(row, parser, tmp_path):
    """One value, written as each surface writes it, arrives as the same accepted value everywhere."""
    value = other_value(row)
    assert parser.parse_args([surfaces.flag(row) + "=" + row.show(value)]).rows == [(row.path, value)]
    assert parser.parse_args(["--set", f"{row.path}={row.show(value)}"]).rows == [(row.path, value)]
    preset = tmp_path / "mine.toml"
    preset.write_text(surfaces.preset_toml({row.path: value}))
    assert surfaces.load_preset(preset, REGISTRY).values == {row.path: value}
    address = dict((a.removeprefix("/antiphon/"), a) for a, _ in surfaces.osc_addresses(REGISTRY))[row.path]
    events, replies = by_osc((address, value), (address,))
    assert [(e.path, e.value) for e in events] == [(row.path, value)]
    assert replies == [(f"/antiphon/echo/{row.path}", value), (f"/antiphon/echo/{row.path}", row.default)]
    described = {entry["path"]: entry for entry in json.loads(json.dumps(surfaces.as_json(REGISTRY)))}[row.path]
    assert row.accept(described["default"]) == row.default
    assert row.path in surfaces.as_text(REGISTRY) and address in surfaces.as_markdown(REGISTRY)
    assert row.decode(row.encode(value)) == value


@pytest.mark.parametrize("row", [row for row in TABLE if row.kind == "trigger"], ids=lambda row: row.path)
def test_a_trigger_can_be_fired_live_and_not_kept(row, parser, tmp_path):
    """OSC fires it; a flag, --set and a preset refuse it, each with one line."""
    events, _ = by_osc((f"/antiphon/{row.path}",))
    assert [(e.path, e.value) for e in events] == [(row.path, True)]
    preset = tmp_path / "mine.toml"
    preset.write_text(surfaces.preset_toml({row.path: True}))
    with pytest.raises(UsageError, match="trigger"):
        surfaces.load_preset(preset, REGISTRY)
    with pytest.raises(UsageError, match="trigger"):
        parser.parse_args(["--set", f"{row.path}=1"])
    assert surfaces.flag(row) not in parser._option_string_actions


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_every_osc_address_is_one_that_osc_allows(row):
    """No space or pattern character, so that wildcards may come later."""
    assert not set(row.path) & set(" #*,?[]{}") and not row.path.startswith("/")
    assert row.path not in ("status", "error", "echo")


def test_flags_and_sets_are_taken_in_the_order_given(parser):
    """The last one wins, whichever way it was written."""
    rows = parser.parse_args(["--dry=-6", "--set", "dry=-9", "--dry", "off"]).rows
    assert rows == [("dry", -6.0), ("dry", -9.0), ("dry", -80.0)]


@pytest.mark.parametrize("name", surfaces.preset_files())
def test_the_presets_that_come_with_it_are_sound(name):
    """Every value is accepted as it is written, none is clipped, and each preset says what it is for."""
    preset = surfaces.load_preset(name, REGISTRY)
    import tomllib

    written = tomllib.loads(surfaces.preset_files()[name].read_text())["values"]
    assert preset.values == written and preset.values and preset.title and preset.help


def test_there_are_presets():
    """At least two, or the test above tests nothing."""
    assert len(surfaces.preset_files()) >= 2


BAD_PRESETS = {
    "unknown row": ("[values]\ntemprature = 1.0\n", "did you mean temperature"),
    "wrong type": ("[values]\ntemperature = 'hot'\n", "temperature does not take 'hot'"),
    "nan": ("[values]\ntemperature = nan\n", "does not take nan"),
    "array": ("[values]\ntemperature = [1]\n", "does not take"),
    "date": ("[values]\ntemperature = 2024-01-01\n", "does not take"),
    "unknown key": ("[value]\ntemperature = 1.0\n", "did you mean values"),
    "not a table": ("values = 3\n", "must be a table"),
    "no toml": ("temperature: 1.0\n", "is not TOML"),
    "binary": ("\x00\xff", "is not TOML"),
}


@pytest.mark.parametrize("what", BAD_PRESETS)
def test_a_bad_preset_gets_one_line_that_names_the_file(what, tmp_path):
    """And what is wrong in it."""
    text, words = BAD_PRESETS[what]
    preset = tmp_path / "mine.toml"
    preset.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=words) as caught:
        surfaces.load_preset(preset, REGISTRY)
    assert str(preset) in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_preset_names_those_there_are():
    """With the nearest first."""
    with pytest.raises(UsageError, match="did you mean duet.*there is: drift, duet"):
        surfaces.load_preset("deut", REGISTRY)
    with pytest.raises(UsageError, match="no preset"):
        surfaces.load_preset("/nowhere/x.toml", REGISTRY)


def test_the_manual_holds_the_generated_table():
    """README.md's table is the one that the parameter table makes; `antiphon params --markdown` prints it."""
    text = (ROOT / "README.md").read_text()
    begin, end = "<!-- antiphon params --markdown -->\n", "\n<!-- end -->"
    assert text.count(begin) == 1
    held = text.split(begin)[1].split(end)[0]
    assert held == surfaces.as_markdown(REGISTRY)
