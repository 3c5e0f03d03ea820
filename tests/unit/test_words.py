"""What is asked in words means what the vocabulary says, or is named as not understood; nothing is guessed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.cli import main, parse, values_of
from antiphon.control.asking import Asking
from antiphon.control.desk import Desk
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.params import REGISTRY
from antiphon.params import vocabulary as v
from antiphon.params.words import as_text, must_understand, understand, vocabulary


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A player without presets of their own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def meant(text, **values):
    """What a text means, where all of it is understood."""
    asked = understand(text, values=values)
    assert not asked.unknown, asked.unknown
    return asked.values


# The vocabulary


def said_plainly():
    return [pytest.param(phrase, values, id=phrase) for phrase, values in vocabulary()]


@pytest.mark.parametrize("phrase, values", said_plainly())
def test_every_phrase_means_what_its_row_takes(phrase, values):
    """Each path exists and has a value, which is taken as it is; asked for alone, the phrase means that and no more."""
    assert values
    for path, value in values.items():
        row = REGISTRY.resolve(path)
        assert row.access == "rw" and row.accept(value) == value and not row.clipped(value)
    relative = next((d for d in v.DIALS if d.relative and phrase in f"{d.low[1]}, {d.high[1]}".split(", ")), None)
    found = meant(phrase)
    assert set(found) == set(values)
    assert relative or found == values


@pytest.mark.parametrize("setting", v.SETTINGS, ids=lambda setting: setting.words)
def test_the_opposite_of_a_phrase_is_taken_by_its_rows_too(setting):
    """Where there is none, "not" before the phrase is not understood."""
    for path, value in setting.off.items():
        assert REGISTRY.accept(path, value) == value
    phrase = setting.words.split(", ")[0]
    asked = understand(f"not {phrase}")
    if not phrase.startswith("no "):
        assert asked.values == setting.off and bool(asked.unknown) != bool(setting.off)


def test_no_phrase_means_two_things():
    """The same words stand in one row of the vocabulary, and none of them is passed over for politeness."""
    phrases = [phrase for phrase, _ in vocabulary()]
    assert len(phrases) == len(set(phrases))
    assert not {phrase for phrase in phrases if not set(phrase.split()) - v.FILLERS}


PHRASES = {phrase: values for phrase, values in vocabulary()}


@pytest.mark.parametrize("phrase", [phrase for phrase in PHRASES if " " in phrase])
def test_no_word_of_a_phrase_means_the_phrase(phrase):
    """Alone, or with "no" before it, it sets nothing of the phrase's, where it is not a phrase of its own: no way."""
    for word in set(phrase.split()) - set(PHRASES):
        for text in {word, f"no {word}", f"{word} qq"} - set(PHRASES):
            assert not set(understand(text).values) & set(PHRASES[phrase]), text


@pytest.mark.parametrize("phrase", PHRASES)
def test_off_behind_a_phrase_never_switches_it_on(phrase):
    """It means what "no" before it means, or is not understood with the phrase; chord off."""
    asked = understand(f"{phrase} off")
    assert not {path for path, value in PHRASES[phrase].items() if asked.values.get(path, "nothing") == value}
    assert asked.values or asked.unknown


def test_the_vocabulary_is_printed_whole(capsys):
    """By `antiphon params --words`, on 80 columns or so, with the forms besides."""
    assert main(["params", "--words"]) == 0
    text = capsys.readouterr().out
    assert text.strip() == as_text(REGISTRY)
    assert all(phrase in text for phrase, _ in vocabulary()) and all(form in text for form, _ in v.FORMS)


def test_names_in_the_tables_are_names_of_rows():
    """Of other names, of grips, of remarks."""
    for path in (*v.ALIASES.values(), *v.GRIPPED, *v.GRIPPED.values(), *(p for needs in v.NEEDS for p in needs[:2])):
        assert REGISTRY.resolve(path).access == "rw"
    assert {unit for unit, _ in v.UNITS.values()} <= {row.unit for row in REGISTRY.rows}


# Sentences


