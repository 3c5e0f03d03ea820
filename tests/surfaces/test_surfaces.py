"""Every row through every surface and back; what is asserted at each surface is in walk.py."""

import argparse
import tomllib
from pathlib import Path

import pytest
import walk

from antiphon import patches
from antiphon.errors import UsageError
from antiphon.params import REGISTRY, TABLE, surfaces
from antiphon.params.presets import load_preset, preset_files

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in (patches() / "presets").glob("*.toml"))


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A player without presets of their own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def parser():
    made = argparse.ArgumentParser(allow_abbrev=False)
    surfaces.add_flags(made, REGISTRY)
    return made


@pytest.mark.parametrize("surface", walk.SURFACES)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_a_row_means_the_same_on_every_surface(row, surface):
    """One value, written as the surface writes it, arrives as the same accepted value; or there is a reason why it is not there."""
    why_not = walk.SURFACES[surface](row)
    assert not why_not or row.access == "w" or surface in ("MIDI", "to the model") or "of the moment" in why_not


def test_the_table_of_the_walk_names_every_row_and_every_surface():
    """As bench/surfaces.py prints it."""
    walked = walk.table(TABLE[:6])
    text = walk.as_markdown(walked)
    assert list(walked) == [row.path for row in TABLE[:6]]
    assert all(name in text for name in walk.SURFACES) and f"`{TABLE[5].path}`" in text and walk.HAPPENS in text


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.path)
def test_every_osc_address_is_one_that_osc_allows(row):
    """No space or pattern character, so that wildcards may come later."""
    assert not set(row.path) & set(" #*,?[]{}") and not row.path.startswith("/")
    assert row.path not in ("status", "error", "echo", "asked", "subscribe", "unsubscribe", "reply_to")


def test_flags_and_sets_are_taken_in_the_order_given(parser):
    """The last one wins, whichever way it was written."""
    rows = parser.parse_args(["--dry=-6", "--set", "dry=-9", "--dry", "off"]).rows
    assert rows == [("dry", -6.0), ("dry", -9.0), ("dry", -80.0)]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_presets_that_come_with_it_are_sound(name):
    """Every value is accepted as it is written, none is clipped, each preset is complete and says what it is for."""
    preset = load_preset(name, REGISTRY)
    written = tomllib.loads(preset_files()[name].read_text(encoding="utf-8"))["values"]
    assert preset.values == written and preset.values and preset.complete
    assert preset.title != name and preset.help and not preset.help.endswith(".") and not preset.remarks
    assert all(value != REGISTRY.resolve(path).default or path in ("mode", "tune_to") for path, value in written.items())


def test_there_are_presets():
    """At least two, or the test above tests nothing."""
    assert len(SHIPPED) >= 2


BAD_PRESETS = {
    "unknown row": ("[values]\ntemprature = 1.0\n", "did you mean temperature"),
    "wrong type": ("[values]\ntemperature = 'hot'\n", "temperature does not take 'hot'"),
    "nan": ("[values]\ntemperature = nan\n", "does not take nan"),
    "array": ("[values]\ntemperature = [1]\n", "does not take"),
    "date": ("[values]\ntemperature = 2024-01-01\n", "does not take"),
    "unknown key": ("[value]\ntemperature = 1.0\n", "did you mean values"),
    "not a table": ("values = 3\n", "must be a table"),
    "no toml": ("temperature: 1.0\n", "is not TOML"),
    "complete": ("complete = 1\n", "complete is true or false"),
    "trigger": ("[values]\npanic = true\n", "panic is a trigger"),
    "text": ("[values]\npreset = 'duet'\n", "preset is a text"),
    "too many": ("[values]\nscale_cents = [0,1,2,3,4,5,6,7,8,9,10,11,12]\n", "takes up to 12 numbers"),
    "no midi control": ("[midi]\nslider = 'dry'\n", "'slider' is no MIDI control"),
    "midi to an unknown row": ("[midi]\ncc3 = 'drry'\n", "did you mean dry"),
    "midi to no row": ("[midi]\ncc3 = 4\n", "must be bound to the path of a row"),
    "midi to a value that is none": ("[midi]\nnote36 = 'mode=hodl'\n", "did you mean hold"),
    "midi not a table": ("midi = 3\n", "midi must be a table"),
    "large": ("#" * 70_000, "is it a preset"),
    "binary": ("\x00\xff", "is not TOML"),
}


@pytest.mark.parametrize("what", BAD_PRESETS)
def test_a_bad_preset_gets_one_line_that_names_the_file(what, tmp_path):
    """And what is wrong in it."""
    text, words = BAD_PRESETS[what]
    preset = tmp_path / "mine.toml"
    preset.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=words) as caught:
        load_preset(preset, REGISTRY)
    assert str(preset) in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_preset_names_those_there_are():
    """With the nearest first."""
    with pytest.raises(UsageError, match="did you mean duet.*there is: drift, drone, duet"):
        load_preset("deut", REGISTRY)
    with pytest.raises(UsageError, match="no preset"):
        load_preset("/nowhere/x.toml", REGISTRY)


def test_the_manual_holds_the_generated_table():
    """README.md's table is the one that the parameter table makes; `antiphon params --markdown` prints it."""
    text = (ROOT / "README.md").read_text()
    begin, end = "<!-- antiphon params --markdown -->\n", "\n<!-- end -->"
    assert text.count(begin) == 1
    held = text.split(begin)[1].split(end)[0]
    assert held == surfaces.as_markdown(REGISTRY)
