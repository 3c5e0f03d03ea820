"""What a take is while it is written and once it is closed, and what becomes of it when the disk gives up."""

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile

from antiphon.audiofile import to_pcm
from antiphon.errors import UsageError
from antiphon.events import Event
from antiphon.take import Take, TakeError, TakeWriter, disclosure, repair, to_flac, verify
from antiphon.take import wave as waves
from antiphon.take.form import STEMS, canonical, plain
from provenance.taking import RATE, blocks, play, spec


def test_a_stem_holds_each_sample_rounded_to_24_bits(tmp_path):
    """What is read back is exactly `to_pcm` of what was written, clipping included; all stems have one length."""
    writer = TakeWriter(spec(tmp_path / "take", 2, 3))
    written = play(writer, 2, 2, 3)
    summary = writer.close("stop")
    assert (summary.frames, summary.seconds, summary.gaps) == (2 * RATE, 2.0, 0)
    assert {path.name for path in summary.files} == set(os.listdir(tmp_path / "take"))
    for name, sound in zip(STEMS, written, strict=True):
        read, rate = soundfile.read(tmp_path / "take" / name, dtype="int32", always_2d=True)
        assert rate == RATE
        assert np.array_equal(read, to_pcm(sound))


def test_a_closed_take_verifies_and_tells_what_it_is(tmp_path):
    """A take nobody touched has no problems and no notes; what went in comes out of the reader."""
    writer = TakeWriter(spec(tmp_path / "take", performer="Özge"))
    writer.put("state.npz", b"\0\1\2")
    play(writer, 2)
    writer.event(Event("chord", (60.0, 64.0), 77, "osc"))
    writer.close("stop")
    report = verify(tmp_path / "take")
    assert (report.ok, report.problems, report.notes) == (True, (), ())
    assert (report.performer, report.seconds, report.reason, report.closed) == ("Özge", 2.0, "stop", True)
    take = Take(tmp_path / "take")
    assert [int.from_bytes(step, "big") for step in take.steps()] == list(range(40))
    assert list(take.events())[-1] == Event("chord", (60.0, 64.0), 77, "osc")
    assert [note["who"] for note in take.notes()] == ["voice", "performer"] * 2
    assert [record["kind"] for record in take.records()] == ["start", "file", "second", "second", "end"]
    assert (take.head, take.closed) == (report.head, True)


@pytest.mark.parametrize("ins, outs", [(1, 1), (1, 2), (3, 6)])
def test_a_take_is_readable_at_every_second(tmp_path, ins, outs):
    """While it is written any player reads each stem up to the last record, odd numbers of bytes included."""
    writer = TakeWriter(spec(tmp_path / "take", ins, outs))
    for count, stems in enumerate(blocks(1, ins, outs, size=401), 1):
        writer.sound(*stems)
        writer.second({})
        for name in STEMS:
            assert soundfile.info(tmp_path / "take" / name).frames == count * 401
    writer.close("stop")
    assert verify(tmp_path / "take").ok


def test_the_stems_say_plainly_what_they_are(tmp_path):
    """bext and INFO of a WAV and the tags of a FLAC carry the disclosure, the performer and the take; the FLAC the same sound."""
    writer = TakeWriter(spec(tmp_path / "take", performer="Ada"))
    play(writer, 1)
    writer.close("stop")
    for name, flac in zip(STEMS, to_flac(tmp_path / "take", tmp_path / "flacs"), strict=True):
        words = disclosure(writer.about, name)
        assert words.isascii() and len(words) <= 256 and "Antiphon, an AI instrument" in words
        raw = (tmp_path / "take" / name).read_bytes()
        assert raw.index(b"JUNK") == 12
        bext = raw.index(b"bext") + 8
        assert raw[bext : bext + 256].rstrip(b"\0").decode() == words
        for path in (tmp_path / "take" / name, flac):
            with soundfile.SoundFile(path) as file:
                assert (file.comment, file.artist) == (words, "Ada")
                assert "Antiphon" in file.software
                assert file.date == writer.about["started"][:10]
        assert np.array_equal(soundfile.read(flac, dtype="int32")[0], soundfile.read(tmp_path / "take" / name, dtype="int32")[0])
    assert verify(tmp_path / "take").ok