SENTENCES = {
    "slow, a bit darker, in D dorian": {"tempo": 60, "brightness": -1.5, "key": "d", "scale": "dorian"},
    "80 bpm please, sparse and breathy": {"tempo": 80, "density": 0.5, "breath": 12},
    "I'd like it very slow and really dense": {"tempo": 48, "density": 3},
    "a bit bright": {"brightness": 1.5},
    "a little fast": {"tempo": 122},
    "not so loud": {"loudness": -4},
    "don't be too breathy": {"breath": -6},
    "too many notes": {"density": 0.667},
    "no vibrato, no glide": {"vibrato": 0, "glide": 0},
    "with wide vibrato and portamento": {"vibrato": 2, "glide": 1.5},
    "an octave up": {"transpose": 12},
    "a fifth down": {"transpose": -7},
    "up a minor third": {"transpose": 3},
    "two octaves lower": {"transpose": -24},
    "bass": {"register_low": 40, "register_high": 64},
    "between c3 and c5": {"register_low": 48, "register_high": 72},
    "from C5 to C3": {"register_low": 48, "register_high": 72},
    "c4-g5": {"register_low": 60, "register_high": 79},
    "C minor": {"key": "c", "scale": "minor"},
    "in a minor": {"key": "a", "scale": "minor"},
    "in a minor key": {"scale": "minor"},
    "a blues in G": {"scale": "blues", "key": "g"},
    "f# major": {"key": "f#", "scale": "major"},
    "B flat major": {"key": "bb", "scale": "major"},
    "key of c sharp harmonic minor": {"key": "c#", "scale": "harmonic-minor"},
    "rast on d": {"key": "d", "scale": "rast"},
    "raga bhairav": {"scale": "bhairav"},
    "E♭ minor pentatonic": {"key": "eb", "scale": "minor-pentatonic"},
    "C-Dur": {"key": "c", "scale": "major"},
    "as moll": {"key": "ab", "scale": "minor"},
    "b dur": {"key": "bb", "scale": "major"},
    "h moll": {"key": "b", "scale": "minor"},
    "sol maggiore": {"key": "g", "scale": "major"},
    "strictly in C major": {"key": "c", "scale": "major", "scale_grip": 1.0},
    "chord Am7": {"chord": (9, 0, 4, 7)},
    "Cmaj7": {"chord": (0, 4, 7, 11)},
    "F#m7b5": {"chord": (6, 9, 0, 4)},
    "C/E": {"chord": (4, 0, 7)},
    "c e g": {"chord": (0, 4, 7)},
    "notes C4, E4 and G4": {"chord": (60, 64, 67)},
    "no chord": {"chord": ()},
    "wild but loosely on the grid": {"temperature": 1.4, "grid_grip": 0.4},
    "on a 1/8 grid, swung": {"grid": "1/8", "grid_grip": 1.0, "swing": 0.62},
    "shuffled triplets": {"swing": 0.667, "grid": "1/8t", "grid_grip": 1.0},
    "60 % swing on the beat": {"swing": 0.6, "grid_grip": 1.0},
    "not in key": {"scale_grip": 0.0},
    "long phrases, short answers": {"phrase_length": 10, "answer_s": 4},
    "answers of 10 s": {"answer_s": 10},
    "12 second answers": {"answer_s": 12},
    "keep going": {"mode": "hold"},
    "just listen": {"mode": "listen"},
    "whisper": {"loudness": -18, "breath": 18},
    "pp": {"loudness": -18},
    "repetitive, calm, mellow": {"novelty": 0.1, "temperature": 0.5, "brightness": -1.5},
    "temperature 0.7; density: 2": {"temperature": 0.7, "density": 2},
    "lowpass 2 khz and dry off": {"lowpass": 2000, "dry": -80},
    "send/1 -6 dB, send 2 off": {"send/1": -6, "send/2": -80},
    "recall_as once, hold off": {"recall_as": "once", "hold": False},
    "scale cents, scale_cents 0 150 350": {"scale": "cents", "scale_cents": (0, 150, 350)},
    "my key, my tempo": {"key": "performer", "scale": "performer", "tempo": 0},
    "the second voice": {"timbre": 1, "timbre_x": 1, "timbre_y": 0},
    "give way": {"yield": True},
    "please don't give way": {"yield": False},
    "just listen, please": {"mode": "listen"},
    "my own sound": {"timbre": 0},
    "half as loud": {"loudness": -10},
    "twice as loud as me": {"loudness": 10},
    "twice as many notes, half the tempo": {"density": 2, "tempo": 50},
    "chord off": {"chord": ()},
    "turn off the chord, turn vibrato off": {"chord": (), "vibrato": 0},
    "no longer slow": {"tempo": 125},
    "vibrato off the grid": {"vibrato": 1.5, "grid_grip": 0},
    "midi clock off": {"sync": "off"},
    "for 2 min": {"answer_s": 120},
    "": {},
    "please, just a bit of that": {},
}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_means(text):
    """All of it is understood, and means exactly this."""
    expected = SENTENCES[text]
    asked = understand(text)
    assert asked.values == expected
    assert not asked.unknown or not expected
    assert {m.path: m.value for m in asked.understood} == expected
    for path, value in asked.values.items():
        assert REGISTRY.accept(path, value) == value


