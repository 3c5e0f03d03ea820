"""The installation's keys: made once, kept for their owner alone, changed and taken along; playing never waits for them."""

import json
import os
import stat

import pytest

from antiphon.cli import main
from antiphon.errors import UsageError
from antiphon.provenance import keys

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """A home without keys."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(keys, "_this_run", None)
    return tmp_path


def test_a_key_is_made_at_first_use_and_stays():
    """32 bytes, the same at the next look, and looking for keys alone makes none."""
    assert keys.mark_keys() == []
    assert not keys.folder().exists()
    key = keys.mark_key()
    assert len(key) == 32
    assert keys.mark_key() == key
    assert keys.mark_keys() == [(keys.current().id, key)]


@posix
def test_nobody_else_may_read_it():
    """The folder is 0700 and the file 0600 under any umask; a file that was opened to others is closed again, and that is said."""
    before = os.umask(0)
    try:
        path = keys.current().path
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert keys.current().note == ""
    path.chmod(0o644)
    assert "could be read by others, mended" in keys.current().note
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys.current().note == ""


def test_a_changed_key_leaves_the_old_ones_to_verify_with():
    """The newest is in use and first."""
    first = keys.mark_key()
    second = keys.rotate()
    third = keys.rotate()
    assert [key for _, key in keys.mark_keys()] == [third.secret, second.secret, first]
    assert keys.mark_key() == third.secret


def test_keys_can_be_taken_to_another_machine(fresh, monkeypatch):
    """On a new one the newest comes into use and their order stays; where there is a key they serve to verify."""
    keys.rotate()
    keys.rotate()
    told = keys.mark_keys()
    out = fresh / "keys.json"
    assert keys.export(out) == 2
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="exists"):
        keys.export(out)
    assert [key.id for key in keys.read(out)] == [name for name, _ in told]

    monkeypatch.setenv("XDG_CONFIG_HOME", str(fresh / "new"))
    assert len(keys.take_in(out)) == 2
    assert keys.mark_keys() == told
    assert keys.take_in(out) == []

    monkeypatch.setenv("XDG_CONFIG_HOME", str(fresh / "other"))
    own = keys.mark_key()
    assert len(keys.take_in(out)) == 2
    assert keys.mark_key() == own
    assert set(keys.mark_keys()[1:]) == set(told)


def test_a_damaged_key_is_passed_over():
    """The one before it is used; where there is no other a new one is made, and the damaged file stays as it is."""
    first = keys.mark_key()
    second = keys.rotate()
    second.path.write_bytes(b"{")
    assert keys.mark_key() == first
    for path in keys.folder().iterdir():
        path.write_bytes(b"\xff\x00")
    new = keys.mark_key()
    assert new not in (first, second.secret)
    assert second.path.read_bytes() == b"\xff\x00"


def test_a_damaged_key_is_told_of(capsys):
    """At every start, and by the command; nothing is said where all is well."""
    keys.mark_key()
    assert not keys.current().note and not keys.damaged()
    path = keys.current().path
    path.write_bytes(b"")
    for _ in range(2):
        assert str(path) in keys.current().note and "\n" not in keys.current().note
    assert keys.damaged() == [keys.current().note]
    assert main(["keys"]) == 0
    assert str(path) in capsys.readouterr().err


def test_a_folder_that_cannot_be_read_holds_no_key(monkeypatch):
    """Verification goes on with the keys that there are: none."""
    keys.mark_key()

    def refused(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(keys.Path, "iterdir", refused)
    assert keys.mark_keys() == []


def test_where_nothing_can_be_written_a_key_serves_this_run(fresh, monkeypatch):
    """It stays the same while the program runs, is told to be for this run only, and verifies what was made in it."""
    (fresh / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fresh / "file"))
    used = keys.current()
    assert used.path is None
    assert "not kept" in used.note and "\n" not in used.note
    assert keys.mark_key() == used.secret
    assert keys.mark_keys() == [(used.id, used.secret)]
    for what in (keys.rotate, lambda: keys.export(fresh / "out"), lambda: keys.take_in(fresh / "out")):
        with pytest.raises(UsageError) as refused:
            what()
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"keys": []}', b'{"keys": [{"key": "00", "made": "2026-01-01"}]}',
                                     b'{"keys": [{"key": "zz"}]}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_key_file_is_refused_in_one_line(fresh, content):
    """And nothing is taken from it."""
    path = fresh / "odd"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        keys.take_in(path)
    assert "\n" not in str(refused.value) and "antiphon keys export" in str(refused.value)
    assert keys.mark_keys() == []


def test_a_secret_is_not_in_what_is_printed(capsys):
    """Neither `repr` nor `antiphon keys` shows it; the id tells nothing about it."""
    key = keys.current()
    assert main(["keys"]) == 0
    assert main(["keys", "--json"]) == 0
    shown = capsys.readouterr().out + repr(key)
    assert key.id in shown
    assert key.secret.hex() not in shown and repr(key.secret) not in shown


def test_the_command(fresh, capsys):
    """show, rotate, export, import; a file too many or too few is one line and exit code 2."""
    assert main(["keys", "rotate", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [key["in_use"] for key in told["keys"]] == [True]
    out = str(fresh / "k.json")
    assert main(["keys", "export", out]) == 0
    assert main(["keys", "import", out]) == 0
    assert "no key in it is new here" in capsys.readouterr().out
    for wrong in (["export"], ["show", out], ["import", str(fresh / "none")]):
        assert main(["keys", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