@pytest.mark.skipif(not shutil.which("ffprobe"), reason="needs ffprobe")
@pytest.mark.parametrize("most", [2**32 - 2, 1000])
def test_another_reader_reads_the_same(tmp_path, monkeypatch, most):
    """ffprobe finds the length, the channels and the words of WAV, many-channelled WAV and RF64."""
    monkeypatch.setattr(waves, "RIFF_MOST", most)
    writer = TakeWriter(spec(tmp_path / "take", 1, 4, performer="Åsa"))
    play(writer, 1, 1, 4)
    writer.close("stop")
    for name, channels in zip(STEMS, (1, 1, 4), strict=True):
        command = ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", tmp_path / "take" / name]
        found = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
        stream, tags = found["streams"][0], found["format"]["tags"]
        assert (stream["duration_ts"], stream["channels"], stream["codec_name"]) == (RATE, channels, "pcm_s24le")
        assert (tags["comment"], tags["artist"]) == (disclosure(writer.about, name), "Åsa")


def test_gaps_are_silence_and_told(tmp_path):
    """Lost frames are silence of the same length in all stems, and the report has where and why."""
    writer = TakeWriter(spec(tmp_path / "take"))
    play(writer, 1)
    writer.gap(200_000, "the disk was slow")
    play(writer, 1)
    assert writer.close("stop").gap_frames == 200_000
    report = verify(tmp_path / "take")
    assert report.ok and report.gaps == ((RATE, 200_000, "the disk was slow"),)
    sound, _ = soundfile.read(tmp_path / "take" / "mix.wav")
    assert not sound[RATE : RATE + 200_000].any()
    assert sound[RATE + 200_000 :].any(axis=1).all()


def test_what_is_not_a_number_is_silence(tmp_path):
    """NaN becomes 0, infinity full scale, in sound, in notes and in what is so; nothing raises."""
    writer = TakeWriter(spec(tmp_path / "take", 1, 1))
    bad = np.array([np.nan, np.inf, -np.inf, 0.5], np.float32)
    writer.sound(bad[:, None], bad, bad[:, None])
    writer.note("voice", 0, 3, float("nan"), float("-inf"))
    writer.second({"tempo": float("nan"), "row": np.arange(2), 3: {1, 2}, "where": tmp_path})
    writer.close("stop")
    sound, _ = soundfile.read(tmp_path / "take" / "voice.wav")
    assert np.allclose(sound, [0, 1, -1, 0.5], atol=1e-6)
    assert verify(tmp_path / "take").ok
    state = list(Take(tmp_path / "take").records())[1]["state"]
    assert state == {"tempo": None, "row": [0, 1], "3": [1, 2], "where": str(tmp_path)}


def test_json_is_written_one_way():
    """Canonical JSON survives being read and written again, byte for byte, odd names included."""
    content = plain({"b": 1e-7, "a": "ü\udc80\n", "c": [0.1 + 0.2, -0.0, 10**20]})
    assert canonical(json.loads(canonical(content))) == canonical(content)


def test_a_take_of_nothing(tmp_path):
    """No sound at all, or blocks without a frame, make a take that verifies and that players open."""
    for name, seconds in (("none", 0), ("empty", 1)):
        writer = TakeWriter(spec(tmp_path / name, 1, 2))
        for _ in range(seconds):
            writer.sound(np.zeros((0, 1), np.float32), np.zeros(0, np.float32), np.zeros((0, 2), np.float32))
            writer.second({})
        assert writer.close("stop").frames == 0
        assert verify(tmp_path / name).ok
        assert soundfile.info(tmp_path / name / "mix.wav").frames == 0


@pytest.mark.parametrize("name", ["two words", "Übung – 録音", "quo'te\"$"])
def test_a_take_may_be_called_anything(tmp_path, name):
    """Blanks and letters of any script in a folder's name do no harm, and missing parents are made."""
    folder = tmp_path / "not yet" / name
    writer = TakeWriter(spec(folder))
    play(writer, 1)
    writer.close("stop")
    assert verify(folder).ok


