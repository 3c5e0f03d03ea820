"""Presets are kept whole and only where they belong, and one that is taken gets there and nowhere else."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import patches
from antiphon.control.desk import Desk
from antiphon.control.presets import Presets
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.params import REGISTRY
from antiphon.params.presets import load_preset, preset_files, preset_folder, save_preset


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A player's own folder for presets, which is not there yet."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "antiphon" / "presets"


class Stage:
    """A desk without an engine, presets on it, and a clock that is turned by hand."""

    def __init__(self, bindings=dict, **values):
        self.now_s, self.events, self.lines, self.bound = 0.0, [], [], []
        self.values = {**REGISTRY.defaults(), **values}
        self.desk = Desk(REGISTRY, self._apply, self.values, log=self.lines.append)
        self.presets = Presets(self.desk, lambda: self.now_s, bind=self.bound.append, bindings=bindings)

    def _apply(self, event):
        self.events.append(event)
        if event.path in self.values:
            assert REGISTRY.accept(event.path, event.value) == event.value
            self.values[event.path] = event.value

    def say(self, text, source="osc:127.0.0.1:9", frame=None):
        self.desk.emit(Event("preset", text, frame, source))

    def set(self, path, value):
        self.desk.emit(Event(path, value, None, "osc:127.0.0.1:9"))

    def turn(self, seconds, step_s=0.02):
        """Let time pass; gives the events of each tick."""
        ticks = []
        for _ in range(round(seconds / step_s)):
            self.now_s += step_s
            before = len(self.events)
            self.presets.tick(self.now_s)
            ticks.append(self.events[before:])
        return ticks


def preset_file(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


# Keeping


def test_what_is_saved_is_what_comes_back(folder):
    """Every row but those of the moment, lists and words too; what is at its default is not written."""
    values = {**REGISTRY.defaults(), "temperature": 1.25, "chord": (60.0, 64.5), "scale": "rast", "tempo": 90.0, "lowpass": 800.0,
              "mute": True, "beat": (12.5, 90.0), "freeze": True, "hold": True}  # fmt: skip
    path = save_preset("mine", values, REGISTRY, 'Say "hello" \\ ü', {"1:cc74": "dry", "note36": "recall=1", "cc64": ""})
    preset = load_preset("mine", REGISTRY)
    assert path == folder / "mine.toml" == preset.path and preset.complete and preset.title == 'Say "hello" \\ ü'
    assert preset.values == {"temperature": 1.25, "chord": (60.0, 64.5), "scale": "rast", "tempo": 90.0, "lowpass": 800.0}
    assert preset.midi == {"1:cc74": "dry", "note36": "recall=1", "cc64": ""} and not preset.remarks
    assert [p.name for p in folder.iterdir()] == ["mine.toml"], "no half of a file is left"


def test_a_complete_preset_is_all_of_the_music_and_nothing_of_the_room():
    """A saved one sounds as it did whatever played before; how loud everything is on this stage is not its to change."""
    save_preset("mine", {**REGISTRY.defaults(), "temperature": 1.25}, REGISTRY)
    whole = load_preset("mine", REGISTRY).whole(REGISTRY)
    assert whole["density"] == 1.0 and whole["temperature"] == 1.25 and whole["lowpass"] == 20_000.0 and whole["mode"] == "answer"
    assert not {"dry", "voice", "master", "send/1", "phrase_margin", "yield_margin", "mute", "beat", "sync", "morph_s"} & set(whole)
    assert {row.group for row in REGISTRY.rows if row.of_the_music} == {row.group for row in REGISTRY.rows}


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "a\\b", "/etc/passwd", "a.toml", ".hidden", "-x", "a b", "save",
                                  "Save", "x" * 41, "a\nb", "a\0b", "~", "C:x"])  # fmt: skip
def test_a_name_that_leads_out_of_the_folder_or_is_none_is_refused(name, tmp_path):
    """And nothing is written anywhere."""
    with pytest.raises(UsageError, match="no name for a preset"):
        save_preset(name, REGISTRY.defaults(), REGISTRY)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=30)
@given(st.text(max_size=50))
def test_whatever_the_name_nothing_is_written_outside_the_folder(name):
    """A name is taken, and is a file in the folder; or it is refused."""
    try:
        path = save_preset(name, REGISTRY.defaults(), REGISTRY)
    except UsageError:
        return
    assert path.parent == preset_folder() and path.stem == name
    path.unlink()


def test_a_players_own_wins_over_the_one_that_came_with_it_and_that_is_said(folder):
    """The one that came is not touched."""
    before = (patches() / "presets/duet.toml").read_bytes()
    path = save_preset("duet", {**REGISTRY.defaults(), "temperature": 1.5}, REGISTRY)
    assert preset_files()["duet"] == path
    preset = load_preset("duet", REGISTRY)
    assert preset.values == {"temperature": 1.5} and "your own" in preset.remarks[0] and str(path) in preset.remarks[0]
    assert (patches() / "presets/duet.toml").read_bytes() == before


def test_one_that_is_saved_over_stays_beside_it(folder):
    """What was written by hand is not lost by one word over OSC."""
    old = preset_file(folder, "mine", "# my notes\n[values]\ntemperature = 0.5\n")
    save_preset("mine", REGISTRY.defaults(), REGISTRY)
    assert "my notes" in Path(f"{old}~").read_text() and "my notes" not in old.read_text()
    assert [name for name in preset_files() if name.startswith("mine")] == ["mine"]


def test_a_folder_that_cannot_be_written_is_one_line(folder):
    """As where the disk is read-only."""
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="cannot be saved in"):
        save_preset("mine", REGISTRY.defaults(), REGISTRY)
    assert "duet" in preset_files()


def test_the_disk_is_not_filled(folder, monkeypatch):
    """Who may save over OSC may save so many and no more; over one that is there, always."""
    monkeypatch.setattr("antiphon.params.presets._MOST_PRESETS", 2)
    for name in ("a", "b", "a"):
        save_preset(name, REGISTRY.defaults(), REGISTRY)
    with pytest.raises(UsageError, match="there are 2"):
        save_preset("c", REGISTRY.defaults(), REGISTRY)


@pytest.mark.parametrize("platform, environment, expected", [
    ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/antiphon/presets"),
    ("linux", {"XDG_CONFIG_HOME": "not/absolute"}, "/home/me/.config/antiphon/presets"),
    ("linux", {}, "/home/me/.config/antiphon/presets"),
    ("darwin", {}, "/home/me/Library/Application Support/antiphon/presets"),
    ("win32", {"APPDATA": "/roaming"}, "/roaming/antiphon/presets"),
])  # fmt: skip
def test_the_folder_is_where_the_platform_keeps_configuration(platform, environment, expected, monkeypatch):
    """XDG's on Linux; a relative path there is none, as XDG says."""
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert preset_folder() == Path(expected)


