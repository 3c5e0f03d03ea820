"""patches/generated is what the parameter table makes of it: byte for byte, whole, and of a form its hosts can read.

What the hosts themselves make of it is in tests/surfaces/test_clients.py; Max, Open Stage Control and TouchOSC are not here
to be asked, so their files are held against what is known of their formats.
"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest

from antiphon import patches
from antiphon.control.feedback import FEED_NAMES
from antiphon.params import REGISTRY
from antiphon.params.clients import common, files, supercollider, write
from antiphon.params.spec import Param, Registry
from antiphon.params.surfaces import OSC_ROOT

GENERATED = patches() / "generated"
FILES = files(REGISTRY)
ODD = Registry((
    Param("a/b", "float", target="block", help='Says "x, y"; costs $5 & <more> \\ than one', group="output",
          minimum=1.0, maximum=9.0, default=2.0, curve="exp"),
    Param("which", "trigger", target="step", help="One of 200", access="w", most=200),
    Param("word", "enum", target="control", help="A word", default="1/4", choices=("1/4", "c#", "440")),
    Param("some", "list", target="step", help="Numbers", default=(1.0, 2.5), most=3, maximum=5.0, unit="note"),
    Param("say", "text", target="control", help="Words", default="", most=20, access="w"),
    Param("on", "bool", target="block", help="On", default=True),
    Param("whole", "int", target="step", help="Whole", default=3, minimum=-5, maximum=5),
))


def as_kept(name, content):
    """The bytes that count: of what is compressed, what is inside, since zlibs differ."""
    return zlib.decompress(content) if name.endswith(".tosc") else content


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_lies_there_is_what_the_table_makes(name):
    """Run `antiphon params --clients patches/generated` where it is not; nobody edits these files."""
    there = GENERATED / name
    assert there.is_file(), "run: antiphon params --clients patches/generated"
    assert as_kept(name, there.read_bytes()) == as_kept(name, FILES[name]), "run: antiphon params --clients patches/generated"


def test_nothing_else_lies_there():
    """A file that is made no more is deleted."""
    assert {path.relative_to(GENERATED).as_posix() for path in GENERATED.rglob("*") if path.is_file()} == set(FILES)


def test_the_same_table_makes_the_same_bytes_and_another_makes_others(tmp_path):
    """Twice, and by way of the disk; with one row less no file but Pd's abstraction stays as it was."""
    assert files(REGISTRY) == FILES
    assert {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in write(REGISTRY, tmp_path)} == FILES
    fewer = files(Registry(REGISTRY.rows[1:]))
    assert {name for name in FILES if fewer[name] == FILES[name]} == {"pd/antiphon.pd"}


def test_the_command_line_writes_them_and_says_where(tmp_path):
    """The paths on stdout, one a line; a folder that cannot be made is exit 2 and one line."""
    command = [sys.executable, "-m", "antiphon", "params", "--clients"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1] / "engine")}
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in FILES]
    assert all((tmp_path / name).read_bytes() == content for name, content in FILES.items())
    (tmp_path / "taken").write_text("")
    done = subprocess.run([*command, str(tmp_path / "taken")], capture_output=True, text=True, env=environment)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "taken" in done.stderr


def addresses_of_stage_control(widget):
    """Every address that a widget or one inside it sends to, by itself or by its script."""
    if "address" in widget:
        yield widget["address"]
    yield from re.findall(r"send\('([^']+)'", widget.get("onValue", ""))
    for inner in (*widget.get("widgets", ()), *widget.get("tabs", ())):
        yield from addresses_of_stage_control(inner)


def addresses(name, content):
    """Every address of a row that a client sends to."""
    text = as_kept(name, content).decode()
    if name == "pd/antiphon-help.pd":
        return {OSC_ROOT + message.split()[0] for message in re.findall(r"#X msg \d+ \d+ ([^;]+);", text)}
    if name.endswith(".sc"):
        return {OSC_ROOT + path for path in re.findall(r"this\.(?:send|set)\('([^']+)'", text)}
    if name.endswith(".scd"):
        methods = set(re.findall(r"^a\.(\w+)", text, re.MULTILINE))
        return {OSC_ROOT + row.path for row in REGISTRY.rows if supercollider.name(row) in methods}
    if name.endswith(".maxpat"):
        boxes = [box["box"] for box in json.loads(text)["patcher"]["boxes"]]
        return {word for box in boxes for word in box.get("text", "").split() if word.startswith(OSC_ROOT)}
    if name.endswith(".json"):
        return set(addresses_of_stage_control(json.loads(text)["content"]))
    if name.endswith(".tosc"):
        sent = {path.text for message in ET.fromstring(text).iter("osc") if message.findtext("send") == "1"
                for path in message.findall("path/partial/value")}
        return sent | set(re.findall(r"sendOSC\(\{'([^']+)'", text))
    return {OSC_ROOT + row.path for row in REGISTRY.rows}  # the abstraction takes whatever it is told


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_row_is_in_every_client(name):
    """A new row is there without an edit in any client."""
    assert {OSC_ROOT + row.path for row in REGISTRY.rows} - addresses(name, FILES[name]) == set()


