"""What a bundle is judged on is read as it is, by its own name, and with everything that is known of it."""

import numpy as np
import pytest
import soundfile

pytest.importorskip("soxr")
from antiphon.errors import UsageError  # noqa: E402
from antiphon.train import clips  # noqa: E402

RATE = 48_000


def tone(seconds, hertz=220.0):
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def test_an_opening_ends_without_a_step_and_is_the_recording_up_to_there():
    """Our cut in the middle of a tone is not the performer's: it fades in 5 ms. What is short enough is taken whole."""
    sound = tone(8.0)
    cut = clips.opening(sound, 5.0)
    assert 4.0 * RATE < len(cut) <= 5.0 * RATE and len(cut) % 960 == 0
    assert np.array_equal(cut[:-240], sound[: len(cut) - 240])
    assert abs(cut[-1]) < 1e-3 and np.abs(np.diff(cut[-260:])).max() < 0.02
    assert clips.opening(sound, 8.0) is sound


def test_a_folder_is_all_of_its_recordings_with_what_is_known_of_them(tmp_path):
    for name in ("b.flac", "a.wav"):
        soundfile.write(tmp_path / name, tone(1.5), RATE)
    (tmp_path / "manifest.tsv").write_text("file\tsource_repo\tclass\na.wav\tx\tsolo singing, amateur\n")
    (tmp_path / "a.notesA1.csv").write_text("0.5,440.0,0.2\n")
    (tmp_path / "a.notesA2.csv").write_text("0.5,440.0,0.2\n0.9,220.0,0.2\n")
    (tmp_path / "a.f0.csv").write_text("0.0,0.0\n0.5,440.0\n")
    first, second = clips.recordings([tmp_path])
    assert (first.name, first.kind, second.name, second.kind) == ("a", "voice", "b", "unknown")
    assert [len(label) for label in first.labels] == [1, 2] and first.labels[0] == [(0.5, 69.0)]
    assert first.pitch.tolist() == [[0.0, 0.5], [0.0, 69.0]] and second.pitch is None
    assert not first.held and len(first.sound) == 1.5 * RATE


def test_what_is_no_recording_or_no_label_is_told_in_a_line(tmp_path):
    with pytest.raises(UsageError, match="no recordings in this folder"):
        clips.recordings([tmp_path])
    soundfile.write(tmp_path / "a.wav", tone(1.5), RATE)
    (tmp_path / "a.notes.csv").write_text("onset,pitch\n")
    with pytest.raises(UsageError, match="a.notes.csv: no note labels"):
        clips.recordings([tmp_path / "a.wav"])
    (tmp_path / "a.notes.csv").unlink()
    (tmp_path / "a.f0.csv").write_text("x\n")
    with pytest.raises(UsageError, match="a.f0.csv: no pitch curve"):
        clips.recordings([tmp_path / "a.wav"])


@pytest.mark.parametrize(
    ("words", "kind"),
    [("singing (Carnatic)", "voice"), ("solo singing, amateur", "voice"), ("speech 48k", "speech"), ("speech by a voice", "speech"),
     ("whistled tune", "whistle"), ("Indian drum", "percussion"), ("beatboxing", "percussion"), ("acoustic guitar", "instrument"),
     ("humming", "voice"), ("", "unknown")],
)  # fmt: skip
def test_a_class_is_told_from_what_a_manifest_says(words, kind):
    assert clips.kind_of(words) == kind


def test_a_class_is_told_from_what_a_render_says():
    pytest.importorskip("numba")
    said = {"seed/claudia": "voice", "seed/oboe": "instrument", "font/53": "voice", "font/11": "instrument", "font/78": "whistle",
            "formula/hum": "voice", "formula/whistle": "whistle", "percussion/gogodze": "percussion", "formula/reed": "instrument",
            "formula/spoken": "speech", "words/seed/claudia": "voice", "mixed/words/seed/claudia/kit 8": "mixed"}  # fmt: skip
    assert {source: clips.kind_of_render(source) for source in said} == said


@pytest.mark.parametrize("source", ["seed/claudia", "words/seed/claudia", "mixed/words/seed/claudia/kit 8"])
def test_a_performer_is_the_same_whatever_is_done_to_her(source):
    """Her timbre must not be told from her own."""
    assert clips.performer_of(source) == "seed/claudia"


def shard(path, sources):
    frames, rows = 480 * 300, len(sources)
    pitch, onset = np.zeros((rows, 300), np.float32), np.zeros((rows, 300), np.uint8)
    pitch[:, 20:120], pitch[:, 120:250] = 60.25, 64.0
    onset[:, [20, 120]] = 1
    drums = [n for n, source in enumerate(sources) if source.startswith("percussion")]
    pitch[drums] = 0
    note = np.where(pitch > 0, np.round(pitch), -1).astype(np.int16)
    mixed = [n for n, source in enumerate(sources) if source.startswith("mixed")]
    note[mixed, 120:135], pitch[mixed, 120:250] = -2, 0
    np.savez(path, audio=np.full((rows, frames), 3276, np.int16), f0=pitch, onset=onset, note=note, source=sources)


def test_held_out_renders_come_one_of_each_source_first(tmp_path):
    """So that a few of them are as many kinds as there are; each with the notes it was rendered from."""
    pytest.importorskip("numba")
    shard(tmp_path / "held-0000.npz", ["seed/oboe", "seed/oboe", "percussion/gogodze"])
    shard(tmp_path / "held-0001.npz", ["seed/oboe", "formula/hum"])
    shard(tmp_path / "train-0000.npz", ["seed/sven"])
    names = [clip.name for clip in clips.held_out(tmp_path, 4)]
    assert [name.removeprefix("held-000") for name in names] == [
        "0-00-seed-oboe", "0-02-percussion-gogodze", "0-01-seed-oboe", "1-01-formula-hum"]  # fmt: skip
    first, drum, hum = clips.held_out(tmp_path, 3)
    assert first.source == "seed/oboe" and first.held and abs(first.sound[0] - 0.1) < 1e-3
    assert [(round(at, 3), pitch) for at, pitch in first.labels[0]] == [(0.205, 60.25), (1.205, 64.0)]
    assert [pitch for _, pitch in drum.labels[0]] == [0.0, 0.0], "a stroke has no pitch"
    assert hum.kind == "voice" and hum.pitch.shape == (2, 300)


def test_strokes_among_notes_are_labelled_as_strokes(tmp_path):
    pytest.importorskip("numba")
    shard(tmp_path / "held-0000.npz", ["mixed/seed/oboe/kit 8"])
    (clip,) = clips.held_out(tmp_path, 1)
    assert [pitch for _, pitch in clip.labels[0]] == [60.25, 0.0] and (clip.kind, clip.source) == ("mixed", "seed/oboe")
    assert clip.name == "held-0000-00-mixed-seed-oboe-kit-8"


def test_a_folder_without_held_out_renders_is_told(tmp_path):
    with pytest.raises(UsageError, match="no held-NNNN.npz there"):
        clips.held_out(tmp_path, 3)