HOSTILE = {
    "digits": "temperature = " + "9" * 5000,
    "float": "temperature = " + "9" * 5000 + ".0",
    "key": "key = 1" + "0" * 400,
    "keep": "keep = 1" + "0" * 400,
    "seed": "seed = 1" + "0" * 400,
    "chord": "chord = [1" + "0" * 400 + "]",
    "hex": "temperature = 0x" + "f" * 9000,
    "hex in a list": "chord = [0x" + "f" * 9000 + "]",
    "switch": "yield = 0x" + "f" * 9000,
    "tables": "temperature" + ".a" * 20_000 + " = 1",
    "arrays": "chord = " + "[" * 20_000,
    "row": "x" * 60_000 + " = 1",
    "twice": "x" * 30_000 + " = 1\n" + "x" * 30_000 + " = 1",
    "date": "temperature = 2024-01-01",
}  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_value_is_it_is_refused_in_one_short_line(line, folder):
    """Numbers of thousands of digits, tables thousands deep, names of thousands of letters."""
    path = preset_file(folder, "mine", f"[values]\n{line}\n")
    with pytest.raises(UsageError) as refused:
        load_preset("mine", REGISTRY)
    said = str(refused.value).removeprefix(f"preset {path}: ")
    assert len(said) < 600 and "\n" not in said


@pytest.mark.parametrize("text", ["x" * 60_000 + " = 1", "complete = 0x" + "f" * 9000, "values = 0x" + "f" * 9000,
                                  "[midi]\ncc1 = 0x" + "f" * 9000, "[midi]\n" + "x" * 60_000 + " = ''",
                                  "[midi]\ncc1 = 'seed=" + "9" * 5000 + "'", "[midi]\ncc1 = '" + "x" * 60_000 + "'"])  # fmt: skip