def test_a_take_overwrites_nothing(tmp_path):
    """A folder with files in it, a file, and a take that is being written are refused with one line and a free name."""
    (tmp_path / "a-2").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "song.wav").write_bytes(b"precious")
    with pytest.raises(UsageError, match="replaces none; name a new folder: .*a-3$"):
        TakeWriter(spec(tmp_path / "a"))
    with pytest.raises(UsageError, match="is a file"):
        TakeWriter(spec(tmp_path / "a" / "song.wav"))
    with pytest.raises(UsageError, match="cannot be made"):
        TakeWriter(spec(tmp_path / "a" / "song.wav" / "take"))
    assert os.listdir(tmp_path / "a") == ["song.wav"]
    writer = TakeWriter(spec(tmp_path / "b"))
    with pytest.raises(UsageError, match="replaces none"):
        TakeWriter(spec(tmp_path / "b"))
    for look in (verify, repair):
        with pytest.raises(TakeError, match="is being written right now"):
            look(tmp_path / "b")
    play(writer, 1)
    writer.close("stop")
    assert verify(tmp_path / "b").ok


def test_two_who_found_the_same_folder_empty_do_not_share_it(tmp_path, monkeypatch):
    """Of two writers that both saw an empty folder, one gets it; the other harms nothing."""
    (tmp_path / "take").mkdir()
    writer = TakeWriter(spec(tmp_path / "take"))
    monkeypatch.setattr("antiphon.take.writer.make_folder", lambda folder: False)
    with pytest.raises(UsageError, match="replaces none"):
        TakeWriter(spec(tmp_path / "take"))
    play(writer, 1)
    writer.close("stop")
    assert verify(tmp_path / "take").ok


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    """A parent that may not be written gives one line and leaves nothing."""
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        TakeWriter(spec(tmp_path / "take"))
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
def test_a_disk_that_is_full_at_the_start_leaves_nothing(tmp_path, monkeypatch, nth):
    """Where the first bytes cannot be written there is one line, no take and no folder."""
    full_after(monkeypatch, nth)
    with pytest.raises(UsageError, match="No space left"):
        TakeWriter(spec(tmp_path / "take"))
    assert not (tmp_path / "take").exists()


def full_after(patch, nth, number=errno.ENOSPC, for_good=True):
    """Let the nth `os.write` from now fail, and all after it with `for_good`; give the count of writes, in a list."""
    write, count = os.write, [0]

    def refuse(file, data):
        count[0] += 1
        if count[0] == nth or (for_good and count[0] > nth):
            raise OSError(number, os.strerror(number))
        return write(file, data)

    patch.setattr(os, "write", refuse)
    return count


@pytest.mark.parametrize("for_good", [False, True])
def test_a_full_disk_ends_a_take_that_stays_whole(tmp_path, monkeypatch, for_good):
    """Whichever write is refused, all seconds that were recorded are kept, the stems have one length, and the line says so.

    Where the disk takes the end the take is closed; where it takes nothing any more, it is what a repair can close.
    """

    def run(folder, nth):
        writer = TakeWriter(spec(folder, 1, 1))
        play(writer, 1, 1, 1)
        with monkeypatch.context() as patch:
            count = full_after(patch, nth, for_good=for_good)
            try:
                play(writer, 1, 1, 1, seed=2)
                writer.close("stop")
            except TakeError as error:
                assert "\n" not in str(error) and f"take {folder}: disk full after" in str(error) and "is kept" in str(error)
                with pytest.raises(TakeError, match="disk full after"):
                    writer.sound(*next(blocks(1, 1, 1)))
            else:
                assert count[0] < nth
            return writer.close("stop"), count[0]

    _, last = run(tmp_path / "all", 10**9)
    for nth in {1, 2, 3, 4, 31, *range(last - 14, last + 1)}:
        folder = tmp_path / str(nth)
        summary, _ = run(folder, nth)
        assert summary.seconds >= 1.0 and summary.reason == "disk full"
        if for_good:
            assert not verify(folder).ok
            repair(folder)
        report = verify(folder)
        assert report.ok and report.frames == summary.frames and report.frames % RATE == 0, (nth, report.problems)
        for name in STEMS:
            assert soundfile.info(folder / name).frames == report.frames