NOT_UNDERSTOOD = {
    "groovy and slow": ({"tempo": 60}, ["groovy"]),
    "slwo": ({}, ["slwo"]),
    "not C minor": ({}, ["not C minor"]),
    "i am": ({}, ["am"]),
    "80": ({}, ["80"]),
    "-6 dB": ({}, ["-6", "dB"]),
    "density 2 bpm": ({"density": 2}, ["bpm"]),
    "very": ({}, ["very"]),
    "loosely slow": ({"tempo": 60}, ["loosely"]),
    "more tenor": ({}, ["more tenor"]),
    "'; DROP TABLE params; --": ({}, ["DROP", "TABLE", "params"]),
    "$(rm -rf /) `reboot`": ({}, ["$", "rm", "rf", "reboot"]),
    "__import__('os').system('x')": ({}, ["import__", "os", "system", "x"]),
    "/antiphon/master 12": ({}, ["antiphon/master", "12"]),
    "\x1b[31mslow\x07": ({"tempo": 60}, ["\x1b", "31", "mslow", "\x07"]),
    "🎵 slow": ({"tempo": 60}, ["🎵"]),
    "慢": ({}, ["慢"]),
    "panic now": ({}, ["panic"]),
    "tempo": ({}, ["tempo"]),
    "seed -1": ({}, []),
    "mode hodl": ({}, ["hodl"]),
    "way too loud": ({"loudness": -4}, ["way"]),
    "no way": ({}, ["no way"]),
    "my guitar": ({}, ["my", "guitar"]),
    "in my range": ({}, ["my"]),
    "twice as bright": ({}, ["twice as bright"]),
    "three times as fast": ({}, ["three", "times as fast"]),
    "slow off": ({}, ["slow off"]),
    "10 min": ({}, ["10", "min"]),
    "9" * 400 + " bpm": ({}, []),
}


