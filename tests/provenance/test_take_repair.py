"""One changed byte anywhere in a take is found; a take that was cut off anywhere is made whole."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

from antiphon import cli, commands
from antiphon.commands import take as command
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.take import Take, TakeError, TakeWriter, repair, verify
from antiphon.take import wave as waves
from antiphon.take.form import GROWING, STEMS
from provenance.taking import RATE, play, spec


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A closed take of 4 s, odd numbers of bytes in its stems."""
    folder = tmp_path_factory.mktemp("takes") / "closed"
    writer = TakeWriter(spec(folder, 1, 3, performer="Ada", model_hash="ff"))
    writer.put("state.npz", bytes(range(100)))
    play(writer, 2, 1, 3)
    writer.gap(101, "slow")
    play(writer, 2, 1, 3)
    writer.close("stop")
    return folder


@pytest.fixture(scope="module")
def unclosed(tmp_path_factory):
    """A take whose writer was killed half a second after its third record."""
    folder = tmp_path_factory.mktemp("takes") / "unclosed"
    writer = TakeWriter(spec(folder, 1, 3))
    play(writer, 3.5, 1, 3)
    writer._let_go()
    return folder


@pytest.fixture
def copy(tmp_path):
    return lambda folder: shutil.copytree(folder, tmp_path / "copy", dirs_exist_ok=False)