def test_whatever_else_is_in_a_preset_is_refused_in_one_short_line(text, folder):
    """Its other keys, and its controllers."""
    path = preset_file(folder, "mine", text)
    with pytest.raises(UsageError) as refused:
        load_preset("mine", REGISTRY)
    assert len(str(refused.value).removeprefix(f"preset {path}: ")) < 600


def test_a_title_may_be_anything(folder):
    """It is only shown."""
    for title in ("0x" + "f" * 9000, "[1, 2]", "1.5"):
        preset_file(folder, "mine", f"title = {title}\n[values]\ntemperature = 0.5\n")
        assert len(load_preset("mine", REGISTRY).title) < 80


def test_a_preset_from_notepad_is_read(folder):
    """It begins with a byte order mark."""
    preset_file(folder, "mine", "").write_bytes(b"\xef\xbb\xbf" + b"[values]\r\ntemperature = 0.5\r\n")
    assert load_preset("mine", REGISTRY).values == {"temperature": 0.5}


# Taking


def test_a_preset_is_there_at_once_where_nothing_says_otherwise():
    """Only what differs is sent, each under the preset's name."""
    stage = Stage()
    stage.say("duet")
    wanted = load_preset("duet", REGISTRY).whole(REGISTRY)
    assert {path: stage.values[path] for path in wanted} == wanted and not stage.presets.moving
    sent = [event for event in stage.events if event.path != "preset"]
    assert {event.source for event in sent} == {"preset:duet"} and len(sent) == len({event.path for event in sent})
    assert all(wanted[event.path] != REGISTRY.resolve(event.path).default for event in sent)


def test_a_way_takes_its_time_and_ends_exactly_there():
    """Numbers go along their curve: half-way an exp row is at the geometric mean, another at the middle; never past the ends."""
    stage = Stage(answer_s=2.0, temperature=0.5, voice=-6.0)
    path = preset_file(preset_folder(), "far", "[values]\nanswer_s = 8.0\ntemperature = 1.7\nvoice = 0.0\ntranspose = 12\n")
    stage.say("far over 4 s")
    assert stage.values["answer_s"] == 2.0 and stage.presets.moving
    stage.turn(2.0)
    assert stage.values["answer_s"] == pytest.approx(4.0, rel=0.02) and stage.values["temperature"] == pytest.approx(1.1, abs=0.02)
    assert stage.values["voice"] == pytest.approx(-3.0, abs=0.05) and stage.values["transpose"] == 6
    stage.turn(2.1)
    assert not stage.presets.moving
    assert {p: stage.values[p] for p in load_preset(path, REGISTRY).values} == load_preset(path, REGISTRY).values
    for row in ("answer_s", "temperature", "voice", "transpose"):
        way = [event.value for event in stage.events if event.path == row]
        assert way == sorted(way) and len(way) == len(set(way)), "it only goes on, and says nothing twice"


def test_what_cannot_lie_between_changes_at_the_beginning():
    """Words, switches, lists, a seed, and a tempo that was the performer's."""
    stage = Stage()
    preset_file(preset_folder(), "other", '[values]\nscale = "rast"\nyield = false\nchord = [60, 64]\nseed = 900\ntempo = 90.0\n'
                "temperature = 1.5\n")  # fmt: skip
    stage.say("other over 10 s")
    assert (stage.values["scale"], stage.values["yield"], stage.values["chord"]) == ("rast", False, (60.0, 64.0))
    assert stage.values["seed"] == 900 and stage.values["tempo"] == 90.0 and stage.values["temperature"] == 0.9
    stage.say("other over 10 s")
    stage.set("tempo", 0.0)
    assert stage.presets.moving and len([event for event in stage.events if event.path == "seed"]) == 1


def test_the_performers_hand_wins():
    """A row that is changed by anything else on its way stays where it was put; the others go on."""
    stage = Stage()
    stage.say("drift over 2 s")
    stage.turn(0.5)
    stage.set("temperature", 0.3)
    stage.turn(3.0)
    assert stage.values["temperature"] == 0.3 and stage.values["novelty"] == 0.8 and not stage.presets.moving


