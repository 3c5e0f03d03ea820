"""Who performs is asked once, at a terminal only, and kept; what cannot be used is refused in a line; who says no makes no take."""

import io

import pytest

from antiphon.cli import parse
from antiphon.errors import UsageError
from antiphon.live import _config
from antiphon.provenance import person
from antiphon.provenance.person import CONSENT, NOT_TOLD, Person, ask_performer, performer


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def at_terminal(monkeypatch):
    """A terminal at which somebody has typed this."""

    def typed(text):
        monkeypatch.setattr("sys.stdin", Terminal(text))
        monkeypatch.setattr("sys.stderr", said := Terminal())
        return said

    return typed


def test_nobody_waits_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Ada\nyes\n"))
    assert performer(interactive=True) == Person(NOT_TOLD, NOT_TOLD, False)
    monkeypatch.setattr("sys.stdin", None)
    assert performer("Ada", interactive=True) == Person("Ada", NOT_TOLD, False)
    assert not person.path().exists()


def test_nobody_is_asked_who_does_not_make_a_take(at_terminal):
    said = at_terminal("Ada\nyes\n")
    assert performer(interactive=False).name == NOT_TOLD
    assert said.getvalue() == ""


def test_it_is_asked_once(at_terminal):
    said = at_terminal("  Ada   Lovelace\nyes\n")
    assert performer(interactive=True) == Person("Ada Lovelace", CONSENT, True)
    assert CONSENT in said.getvalue()
    said = at_terminal("somebody else\n")
    assert performer(interactive=True) == Person("Ada Lovelace", CONSENT, False)
    assert said.getvalue() == ""
    assert person.path().stat().st_mode & 0o077 == 0


def test_own_words_are_kept_as_they_are(at_terminal):
    at_terminal('Žofie\nKeep it, mark it; "stage" only \\ no adverts\n')
    performer(interactive=True)
    assert performer() == Person("Žofie", 'Keep it, mark it; "stage" only \\ no adverts')


def test_an_empty_line_and_the_end_of_input_are_no_answer():
    assert ask_performer(io.StringIO("\n\n"), io.StringIO()) == Person(NOT_TOLD, NOT_TOLD, True)
    assert ask_performer(io.StringIO(""), io.StringIO()) == Person(NOT_TOLD, NOT_TOLD, True)


def test_who_says_no_makes_no_take(at_terminal):
    at_terminal("Ada\nNO\n")
    with pytest.raises(UsageError, match="does not agree"):
        performer(interactive=True)
    assert not person.path().exists()


def test_a_guest_is_asked_for_their_own_consent_and_the_owner_stays(at_terminal):
    person.keep(Person("Ada", CONSENT))
    at_terminal("only tonight\n")
    assert performer("Grace", interactive=True) == Person("Grace", "only tonight", True)
    assert performer() == Person("Ada", CONSENT)
    assert performer("Grace") == Person("Grace", NOT_TOLD)
    assert performer("Ada") == Person("Ada", CONSENT)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x07b", "\udc80"])
def test_a_name_that_is_none_is_refused_in_a_line(name):
    with pytest.raises(UsageError, match="--performer") as found:
        performer(name)
    assert "\n" not in str(found.value)


def test_a_name_is_written_as_its_script_wants_it():
    """With the joiners that Persian and Malayalam have between letters."""
    for name in ("علی\u200cرضا", "അവൻ\u200d", "Zoë 家族"):
        assert performer(name).name == name


def test_a_damaged_file_stops_nobody_who_makes_no_take(capsys):
    """Who plays by itself after a power cut plays; who wants a take is told."""
    person.path().parent.mkdir(parents=True)
    person.path().write_text("name = ")
    found = _config(parse(["play", "--driver", "dummy"]))
    assert found.person == {"performer": "not told", "consent": "not told"} and "performer.toml" in capsys.readouterr().err
    with pytest.raises(UsageError):
        _config(parse(["play", "--driver", "dummy", "--take", "evening"]))


def test_a_name_of_several_lines_becomes_one():
    assert performer("Ada\n\tLovelace").name == "Ada Lovelace"


def test_what_cannot_be_used_is_asked_again():
    said = io.StringIO()
    assert ask_performer(io.StringIO("x" * 101 + "\nAda\nyes\n"), said).name == "Ada"
    assert "at most 100" in said.getvalue()


@pytest.mark.parametrize("text", ["name = ", "name = 3", "name = ''", "consent = 'yes'", "name = 'a'\nconsent = ['x']", "\xff\xfe"])
def test_a_file_that_was_damaged_is_told_in_a_line(text):
    person.path().parent.mkdir(parents=True)
    person.path().write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="performer.toml") as found:
        performer()
    assert "\n" not in str(found.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be written"):
        person.keep(Person("Ada", CONSENT))