@pytest.mark.parametrize("text", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_named_and_the_rest_is_taken(text):
    """Words of no meaning here, injections, numbers without a row, what only happens."""
    values, unknown = NOT_UNDERSTOOD[text]
    asked = understand(text)
    if text.startswith("\x1b"):
        assert "tempo" not in asked.values
    else:
        assert asked.values == values and [word for word, _ in asked.unknown] == unknown
    assert all(line.isprintable() for line in asked.lines() if line not in asked.remarks)


def test_unknown_words_come_with_what_is_near_them():
    """For the first few: the rest is only counted."""
    asked = understand("slwo and brigth")
    assert [near[0] for _, near in asked.unknown] == ["slow", "bright"]
    many = understand(" ".join(f"qqx{n}" for n in range(80)))
    assert len(many.unknown) == 12 and many.remarks == ("68 more words are not understood",)
    assert understand("panic").unknown == (("panic", ()),) and "is a trigger" in understand("panic").remarks[0]
    assert "20 .. 300 bpm" in understand("tempo").remarks[0]


def test_more_and_less_move_what_is_there_now():
    """By a step of the dial, twice for much, half for a bit; from where the same text has left it."""
    assert meant("slower", tempo=100.0) == {"tempo": 80}
    assert meant("much slower", tempo=100.0) == {"tempo": 64}
    assert meant("a bit slower", tempo=100.0) == {"tempo": 89.4}
    for less in ("less dense", "not so dense", "not too dense", "too dense", "not dense"):
        assert meant(less, density=3.0) == {"density": 2}
    assert meant("not less dense", density=2.0) == {"density": 3}
    assert meant("higher", transpose=-5) == {"transpose": 7}
    assert meant("slow, slower") == {"tempo": 48}
    assert meant("half as loud", loudness=4.0) == {"loudness": -6} and meant("twice as loud", loudness=-4.0) == {"loudness": 6}
    asked = understand("slower", values={"tempo": 0})
    assert asked.values == {"tempo": 80} and "from 100 bpm" in asked.lines()[0], "the performer's is taken for 100, which is said"
    clipped = understand("much higher", values={"transpose": 12})
    assert clipped.values == {"transpose": 24} and "beyond" in clipped.remarks[0]


@pytest.mark.parametrize("dial", v.DIALS, ids=lambda dial: dial.high[1])
def test_however_much_more_or_less_is_asked_for_it_ends_at_the_ends_of_the_row(dial):
    """Where 0 is a word, as the performer's tempo is, no "slower" leads there: only who says the word means it."""
    row = REGISTRY.resolve(dial.path)
    for much in ("much " * 12, "far " * 110, "very much " * 40):
        said = [f"{much}{more} {words.split(', ')[0]}" for more in ("more", "less") for _, words in (dial.low, dial.high)]
        reached = {meant(text)[row.path] for text in said}
        assert reached == {row.minimum, row.maximum}
    assert meant("much " * 12 + "faster") == {"tempo": 300} and meant("much " * 12 + "slower") == {"tempo": 20}


def test_what_is_beyond_is_said_once_for_a_row():
    """Seventy words for slower are one thing to know."""
    asked = understand("slower " * 70)
    assert asked.values == {"tempo": 20} and len(asked.remarks) == 1 and "is beyond 20 .. 300 bpm" in asked.remarks[0]
    assert len(understand("much slower slower a bit slower " * 14).remarks) == 1


def test_the_later_of_two_words_for_one_row_wins_and_that_is_said():
    """Twice the same is no contradiction."""
    asked = understand("slow and fast")
    assert asked.values == {"tempo": 150} and asked.remarks == ("'slow' and 'fast' both set tempo; the later is taken",)
    assert len(asked.understood) == 1
    assert not understand("slow slow, slow").remarks
    assert any("above register_high" in remark for remark in understand("register_low 80, register_high 40").remarks)


def test_what_does_nothing_as_things_are_is_said():
    """Swing without a grid; not where the same text, or the performer, has seen to it."""
    assert "on the grid" in understand("swing").remarks[0]
    assert not understand("swing, on the grid").remarks
    assert not understand("swing", values={"grid_grip": 0.5}).remarks


def test_lines_say_what_was_understood_by_its_words():
    """One line for a phrase, whatever number of rows it sets."""
    assert understand("C minor, a bit slower, qq").lines() == [
        "C minor: key c, scale minor",
        "a bit slower: tempo 89.4 bpm, from 100 bpm",
        "'qq' is not understood",
    ]


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=520), st.lists(st.sampled_from(
    [*(phrase for phrase, _ in vocabulary()), *v.STRENGTHS, *v.DIRECTIONS, *v.NEGATIONS, *v.GRIP_WORDS, *v.LINKS, *v.UNITS,
     *v.INTERVALS, *v.COUNTS, *v.UP_DOWN, *v.TONICS, *REGISTRY.paths, "c", "a", "F#m7", "c3", "80", "-1e9", "1/8", "9" * 80, ",",
     "sharp", "flat"]),
    max_size=12).map(" ".join)))  # fmt: skip
def test_any_text_at_all_is_read(text):
    """What comes of it is accepted by the rows; only one that is too long is refused; the same text gives the same answer."""
    try:
        asked = understand(text)
    except UsageError:
        assert len(text) > 500
        return
    assert len(text) <= 500 and asked == understand(text)
    for path, value in asked.values.items():
        row = REGISTRY.resolve(path)
        assert row.access == "rw" and row.accept(value) == value
    assert {m.path for m in asked.understood} == set(asked.values) and len(asked.understood) == len(asked.values)
    assert all("\n" not in line and len(line) < 400 for line in asked.lines())