def test_a_new_preset_begins_from_where_the_old_one_had_come():
    """It takes over the rows that it names."""
    stage = Stage()
    stage.say("drift over 2 s")
    stage.turn(1.0)
    between = stage.values["novelty"]
    assert 0.5 < between < 0.8
    stage.say("duet over 1 s")
    first = stage.turn(0.02)[0]
    assert [abs(event.value - between) < 0.02 for event in first if event.path == "novelty"] == [True]
    stage.turn(2.0)
    assert stage.values["novelty"] == 0.3 and stage.values["mode"] == "answer"


def test_from_one_preset_to_another():
    """`drift -> duet over 4 s`: drift at once, and from there to duet."""
    stage = Stage()
    stage.say("drift -> duet over 4 s")
    assert stage.values["temperature"] == 1.1 and stage.values["mode"] == "answer"
    stage.turn(2.0)
    assert stage.values["temperature"] == pytest.approx(0.9, abs=0.02)
    stage.turn(2.1)
    assert stage.values["temperature"] == 0.7


def test_morph_s_is_how_long_where_nothing_else_is_said():
    """And what is said is moved into its range."""
    stage = Stage(morph_s=2.0)
    stage.say("drift")
    stage.turn(1.0)
    assert 0.5 < stage.values["novelty"] < 0.8
    stage.say("duet over 9999 s")
    stage.turn(61.0, 0.5)
    assert stage.values["novelty"] == 0.3 and not stage.presets.moving


def test_no_tick_sends_more_than_fifty_events_and_all_arrive():
    """However many rows a preset names, the callback's queue is not filled by it."""
    values = {}
    for row in REGISTRY.rows:
        if row.access == "rw":
            values[row.path] = row.choices[-1] if row.kind == "enum" else (not row.default if row.kind == "bool" else None)
            if row.kind in ("int", "float"):
                values[row.path] = row.minimum if row.default != row.minimum else row.maximum
            if row.kind == "list":
                values[row.path] = (1.0,)
    from antiphon.params.presets import preset_toml

    preset_file(preset_folder(), "all", preset_toml(values))
    assert len(values) > 50
    for how in ("all", "all over 0.5 s"):
        stage = Stage()
        stage.say(how)
        assert len([event for event in stage.events if event.path != "preset"]) <= 50
        assert all(len(tick) <= 50 for tick in stage.turn(1.0))
        assert stage.values == {**values, "morph_s": values["morph_s"]} and not stage.presets.moving


def test_a_time_tag_is_passed_on_to_what_changes_at_once():
    """The frame is kept; what goes there over time begins now."""
    stage = Stage()
    stage.say("duet", frame=4800)
    assert {event.time_frame for event in stage.events if event.source == "preset:duet"} == {4800}


def test_ticks_that_come_too_often_or_late_change_nothing_of_it():
    """The way is by the clock: 20 ms apart at least, and after a pause where it is due."""
    stage = Stage()
    stage.say("drift over 2 s")
    assert sum(map(len, stage.turn(0.1, 0.001))) <= 8 * 6
    stage.turn(5.0, 5.0)
    assert stage.values["novelty"] == 0.8 and not stage.presets.moving


@pytest.mark.parametrize("text, words", [("deut", "did you mean duet"), ("", "which preset"), ("save", "under which name"),
                                         ("save ../x", "no name for a preset"), ("duet -> nothing", "no preset 'nothing'"),
                                         ("nothing -> duet", "no preset 'nothing'"), ("x" * 200, "no preset")])  # fmt: skip
def test_what_is_no_preset_is_one_line_and_changes_nothing(text, words):
    """Not even the first of two."""
    stage = Stage()
    with pytest.raises(UsageError, match=words) as caught:
        stage.say(text)
    assert "\n" not in str(caught.value) and stage.values == REGISTRY.defaults() and not stage.presets.moving


def test_a_flood_of_presets_is_refused():
    """Each is a file to be read."""
    stage = Stage()
    for _ in range(20):
        stage.say("duet")
    with pytest.raises(UsageError, match="in a second"):
        stage.say("duet")
    stage.turn(1.0)
    stage.say("duet")


