"""A sheet gives one melodic line for each part, whatever sounds below it, and a broken one gives one line of what is wrong."""

import zipfile

import numpy as np
import pytest

from antiphon.errors import UsageError
from antiphon.train import sheets

mido = pytest.importorskip("mido")
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


def midi(path, notes, *, channel=0, key=None, beat=480):
    """A MIDI file of (pitch, onset, duration) in quarter notes."""
    file, track = mido.MidiFile(ticks_per_beat=beat), mido.MidiTrack()
    file.tracks.append(track)
    if key:
        track.append(mido.MetaMessage("key_signature", key=key))
    ends = [(onset + length, 0, pitch) for pitch, onset, length in notes]
    edges = sorted(ends + [(onset, 1, pitch) for pitch, onset, _ in notes])
    now = 0
    for at, on, pitch in edges:
        tick = round(at * beat)
        track.append(mido.Message("note_on" if on else "note_off", note=pitch, velocity=64, channel=channel, time=tick - now))
        now = tick
    file.save(path)
    return path


def note(step, octave, duration, *, extra="", voice=1):
    return (f"<note>{extra}<pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{duration}</duration>"
            f"<voice>{voice}</voice></note>")  # fmt: skip


def score(measures, head=""):
    return (f'<?xml version="1.0"?>{head}<score-partwise><part-list/><part id="P1"><measure><attributes><divisions>2</divisions>'
            f"<key><fifths>-3</fifths></key></attributes>{measures}</measure></part></score-partwise>")  # fmt: skip


def musicxml(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_midi_melody_comes_back_as_it_was_written(tmp_path):
    """Pitches exactly, times within a hundredth of a quarter note, and the key signature it names."""
    written = [(pitch, 0.5 * number, 0.4) for number, pitch in enumerate(SCALE)]
    (line,) = sheets.read(midi(tmp_path / "a.mid", written, key="Ebm"))
    assert np.abs(line.notes - np.array(written)).max() < 0.01
    assert line.fifths % 12 == -6 % 12


@pytest.mark.parametrize("key, fifths", [("C", 0), ("G", 1), ("F", -1), ("Am", 0), ("F#m", 3), ("Bb", -2), ("Cm", -3)])
def test_key_signatures_count_sharps(key, fifths):
    assert sheets._fifths_of(key) == fifths


@pytest.mark.parametrize("fifths", range(-5, 7))
def test_a_line_without_a_signature_gets_that_of_its_scale(fifths):
    """All seven notes of a major scale name it."""
    notes = np.array([[60 + (7 * fifths + step) % 12, beat, 1.0] for beat, step in enumerate([0, 2, 4, 5, 7, 9, 11])], float)
    assert sheets.signature(notes) == fifths


def test_drums_are_no_melody(tmp_path):
    assert sheets.read(midi(tmp_path / "drums.mid", [(36, beat, 0.5) for beat in range(8)], channel=9)) == []


def test_the_highest_of_what_sounds_together_is_the_line(tmp_path):
    """A chord under each note, and a bass that moves while a melody note is held, leave the melody alone."""
    melody = [(72 + step, 2.0 * number, 2.0) for number, step in enumerate([0, 2, 4, 5])]
    below = [(pitch - 12, onset, 2.0) for pitch, onset, _ in melody] + [(40, onset + 1.0, 0.9) for _, onset, _ in melody]
    (line,) = sheets.read(midi(tmp_path / "piano.mid", melody + below))
    assert line.notes[:, 0].tolist() == [72, 74, 76, 77]
    assert np.abs(line.notes[:, 2] - 2.0).max() < 0.01


def test_musicxml_is_read_by_part_and_voice(tmp_path):
    """Chords give their top, ties are one note, rests and a second voice keep their place, grace notes have no time."""
    top = note("C", 5, 2) + note("G", 4, 2, extra="<chord/>") + "<note><rest/><duration>1</duration></note>"
    tied = note("D", 5, 2, extra='<tie type="start"/>') + note("D", 5, 3, extra='<tie type="stop"/>')
    second = "<backup><duration>8</duration></backup>" + note("E", 3, 4, voice=2)
    grace = "<note><grace/><pitch><step>B</step><octave>5</octave></pitch></note>"
    lines = sheets.read(musicxml(tmp_path / "a.musicxml", score(grace + top + tied + second)))
    assert [line.notes.tolist() for line in lines] == [[[72, 0.0, 1.0], [74, 1.5, 2.5]], [[52, 0.0, 2.0]]]
    assert [line.fifths for line in lines] == [-3, -3]


def test_a_transposing_part_is_read_as_it_sounds(tmp_path):
    attributes = "<attributes><transpose><chromatic>-2</chromatic></transpose></attributes>"
    (line,) = sheets.read(musicxml(tmp_path / "a.xml", score(attributes + note("C", 5, 2))))
    assert line.notes[0, 0] == 70


def test_a_compressed_score_is_found_by_its_container(tmp_path):
    path = tmp_path / "a.mxl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfiles><rootfile full-path="in/s.xml"/></rootfiles></container>')
        archive.writestr("in/s.xml", score(note("C", 5, 2)))
    assert sheets.read(path)[0].notes.tolist() == [[72, 0.0, 1.0]]


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
BROKEN = {
    "empty.mid": b"", "noise.mid": bytes(range(256)) * 3, "cut.mid": b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\xff\xff\0\x90",
    "empty.xml": b"", "open.musicxml": b"<score-partwise><part>", "html.xml": b"<html><body/></html>",
    "none.xml": b"<score-partwise/>", "bomb.xml": score("&b;", BOMB).encode(), "long.xml": score(note("C", 5, "1e99")).encode(),
    "nan.xml": score(note("C", 5, "nan")).encode(), "word.xml": score(note("H", 5, 2)).encode(), "not.mxl": b"PK\3\4",
    "what.xml": score(note("C", "x", 2)).encode(), "deep.xml": b"<score-partwise>" + b"<a>" * 900,
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_sheet_is_one_line(tmp_path, name):
    """It names the file, and is no traceback."""
    path = tmp_path / name
    path.write_bytes(BROKEN[name])
    with pytest.raises(UsageError) as refused:
        sheets.read(path)
    assert name in str(refused.value) and "\n" not in str(refused.value)


def test_a_compressed_score_may_not_swell(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_BYTES", 10_000)
    path = tmp_path / "big.mxl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s.xml", score(note("C", 5, 2) * 2000))
    assert path.stat().st_size < 10_000
    with pytest.raises(UsageError, match="more than"):
        sheets.read(path)