def test_a_disk_without_room_for_the_midi_file(tmp_path, monkeypatch):
    """A take whose MIDI file cannot be written is closed without it, and says so."""
    writer = TakeWriter(spec(tmp_path / "take"))
    play(writer, 1)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("antiphon.take.midifile.make", full)
    with pytest.raises(TakeError, match="disk full after 1.0 s"):
        writer.close("stop")
    report = verify(tmp_path / "take")
    assert report.ok and report.notes == ("there is no take.mid: it could not be written when the take ended",)


def test_a_real_limit_on_file_sizes(tmp_path):
    """A process whose files may not grow beyond 100 kB keeps the seconds before that, closed and verified."""
    script = textwrap.dedent(
        f"""
        import resource, sys
        sys.path.insert(0, {os.path.dirname(os.path.dirname(__file__))!r})
        from antiphon.take import TakeError, TakeWriter
        from provenance.taking import play, spec
        from pathlib import Path
        writer = TakeWriter(spec(Path({str(tmp_path / "take")!r})))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        try:
            play(writer, 10)
        except TakeError as error:
            print(error)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"take {tmp_path / 'take'}: the disk takes no larger file after 2.0 s; what is written is kept\n", done
    report = verify(tmp_path / "take")
    assert (report.ok, report.frames, report.reason) == (True, 2 * RATE, "the disk takes no larger file")


def test_a_folder_that_is_deleted_or_moved(tmp_path):
    """Writing into deleted files is noticed at the next second; a folder that was only moved is written on."""
    writer = TakeWriter(spec(tmp_path / "a"))
    play(writer, 1)
    for path in (tmp_path / "a").iterdir():
        path.unlink()
    (tmp_path / "a").rmdir()
    with pytest.raises(TakeError, match="was deleted after 1.0 s; it is lost, its folder is gone"):
        play(writer, 1)
    writer = TakeWriter(spec(tmp_path / "b"))
    play(writer, 1)
    (tmp_path / "b").rename(tmp_path / "c")
    play(writer, 1)
    writer.close("stop")
    assert verify(tmp_path / "c").ok


def test_a_file_that_was_put_is_recorded_before_put_returns(tmp_path):
    """State that a take began from is in the chain at once, and no name of ours or twice the same can be had."""
    writer = TakeWriter(spec(tmp_path / "take"))
    writer.put("state.npz", b"x" * 100)
    assert list(Take(tmp_path / "take").records())[-1]["files"]["state.npz"][0] == 100
    for name in ("state.npz", "log.jsonl", "../x", "dry.wav", ""):
        with pytest.raises(AssertionError):
            writer.put(name, b"")
    writer.close("stop")
    assert writer.close("again").reason == "stop"


def test_the_header_grows_into_rf64(tmp_path, monkeypatch):
    """Beyond what 32 bits hold the header is RF64 with a ds64 where the JUNK was, of the same length, and still verifies."""
    monkeypatch.setattr(waves, "RIFF_MOST", 60_000)
    writer = TakeWriter(spec(tmp_path / "take"))
    heads = {}
    for seconds in range(3):
        play(writer, 1, seed=seconds)
        heads[seconds] = (tmp_path / "take" / "mix.wav").read_bytes()[:48]
        assert soundfile.info(tmp_path / "take" / "mix.wav").frames == (seconds + 1) * RATE
    writer.close("stop")
    assert (heads[0][:4], heads[0][12:16]) == (b"RIFF", b"JUNK")
    assert (heads[2][:4], heads[2][12:16]) == (b"RF64", b"ds64")
    assert int.from_bytes(heads[2][28:36], "little") == 3 * RATE * 6
    assert verify(tmp_path / "take").ok


@pytest.mark.parametrize("frames", [0, 1, (2**32 - 2000) // 6, 2**32 // 6 + 1, 2**33])
def test_a_real_long_file_is_read(tmp_path, frames):
    """libsndfile reads the length from the header of a file around and beyond 4 GiB."""
    wave = waves.Wave(48000, 2, waves.describe("words", "id", "2026-11-27T23:59:59.5+00:00", 48000, "A", "B"))
    path = tmp_path / "long.wav"
    with open(path, "wb") as file:
        file.write(wave.header(frames))
        file.truncate(wave.head + 6 * frames)
    assert len(wave.header(frames)) == wave.head
    info = soundfile.info(path)
    assert (info.frames, info.format) == (frames, "WAV" if path.stat().st_size < 2**32 else "RF64")
