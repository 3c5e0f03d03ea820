"""The notes of a take as a MIDI file, read back by a reader that is not ours."""

import io
import random
import tracemalloc

import pytest

from antiphon.take import TakeWriter, midifile
from provenance.taking import play, spec

mido = pytest.importorskip("mido")
RATE = 48000


def written(notes, frames=10 * RATE, rate=RATE):
    target = io.BytesIO()
    midifile.write(target, lambda: iter(notes), rate, frames, "title", "words")
    target.seek(0)
    return mido.MidiFile(file=target)


def read(track):
    """List (frame on, frame off, pitch, velocity) of a track's notes, frames at RATE."""
    at, bent, held, found = 0, 0, {}, []
    for message in track:
        at += message.time
        if message.type == "pitchwheel":
            bent = message.pitch
        elif message.type == "note_on":
            assert message.note not in held
            held[message.note] = (at, message.note + bent / 8192 * 2, message.velocity)
        elif message.type == "note_off":
            begin, pitch, velocity = held.pop(message.note)
            found.append((begin * RATE / 1920, at * RATE / 1920, pitch, velocity))
    assert not held
    return found


def note(who="voice", frame=0, length=4800, pitch=60.0, loudness_db=-20.0):
    return {"who": who, "frame": frame, "length": length, "pitch": pitch, "loudness_db": loudness_db}


def test_notes_come_back_in_time_and_in_tune():
    """Onsets and ends within 0.27 ms, pitches within 0.02 cents, of a line as it was played, whoever played it."""
    draw, notes, at = random.Random(1), [], 0
    for _ in range(200):
        length = draw.randrange(500, 40_000)
        notes.append(note(draw.choice(midifile.WHO), at, length, draw.uniform(20, 110), draw.uniform(-60, 0)))
        at += length + draw.randrange(0, 9000)
    file = written(notes, at)
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 960, 3)
    assert [track.name for track in file.tracks] == ["title", "performer", "voice"]
    for track, who in zip(file.tracks[1:], midifile.WHO, strict=True):
        expected = [line for line in notes if line["who"] == who]
        found = read(track)
        assert len(found) == len(expected)
        for (begin, end, pitch, velocity), line in zip(found, expected, strict=True):
            assert abs(begin - line["frame"]) <= 13 and abs(end - line["frame"] - line["length"]) <= 13
            assert abs(pitch - line["pitch"]) < 2e-4
            assert velocity == midifile.velocity(line["loudness_db"])
        assert sum(message.time for message in track) == pytest.approx(at / RATE * 1920, abs=1)


def test_the_bend_range_is_told_before_the_first_note():
    """RPN 0 is set to 2 semitones on each track's own channel, and unset again; the words are in the file."""
    file = written([note(), note("performer")])
    for channel, track in enumerate(file.tracks[1:]):
        control = [(m.control, m.value) for m in track if m.type == "control_change"]
        assert control == [(101, 0), (100, 0), (6, 2), (38, 0), (101, 127), (100, 127)]
        assert {m.channel for m in track if not m.is_meta} == {channel}
    assert [m.text for m in file.tracks[0] if m.type == "text"] == ["words"]


def test_notes_that_were_written_when_they_ended_are_in_order():
    """A long note that began before short ones but ended after them stands where it began; order of writing is no matter."""
    notes = [note(frame=1000 * n, length=500, pitch=50 + n % 12) for n in range(40)] + [note(frame=10, length=60_000, pitch=80)]
    assert sorted(read(written(notes).tracks[2])) == sorted(read(written(notes[::-1]).tracks[2]))
    assert min(read(written(notes).tracks[2]))[2] in (50, 80)


def test_odd_notes_are_written_too():
    """Zero length, the same key twice at once, beyond the keyboard, before the beginning: nothing hangs and nothing raises."""
    odd = [
        note(length=0), note(frame=100, length=5000), note(frame=200, length=9000), note(pitch=-3.0), note(pitch=127.4),
        note(frame=-50), note(loudness_db=-120.0), note(loudness_db=12.0),
    ]  # fmt: skip
    assert read(written(odd).tracks[2])
    assert read(written([]).tracks[2]) == []


def test_days_of_rest_between_two_notes():
    """A rest longer than one delta can hold is written in parts."""
    days = 3 * 24 * 3600 * RATE
    found = read(written([note(), note(frame=days)], days + RATE).tracks[2])
    assert abs(found[1][0] - days) <= 13


def test_memory_does_not_grow_with_the_notes():
    """20,000 notes take no more than 1 MiB beside the file itself."""

    class Sink(io.RawIOBase):
        def __init__(self):
            self.at = 0

        def write(self, content):
            self.at += len(content)
            return len(content)

        def tell(self):
            return self.at

        def seek(self, at, whence=0):
            self.at = at

    tracemalloc.start()
    notes = lambda: (note(frame=n * 1000, length=900) for n in range(20_000))  # noqa: E731
    midifile.write(Sink(), notes, RATE, 10**8, "", "")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_the_file_of_a_take_is_the_one_that_is_hashed(tmp_path):
    """take.mid of a closed take opens and has both tracks' notes."""
    writer = TakeWriter(spec(tmp_path / "take"))
    play(writer, 2)
    writer.close("stop")
    file = mido.MidiFile(tmp_path / "take" / "take.mid")
    assert [sum(m.type == "note_on" for m in track) for track in file.tracks] == [0, 2, 2]