def test_a_row_that_is_missing_is_found_missing():
    """The check above, where a client was made of another table."""
    fewer = files(Registry(REGISTRY.rows[:-1]))
    missing = {OSC_ROOT + REGISTRY.rows[-1].path}
    for name in set(FILES) - {"pd/antiphon.pd"}:
        assert {OSC_ROOT + row.path for row in REGISTRY.rows} - addresses(name, fewer[name]) == missing, name


def test_the_feeds_that_clients_offer_are_those_there_are():
    """The table's layer does not see control's."""
    assert tuple(name for name, _ in common.FEEDS) == FEED_NAMES


def test_no_row_is_called_as_what_a_client_does_itself():
    """[antiphon] in Pd connects; a class in SuperCollider has methods of its own, and one for each row."""
    assert not {"connect", "disconnect", "subscribe", "unsubscribe", "status"} & set(REGISTRY.paths)
    methods = re.findall(r"^\t\*?(\w+) \{", FILES["supercollider/Antiphon/Antiphon.sc"].decode(), re.MULTILINE)
    assert len(methods) == len(set(methods))


def pd_canvases(text):
    """For each canvas how many objects it has, and its cords: (from, outlet, to, inlet)."""
    stack, found = [], []
    for line in text.replace("\\;", "").replace("\n", " ").split(";"):
        words = line.split()
        if words[:2] == ["#N", "canvas"]:
            stack.append([0, []])
        elif words[:2] == ["#X", "connect"]:
            stack[-1][1].append(tuple(map(int, words[2:])))
        elif words[:2] == ["#X", "restore"]:
            found.append(stack.pop())
            stack[-1][0] += 1
        elif words:
            stack[-1][0] += 1
    assert len(stack) == 1
    return found + stack


@pytest.mark.parametrize("registry", [REGISTRY, ODD], ids=["table", "odd"])
@pytest.mark.parametrize("name", ["pd/antiphon.pd", "pd/antiphon-help.pd"])
def test_pd_cords_lead_from_object_to_object(registry, name):
    """No number of an object that is not there; every text is closed."""
    text = files(registry)[name].decode()
    assert all(line.endswith(";") for line in text.splitlines() if line)
    for count, cords in pd_canvases(text):
        assert all(max(source, sink) < count and source != sink for source, _, sink, _ in cords)
        assert len(cords) == len(set(cords))


@pytest.mark.parametrize("registry", [REGISTRY, ODD], ids=["table", "odd"])
def test_max_lines_lead_from_box_to_box(registry):
    """Ids are unique, lines end at outlets and inlets that are there, ranges are the table's, panels are behind."""
    patcher = json.loads(files(registry)["max/antiphon.maxpat"])["patcher"]
    boxes = {entry["box"]["id"]: entry["box"] for entry in patcher["boxes"]}
    assert len(boxes) == len(patcher["boxes"]) and patcher["fileversion"] == 1
    for box in boxes.values():
        assert len(box.get("outlettype", [])) == box["numoutlets"] and len(box["patching_rect"]) == 4
        assert box["maxclass"] in {"comment", "newobj", "message", "flonum", "number", "toggle", "umenu", "button", "panel"}
    for line in (entry["patchline"] for entry in patcher["lines"]):
        (source, outlet), (sink, inlet) = line["source"], line["destination"]
        assert outlet < boxes[source]["numoutlets"] and inlet < boxes[sink]["numinlets"]
    ranges = {(box["minimum"], box["maximum"]) for box in boxes.values() if box["maxclass"] in ("flonum", "number")}
    assert ranges == {(0 if row.zero else row.minimum, row.maximum) for row in registry.rows if row.kind in ("float", "int")} | {
        (1, row.most) for row in registry.rows if row.numbered and row.most > 8}
    menus = [box["items"][::2] for box in boxes.values() if box["maxclass"] == "umenu"]
    by_panel = [row for rows in common.groups(registry).values() for row in rows]
    assert menus == [list(row.choices) for row in by_panel if row.kind == "enum"]
    assert {box["patching_rect"][0] for box in boxes.values() if box["maxclass"] == "panel"} == {
        20.0 + 620 * at for at in range(len(common.groups(registry)))}