def truncate(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


def refused(look, folder):
    """Whether a take is not ok, in one line each, or is refused in one line."""
    try:
        report = look(folder)
    except (TakeError, UsageError) as error:
        assert "\n" not in str(error)
        return True
    assert report.ok == (not report.problems) and all("\n" not in line for line in report.problems)
    return not report.ok


def test_one_flipped_byte_anywhere_is_found(closed, copy):
    """In every file of a take, headers, log and MIDI file included: 12 places in each, first and last byte among them."""
    folder, draw = copy(closed), random.Random(5)
    assert verify(folder).ok
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        places = {0, len(whole) - 1, *(draw.randrange(len(whole)) for _ in range(10))}
        for place in places:
            bit = 1 << draw.randrange(8)
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            assert refused(verify, folder), f"{path.name}, byte {place}, bit {bit}"
        path.write_bytes(whole)
    assert verify(folder).ok


def test_every_byte_of_a_header_and_of_the_log_is_found(closed, copy):
    """No byte of a WAV's header, nor of the log's records, can be changed unseen."""
    folder, draw = copy(closed), random.Random(6)
    for name, step in (("voice.wav", 7), ("log.jsonl", 23), ("take.mid", 11)):
        whole = (folder / name).read_bytes()
        for place in range(0, min(len(whole), 900 if name == "voice.wav" else 10**6), step):
            changed = bytearray(whole)
            changed[place] ^= 1 << draw.randrange(8)
            (folder / name).write_bytes(changed)
            assert refused(verify, folder), f"{name}, byte {place}"
        (folder / name).write_bytes(whole)


_CHANGES = ["added line", "added byte", "removed file", "swapped records", "dropped record", "added silence"]


@pytest.mark.parametrize("change", _CHANGES)
def test_what_was_added_removed_or_swapped_is_found(closed, copy, change):
    """Bytes after the end, missing files and records out of their order are problems."""
    folder = copy(closed)
    log = (folder / "log.jsonl").read_bytes().splitlines(True)
    if change == "added line":
        (folder / "events.jsonl").write_bytes((folder / "events.jsonl").read_bytes() + b"{}\n")
    elif change == "added byte":
        (folder / "take.mid").write_bytes((folder / "take.mid").read_bytes() + b"\0")
    elif change == "removed file":
        (folder / "steps.bin").unlink()
    elif change == "swapped records":
        (folder / "log.jsonl").write_bytes(b"".join([*log[:3], log[4], log[3], *log[5:]]))
    elif change == "dropped record":
        (folder / "log.jsonl").write_bytes(b"".join([*log[:3], *log[4:]]))
    else:
        (folder / "dry.wav").write_bytes((folder / "dry.wav").read_bytes() + bytes(300))
    assert refused(verify, folder)


def test_a_second_that_was_swapped_is_named(closed, copy):
    """The line says which file and between which seconds; a repair leaves such a take as it is, unless it is told."""
    folder = copy(closed)
    whole = bytearray((folder / "mix.wav").read_bytes())
    head = len(whole) - len(whole) % 9 - 9 * RATE // 2 * 5
    whole[head] ^= 1
    (folder / "mix.wav").write_bytes(whole)
    assert verify(folder).problems == ("mix.wav: is not as recorded between 1.0 and 2.0 s",)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(TakeError, match="is proven up to 1.0 s only"):
        repair(folder)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    report = repair(folder, force=True)
    assert (report.frames, report.lost_s) == (4 * RATE + 101, 0.0)
    after = verify(folder)
    assert after.ok and after.unproven_s == pytest.approx(3 + 101 / RATE)


@pytest.mark.parametrize("name", [*GROWING, "log.jsonl", "take.mid"])
def test_a_file_that_was_cut_off_anywhere_is_repaired(unclosed, copy, tmp_path, name):
    """As a kill in the middle of a write leaves it: what was cut is lost and no more, and a second repair changes nothing."""
    if name == "take.mid":
        (copy(unclosed) / name).write_bytes(b"MTrk")
        shutil.move(tmp_path / "copy", tmp_path / "base")
        unclosed = tmp_path / "base"
    size, draw = (unclosed / name).stat().st_size, random.Random(name)
    frame = {"dry.wav": 3, "voice.wav": 3, "mix.wav": 9}.get(name, 0)
    cuts = sorted({0, 1, 2, 3, 4, size // 2, *(draw.randrange(size // 2 + 1) for _ in range(6))} & set(range(size + 1)))
    for cut in cuts:
        folder = copy(unclosed)
        truncate(folder / name, size - cut)
        assert not verify(folder).ok
        report = repair(folder, force=cut > frame * RATE // 2)
        gone = max(-(-cut // frame), 0) if frame else 0
        assert report.frames == int(3.5 * RATE) - gone, f"{name} cut by {cut}"
        again = verify(folder)
        assert again.ok and again.frames == report.frames and again.reason == "repaired", again.problems
        for stem in STEMS:
            assert soundfile.info(folder / stem).frames == report.frames
            kept = soundfile.read(unclosed / stem, frames=report.frames, dtype="int32")[0]
            assert np.array_equal(soundfile.read(folder / stem, dtype="int32")[0][: len(kept)], kept)
        state = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert not repair(folder).changed
        assert state == {path.name: path.read_bytes() for path in folder.iterdir()}
        shutil.rmtree(folder)


def test_a_closed_take_that_lost_its_end(closed, copy):
    """Cut off in every file at once at random, a closed take is repaired to the shortest of its stems."""
    draw = random.Random(9)
    for _ in range(15):
        folder = copy(closed)
        for name in (*GROWING, "log.jsonl"):
            size = (folder / name).stat().st_size
            truncate(folder / name, draw.randrange(size // 2, size + 1))
        frames = min(((folder / name).stat().st_size - wave.head) // wave.frame_bytes for name, wave in _waves(folder).items())
        assert repair(folder, force=True).frames == min(frames, 4 * RATE + 101)
        report = verify(folder)
        assert report.ok, report.problems
        shutil.rmtree(folder)


def _waves(folder):
    from antiphon.take.form import waves as of

    return of(Take(folder).about)


def test_headers_and_midi_of_a_closed_take_are_made_anew(closed, copy):
    """What follows from the rest is written again as it was; nothing that was recorded is touched."""
    folder = copy(closed)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("dry.wav", "take.mid"):
        (folder / name).write_bytes(b"RIFFgarbage"[:8] + before[name][8:])
    (folder / "voice.wav").write_bytes(before["voice.wav"][:-1])  # its padding
    assert not verify(folder).ok
    report = repair(folder)
    assert report.changed and len(report.notes) == 3
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_repair_that_was_killed_is_finished_by_the_next(unclosed, copy, monkeypatch):
    """Stopped at any of its writes, a repair leaves what the next one makes whole, with nothing lost by it."""
    for nth in range(1, 40):
        folder, count, write = copy(unclosed), [0], os.write

        def stop(file, data, nth=nth, count=count, write=write):
            count[0] += 1
            if count[0] == nth:
                raise KeyboardInterrupt
            return write(file, data)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", stop)
            try:
                repair(folder)
                finished = True
            except KeyboardInterrupt:
                finished = False
        assert repair(folder).frames == int(3.5 * RATE)
        assert verify(folder).ok
        shutil.rmtree(folder)
        if finished:
            assert nth > 5
            return
    raise AssertionError("a repair of more than 40 writes")


def test_killed_before_the_first_record(unclosed, copy):
    """A take whose log is still empty is made whole too; one without its take.json is none."""
    folder = copy(unclosed)
    truncate(folder / "log.jsonl", 0)
    assert repair(folder).tail_s == 3.5
    assert verify(folder).ok and verify(folder).unproven_s == 3.5
    (folder / "take.json").unlink()
    with pytest.raises(UsageError, match="is no take"):
        repair(folder)


def test_what_is_no_take_is_refused_in_one_line(tmp_path, closed, copy):
    """Nothing, a file, an empty folder, a take of another format or with a damaged take.json, one without its log."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for place in ("nothing", "file", "empty"):
        for look in (verify, repair, Take):
            with pytest.raises(UsageError) as told:
                look(tmp_path / place)
            assert "\n" not in str(told.value)
    folder = copy(closed)
    about = (folder / "take.json").read_bytes()
    changes = {b"take 1": b"take 9", b"8000": b'"x"', b'"2026': b'"MMXX', b'"voice": 1': b'"voice": -5', b'"voice"': b'"v"'}
    assert all(old in about for old in changes)
    for content in (b"[]", b"{", b"\xff", b"[" * 10**5, *(about.replace(*pair) for pair in changes.items())):
        (folder / "take.json").write_bytes(content)
        for look in (verify, repair):
            with pytest.raises(UsageError):
                look(folder)
    (folder / "take.json").write_bytes(about)
    (folder / "log.jsonl").unlink()
    with pytest.raises(TakeError, match="log.jsonl cannot be opened"):
        verify(folder)


def test_chunks_behind_the_sound_are_told_and_allowed(closed, copy):
    """A C2PA manifest appended to the mix, the RIFF size grown by it, is accepted; a chunk that does not add up is not."""
    folder = copy(closed)
    path, wave = folder / "mix.wav", _waves(folder)["mix.wav"]
    frames = Take(folder).frames
    whole = path.read_bytes()
    added = waves.chunk(b"C2PA", bytes(999)) + waves.chunk(b"cue ", bytes(4))
    after = len(wave.padding(frames) + added)
    path.write_bytes(wave.header(frames, after) + whole[wave.head :] + added)
    report = verify(folder)
    assert report.ok
    assert report.notes[0] == "mix.wav: a C2PA manifest of 999 bytes follows; its own signature covers it"
    assert "'cue '" in report.notes[1]
    assert not repair(folder).changed
    for name in ("mix.c2pa", "mix.flac"):
        (folder / name).write_bytes(b"")
    assert verify(folder).ok and verify(folder).notes[2:] == (
        "mix.c2pa: a C2PA manifest beside mix.wav; its own signature covers it",
        "mix.flac: is not part of the take",
    )
    path.write_bytes(path.read_bytes()[:-1])
    assert not verify(folder).ok
    path.write_bytes(whole + added)  # the RIFF size not grown
    assert not verify(folder).ok


def test_what_follows_the_end_of_the_log(closed, copy):
    """Bytes after the last record are a problem; a repair takes a torn line off, and refuses to take off a whole one."""
    folder = copy(closed)
    log = (folder / "log.jsonl").read_bytes()
    for extra, force in ((b'{"n":', False), (b'{"n":9}\n', True)):
        (folder / "log.jsonl").write_bytes(log + extra)
        assert not verify(folder).ok
        if force:
            with pytest.raises(TakeError, match="comes after the end"):
                repair(folder)
        assert repair(folder, force).cut == {"log.jsonl": len(extra)}
        assert (folder / "log.jsonl").read_bytes() == log and verify(folder).ok


def test_a_damaged_log_before_its_end_is_not_a_crash(closed, copy):
    """A record changed in the middle of the log is refused by a repair, which keeps all sound when it is forced."""
    folder = copy(closed)
    log = (folder / "log.jsonl").read_bytes().splitlines(True)
    (folder / "log.jsonl").write_bytes(b"".join([*log[:3], log[3].replace(b"second", b"sesond"), *log[4:]]))
    with pytest.raises(TakeError, match="record 3 was changed, and others follow it"):
        repair(folder)
    assert repair(folder, force=True).frames == 4 * RATE + 101
    assert verify(folder).ok


_WRITE = """
import itertools, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from antiphon.take import TakeWriter
from provenance.taking import blocks, spec
writer = TakeWriter(spec(Path({folder!r})))
for count in itertools.count():
    writer.sound(*next(blocks(1, seed=count)))
    writer.step(bytes(30))
    print(writer.frames, flush=True)
    if count % 20 == 19:
        writer.second({{}})
"""


@pytest.mark.parametrize("after", [1, 19, 20, 21, 57])
def test_kill_9_loses_nothing_that_was_passed_on(tmp_path, after):
    """All frames that a killed writer had taken are there after the repair, and while it lived it could not be repaired."""
    script = textwrap.dedent(_WRITE).format(tests=os.path.dirname(os.path.dirname(__file__)), folder=str(tmp_path / "take"))
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    taken = 0
    for _ in range(after):
        taken = int(child.stdout.readline())
    with pytest.raises(TakeError, match="is being written right now"):
        repair(tmp_path / "take")
    os.kill(child.pid, signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    taken = int(rest.rpartition("\n")[0].rpartition("\n")[2] or taken) if rest.endswith("\n") else taken
    report = repair(tmp_path / "take")
    assert report.frames >= taken and report.lost_s == 0
    assert verify(tmp_path / "take").ok


def test_the_command(closed, unclosed, copy, capsys, monkeypatch):
    """verify, repair, info and flac say in words and as JSON what is so, with exit codes 0, 1 and 2."""
    monkeypatch.setattr(commands, "NAMES", tuple({*commands.NAMES, "take"}))
    folder = str(copy(unclosed))

    def call(*arguments):
        code = cli.main(["take", *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    code, out, _ = call("verify", folder)
    assert code == 1 and "never closed" in out
    code, out, err = call("flac", folder)
    assert code == 2 and err.count("\n") == 1
    code, out, _ = call("info", folder)
    assert code == 0 and "3.0 s" in out
    code, out, _ = call("repair", folder, "--json")
    assert code == 0 and json.loads(out)["tail_s"] == 0.5
    assert call("repair", folder)[:2] == (0, f"{folder}: nothing to repair\n")
    code, out, _ = call("verify", folder, "--json")
    assert code == 0 and json.loads(out)["ok"] is True
    code, out, _ = call("verify", str(closed))
    assert code == 0 and "in 1 gap and are silence: at 2.0 s (slow)" in out and "Ada" in out
    assert json.loads(call("info", folder, "--json")[1])["reason"] == "repaired"
    code, out, _ = call("flac", folder, "--json", "--into", folder + " flac")
    assert code == 0 and len(json.loads(out)["files"]) == 3
    for wrong in (("verify", folder + "x"), ("verifi", folder), ("verify", folder, "--force"), ("info", folder, "--into", "x")):
        code, out, err = call(*wrong)
        assert (code, out, err.count("\n")) == (2, "", 1)
    assert command.HELP and command.DESCRIPTION


def test_events_survive_with_their_types(tmp_path):
    """Booleans, words, whole and broken numbers and lists of events are read as they were written."""
    writer = TakeWriter(spec(tmp_path / "take"))
    given = [Event("a", value, 5, "x") for value in (True, "hold", 3, 0.1, (1.0, 2.5), "ü\n")]
    for event in given:
        writer.event(event)
    writer.close("stop")
    read = list(Take(tmp_path / "take").events())
    assert read == given and [type(event.value) for event in read] == [type(event.value) for event in given]
