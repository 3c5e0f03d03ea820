"""What the tokenizer is taught is what its shards say, one hop late where the network looks ahead."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("scipy")

from antiphon.model.tokens import HOP, NOTE_LO, REST, STROKE  # noqa: E402
from antiphon.train import tokenizer  # noqa: E402
from antiphon.train.percussion import STROKE as STRUCK  # noqa: E402


def write(path, source, struck):
    """Two clips of a second: a note from 0.2 s to 0.5 s, and where `struck` a stroke at 0.61 s, 90 ms long."""
    f0, note, onset = np.zeros((2, 100), np.float32), np.full((2, 100), -1, np.int16), np.zeros((2, 100), np.uint8)
    f0[:, 20:50], note[:, 20:50], onset[:, 20] = 60.25, 60, 1
    if struck:
        note[:, 61:70], onset[:, 61] = STRUCK, 1
    audio = np.arange(2 * 48_000, dtype=np.int16).reshape(2, -1)
    np.savez(path, audio=audio, f0=f0, onset=onset, note=note, source=np.array([source, "seed/other"]))


def test_notes_strokes_and_rests(tmp_path):
    """Classes, onsets and pitches of every hop; a stroke has no pitch, and the half hop in which it begins counts."""
    write(tmp_path / "held-0000.npz", "mixed/seed/other/font0", True)
    cut = tokenizer.Shards(tmp_path, "held").cut(0, 0, 50)
    wanted = np.full(50, REST)
    wanted[11:26], wanted[31:36] = 60 - NOTE_LO, STROKE
    assert cut["note"].tolist() == wanted.tolist() and tokenizer.STRUCK == STRUCK
    assert np.flatnonzero(cut["onset"]).tolist() == [11, 31]
    assert np.flatnonzero(cut["pitch"]).tolist() == list(range(10, 25)) and cut["pitch"][10] == 60.25
    assert cut["sound"].shape == (50 * HOP,)


def test_speech_has_a_pitch_and_no_notes(tmp_path):
    """Of what is spoken only pitch and rests are taught: where a syllable's note is, and begins, nobody can say."""
    write(tmp_path / "held-0000.npz", "formula/spoken", True)
    cut = tokenizer.Shards(tmp_path, "held").cut(0, 0, 50)
    assert (cut["note"][11:26] == tokenizer.NOBODY_KNOWS).all() and (cut["note"][:11] == REST).all() and cut["note"][31] == STROKE
    assert (cut["onset"][1:] == tokenizer.NOBODY_KNOWS).all() and cut["pitch"][10] == 60.25


def test_percussion_without_labels_is_left_out(tmp_path):
    """It would teach that a stroke is none; labelled percussion stays, and so does everything else."""
    write(tmp_path / "train-0000.npz", "percussion/gogodze", False)
    assert [clip for _, clip in tokenizer.Shards(tmp_path, "train").where] == [1]
    write(tmp_path / "train-0000.npz", "percussion/gogodze", True)
    assert [clip for _, clip in tokenizer.Shards(tmp_path, "train").where] == [0, 1]


def test_folders_are_drawn_from_by_their_shares(tmp_path):
    """By number of clips, or as told; a folder without shards is named."""
    for folder, count in (("one", 3), ("two", 1)):
        (tmp_path / folder).mkdir()
        for n in range(count):
            write(tmp_path / folder / f"train-{n:04d}.npz", "seed/other", False)
    folders = [tmp_path / "one", tmp_path / "two"]
    assert tokenizer.Shards(folders, "train").chances.tolist() == pytest.approx([1 / 8] * 8)
    told = tokenizer.Shards(folders, "train", [0.3, 0.7]).chances
    assert told[:6].sum() == pytest.approx(0.3) and told[6:].sum() == pytest.approx(0.7)
    with pytest.raises(SystemExit, match="no held-"):
        tokenizer.Shards(folders, "held")