def test_files_by_their_path_are_for_who_sits_at_the_machine(tmp_path):
    """The network may have presets by their names only, not files of its choice opened."""
    path = tmp_path / "a folder" / "p.toml"
    preset_file(path.parent, "p", "[values]\ntemperature = 0.5\n")
    for source in ("osc:127.0.0.1:9", "oscquery:::1:9", "key", "cli"):
        stage = Stage()
        stage.say(f"{path} over 0 s", source)
        assert stage.values["temperature"] == 0.5
    for source in ("osc:10.0.0.7:9", "oscquery:fe80::1:9", "ask:osc:10.0.0.7:9", "", "osc:12.127.0.0.1:9"):
        stage = Stage()
        with pytest.raises(UsageError, match="no preset"):
            stage.say(str(path), source)
        stage.say("duet", source)
        assert stage.values["temperature"] == 0.7


def test_a_row_that_is_refused_on_its_way_is_told_and_left():
    """An engine that cannot take one now does not keep the others from arriving."""
    stage = Stage()

    def apply(event):
        if event.path == "novelty":
            raise UsageError("thousands are kept already")
        stage._apply(event)

    stage.desk._apply = apply
    stage.say("drift over 1 s")
    stage.turn(1.5)
    assert stage.values["temperature"] == 1.1 and stage.values["novelty"] == 0.5 and not stage.presets.moving
    assert [line for line in stage.lines if "thousands" in line] == ["preset:drift: thousands are kept already"]


def test_it_is_saved_by_a_word_and_said_where(folder):
    """`save mine` over any surface; MIDI's bindings are saved too, and bound again when it is taken."""
    stage = Stage(bindings=lambda: {"cc3": "temperature"}, temperature=1.5, dry=-80.0)
    stage.say("save mine")
    stage.say("save mine")
    stage.say("save duet")
    assert [line.removeprefix("saved as preset ") for line in stage.lines] == [
        f"mine: {folder / 'mine.toml'}",
        f"mine: {folder / 'mine.toml'}; the one before is mine.toml~",
        f"duet: {folder / 'duet.toml'}, taken from now on, not the one that comes with Antiphon",
    ]
    other = Stage()
    other.say("mine")
    assert other.values["temperature"] == 1.5 and other.values["dry"] == -80.0 and other.bound == [{"cc3": "temperature"}]
    other.say("drift")
    assert other.bound == [{"cc3": "temperature"}], "a preset without bindings leaves them as they are"


def test_bindings_that_are_refused_leave_everything_as_it_was(folder):
    """They are tried first."""
    preset_file(folder, "mine", '[values]\ntemperature = 0.5\n[midi]\ncc3 = "dry"\n')
    stage = Stage()

    def refuse(midi):
        raise UsageError("cc3 is taken")

    stage.presets._bind = refuse
    with pytest.raises(UsageError, match="cc3 is taken"):
        stage.say("mine")
    assert stage.values == REGISTRY.defaults()


# The file that changes


def rewrite(path, text, at_s):
    path.write_text(text)
    os.utime(path, ns=(int(at_s * 1e9), int(at_s * 1e9)))


def test_a_preset_is_read_again_when_its_file_has_changed(folder):
    """What has changed in it is set, and said; what the performer changed since stays."""
    path = preset_file(folder, "mine", "[values]\ntemperature = 0.5\nnovelty = 0.2\n")
    stage = Stage()
    stage.say("mine")
    stage.set("novelty", 0.9)
    stage.turn(3.0)
    rewrite(path, "[values]\ntemperature = 0.6\nnovelty = 0.2\n", 1000)
    stage.turn(3.0)
    assert stage.values["temperature"] == 0.6 and stage.values["novelty"] == 0.9
    assert stage.lines == ["preset mine has changed: temperature 0.6"]


def test_half_of_a_file_is_told_once_and_the_old_one_stays(folder):
    """Whoever writes slowly, or wrongly, is waited for; a file that is gone is, too."""
    path = preset_file(folder, "mine", "[values]\ntemperature = 0.5\n")
    stage = Stage()
    stage.say("mine")
    rewrite(path, "[values]\ntempera", 1000)
    stage.turn(5.0)
    assert len(stage.lines) == 1 and "is not TOML" in stage.lines[0] and stage.values["temperature"] == 0.5
    rewrite(path, "[values]\ntemperature = nan\n", 2000)
    stage.turn(5.0)
    assert len(stage.lines) == 2 and "does not take nan" in stage.lines[1]
    path.unlink()
    stage.turn(5.0)
    assert len(stage.lines) == 2
    rewrite(path, "[values]\ntemperature = 0.7\n", 3000)
    stage.turn(5.0)
    assert stage.values["temperature"] == 0.7 and len(stage.lines) == 3