@pytest.mark.parametrize("registry", [REGISTRY, ODD], ids=["table", "odd"])
def test_open_stage_control_widgets_are_such_as_it_has(registry):
    """Types of its reference, one id each, a tab for each group, ranges and choices of the table."""
    document = json.loads(files(registry)["open-stage-control/antiphon.json"])
    assert document["type"] == "session" and document["content"]["type"] == "root"
    tabs = document["content"]["tabs"]
    assert [tab["label"] for tab in tabs] == list(common.groups(registry))

    def all_of(widget):
        yield widget
        for inner in (*widget.get("widgets", ()), *widget.get("tabs", ())):
            yield from all_of(inner)

    widgets = list(all_of(document["content"]))
    assert {widget["type"] for widget in widgets} <= {"root", "tab", "panel", "text", "fader", "button", "dropdown", "input"}
    assert len({widget["id"] for widget in widgets}) == len(widgets)
    by_address = {widget["address"]: widget for widget in widgets if widget["type"] in ("fader", "dropdown")}
    for row in registry.rows:
        widget = by_address.get(OSC_ROOT + row.path)
        if row.kind == "float":
            assert (widget["range"]["min"], widget["range"]["max"]) == (row.minimum, row.maximum)
            assert f"OSC{{{OSC_ROOT}echo/{row.path}, " in widget["value"]
        if row.kind == "enum":
            assert widget["values"]["values"] == list(row.choices)


@pytest.mark.parametrize("registry", [REGISTRY, ODD], ids=["table", "odd"])
def test_touchosc_controls_are_such_as_its_editor_writes(registry):
    """Well-formed XML, kinds of control it has, one id each, values and properties with keys, everything inside its page."""
    root = ET.fromstring(zlib.decompress(files(registry)["touchosc/antiphon.tosc"]))
    assert root.tag == "lexml" and root.get("version") == "3"
    nodes = list(root.iter("node"))
    assert {node.get("type") for node in nodes} <= {"GROUP", "PAGER", "LABEL", "FADER", "BUTTON", "RADIO", "TEXT"}
    assert len({node.get("ID") for node in nodes}) == len(nodes)
    for node in nodes:
        keys = [entry.findtext("key") for entry in node.find("properties")]
        assert len(keys) == len(set(keys)) and {"name", "frame", "color"} <= set(keys)
        assert {"b", "i", "f", "s", "c", "r"} >= {entry.get("type") for entry in node.find("properties")}
    for page in root.findall("node/children/node/children/node"):
        width, height = size(page)[2:]
        for control in page.findall("children/node"):
            x, y, wide, high = size(control)
            assert 0 <= x and x + wide <= width and 0 <= y and y + high <= height and wide > 8 and high > 8
    scales = {(value.findtext("scaleMin"), value.findtext("scaleMax")) for value in root.iter("partial")}
    for row in registry.rows:
        if row.kind == "float" and row.curve == "linear":
            assert (common.number(row.minimum), common.number(row.maximum)) in scales


def size(node):
    """A control's frame."""
    frame = next(entry for entry in node.find("properties") if entry.findtext("key") == "frame")
    return [float(part.text) for part in frame.find("value")]


def test_an_odd_table_is_written_so_that_it_is_read_as_it_was():
    """Quotes, commas, semicolons, dollars, brackets: what a help text may hold."""
    made = files(ODD)
    help_text = ODD.rows[0].help
    assert help_text.replace("\\", "\\\\").replace('"', '\\"') in made["supercollider/Antiphon/Antiphon.sc"].decode()
    assert "\\$5" in made["pd/antiphon-help.pd"].decode() and ' \\; costs' in made["pd/antiphon-help.pd"].decode()
    panels = json.loads(made["open-stage-control/antiphon.json"])["content"]["tabs"][0]["widgets"]
    assert help_text in panels[0]["comments"]


def test_the_guide_names_what_there_is():
    """Every client's file is in patches/clients/README.md."""
    guide = (patches() / "clients" / "README.md").read_text()
    for name in FILES:
        part = "supercollider/Antiphon" if name.endswith(".sc") else name
        assert part in guide, name


def test_templates_are_all_used():
    """No frame without a file made of it."""
    frames = [path.relative_to(patches() / "clients").with_suffix("") for path in (patches() / "clients").rglob("*.in")]
    assert {frame.name for frame in frames} == {Path(name).name for name in FILES if name.startswith("supercollider/")}