@pytest.mark.parametrize("text", ["slow " * 100, "a" * 500, "very " * 100, "a a " * 125, "c " * 250, "between " * 60, "in " * 166,
                                  "not " * 125, "1 " * 250, "q z x j k " * 50])  # fmt: skip
def test_a_long_text_is_answered_shortly(text):
    """Repeated words are said once, however often they were written; what is listed is bounded."""
    asked = understand(text[:500])
    assert len(asked.lines()) <= 14 and sum(map(len, asked.lines())) < 1500


# Asking while it plays, and at the command line


class Stage:
    """A desk without an engine, and somebody who asks."""

    def __init__(self):
        self.events, self.lines, self.values = [], [], REGISTRY.defaults()
        self.desk = Desk(REGISTRY, self._apply, self.values, log=self.lines.append)

    def _apply(self, event):
        self.events.append(event)
        if event.path in self.values:
            self.values[event.path] = event.value


def test_asking_emits_what_is_meant():
    """An event for each row, under the name of who asked and at the frame that was asked for; again and again it goes on."""
    stage = Stage()
    Asking(stage.desk)
    for expected in (80.0, 64.0):
        stage.desk.emit(Event("ask", "slower, groovy", 480, "osc:127.0.0.1:9"))
        assert stage.values["tempo"] == expected
    event = next(event for event in stage.events if event.path == "tempo")
    assert (event.source, event.time_frame) == ("ask:osc:127.0.0.1:9", 480)
    assert stage.lines[:2] == ["slower: tempo 80 bpm, from 100 bpm", "'groovy' is not understood"]


def test_whoever_asked_is_told():
    """By what is handed in; what the engine does not take is told as well."""
    stage, told = Stage(), []
    Asking(stage.desk, lambda event, lines: told.append((event.source, lines)))

    def apply(event):
        if event.path == "mode":
            raise UsageError("not now")
        stage._apply(event)

    stage.desk._apply = apply
    stage.desk.emit(Event("ask", "dark, hold", None, "key"))
    assert told == [("key", ["dark: brightness -3 dB", "hold: mode hold", "mode: not now"])] and stage.values["brightness"] == -3


def test_nothing_understood_is_refused_in_one_line():
    """With what is near; and nothing has changed."""
    stage = Stage()
    Asking(stage.desk)
    with pytest.raises(UsageError, match="did you mean slow") as caught:
        stage.desk.emit(Event("ask", "slwo", None, "key"))
    assert "\n" not in str(caught.value) and stage.values == REGISTRY.defaults()
    with pytest.raises(UsageError, match="500 are taken"):
        must_understand("x" * 501)


def test_a_flood_of_askings_is_refused():
    """Reading costs milliseconds: who sends thousands does not stop the others' faders."""
    stage = Stage()
    Asking(stage.desk)
    refused = 0
    for _ in range(60):
        try:
            stage.desk.emit(Event("ask", "slow", None, "key"))
        except UsageError as error:
            assert "in a second" in str(error)
            refused += 1
    assert refused >= 20


def test_at_the_command_line_words_come_after_the_preset_and_before_the_flags(capsys):
    """And it says what they were taken for."""
    values = values_of(parse(["play", "--preset", "duet", "--ask", "wilder, slow, groovy", "--tempo", "90"]))
    assert values["temperature"] == pytest.approx(0.95) and values["tempo"] == 90 and values["answer_s"] == 5
    err = capsys.readouterr().err.splitlines()
    assert err == [f"antiphon: {line}" for line in ("wilder: temperature 0.95, from 0.7", "slow: tempo 60 bpm",
                                                    "'groovy' is not understood")]  # fmt: skip


def test_words_that_mean_nothing_are_wrong_usage(capsys, tmp_path):
    """Exit code 2, one line, before anything is opened."""
    assert main(["render", "in.wav", "-o", str(tmp_path / "out.wav"), "--ask", "slwo"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1 and "did you mean slow" in err[0]