def test_a_file_that_is_being_written_is_not_read(folder):
    """Only one that has stayed as it is for a second."""
    path = preset_file(folder, "mine", "[values]\ntemperature = 0.5\n")
    stage = Stage()
    stage.presets.follow(load_preset("mine", REGISTRY))
    for second in range(1, 6):
        rewrite(path, f"[values]\ntemperature = 1.{second}\n", 1000 + second)
        stage.turn(1.0)
        assert stage.values["temperature"] == 0.9
    stage.turn(2.0)
    assert stage.values["temperature"] == 1.5


def test_saving_the_preset_that_is_played_changes_nothing(folder):
    """Its file is new, its values are those that play; they are not sent again."""
    stage = Stage()
    stage.say("save mine")
    stage.say("mine")
    stage.set("temperature", 1.3)
    stage.say("save mine")
    before = len(stage.events)
    stage.turn(4.0)
    assert len(stage.events) == before


def test_its_task_moves_it(folder):
    """As live it does: asleep while nothing moves, awake when a preset is said."""
    stage = Stage()

    async def play():
        import time

        stage.presets._now_s = time.monotonic
        task = asyncio.get_running_loop().create_task(stage.presets.run())
        await asyncio.sleep(0.05)
        stage.say("drift over 0.1 s")
        for _ in range(500):
            await asyncio.sleep(0.02)
            if not stage.presets.moving:
                break
        task.cancel()

    asyncio.run(play())
    assert stage.values["novelty"] == 0.8


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_no_file_ends_the_watching(line, folder):
    """What is in it is told once; once it is mended that is heard, and presets go on."""
    path = preset_file(folder, "mine", "[values]\ntemperature = 0.5\n")
    stage = Stage()
    stage.say("mine")
    rewrite(path, f"[values]\n{line}\n", 1000)
    stage.turn(5.0)
    assert len(stage.lines) == 1 and "as it was" in stage.lines[0] and stage.values["temperature"] == 0.5
    rewrite(path, "[values]\ntemperature = 0.7\n", 2000)
    stage.turn(5.0)
    assert stage.values["temperature"] == 0.7


def test_whatever_fails_its_task_goes_on_and_says_so(folder, monkeypatch):
    """Where a file is read, where a row is set, and in a tick itself: one line each, and the next preset arrives."""
    path = preset_file(folder, "mine", "[values]\ntemperature = 0.5\n")
    stage, failing = Stage(), {"novelty"}

    def apply(event):
        if event.path in failing:
            raise KeyError("a key of its own")
        stage._apply(event)

    def look():
        monkeypatch.undo()
        raise ZeroDivisionError("nobody\nthought of it")

    stage.desk._apply = apply
    stage.say("mine")
    rewrite(path, "[values]\ntemperature = 0.6\n", 1000)

    def load(*_):
        raise OverflowError("too large")

    with monkeypatch.context() as patched:
        patched.setattr("antiphon.control.presets.load_preset", load)
        stage.turn(5.0)
    stage.say("drift over 0.1 s")
    stage.turn(1.0)
    monkeypatch.setattr(stage.presets, "_look", look)

    async def play():
        stage.presets._last_look_s = float("-inf")
        task = asyncio.get_running_loop().create_task(stage.presets.run())
        await asyncio.sleep(0.05)
        failing.clear()
        stage.say("duet over 1 s")
        stage.now_s += 2.0
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()

    asyncio.run(play())
    assert stage.lines == ["OverflowError: too large; playing on with preset mine as it was",
                           "preset:drift: KeyError: 'a key of its own'",
                           "presets: ZeroDivisionError: nobody thought of it"]  # fmt: skip
    assert stage.values["novelty"] == 0.3 and stage.values["temperature"] == 0.7 and not stage.presets.moving
