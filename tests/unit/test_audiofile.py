"""Sound files: what was read is written back bit for bit; what cannot be read gets one line."""

import os
import resource
import struct
import sys

import numpy as np
import pytest
import soundfile

from antiphon import audiofile
from antiphon.errors import UsageError
from antiphon.kernels import lib


def noise(frames, channels, seed=0):
    """Int32 words over the whole range."""
    return np.random.default_rng(seed).integers(-(2**31), 2**31, (frames, channels), dtype=np.int64).astype(np.int32)


def put(path, pcm, rate=48000, **keywords):
    soundfile.write(path, pcm, rate, **keywords)
    return path


@pytest.mark.parametrize(
    "name, subtype, bits",
    [
        ("a.wav", "PCM_U8", 8),
        ("a.wav", "PCM_16", 16),
        ("a.wav", "PCM_24", 24),
        ("a.flac", "PCM_16", 16),
        ("a.flac", "PCM_24", 24),
        ("a.aiff", "PCM_S8", 8),
    ],
)
@pytest.mark.parametrize("channels, rate", [(1, 44100), (2, 48000), (8, 192000), (3, 8000)])
@pytest.mark.parametrize("out", ["out.wav", "out.flac"])
def test_at_most_24_bits_come_back_bit_for_bit(tmp_path, name, subtype, bits, channels, rate, out):
    """Read, write as 24-bit, read again: the same words, rate and channels."""
    source = put(tmp_path / name, noise(1000, channels), rate, subtype=subtype)
    recording = audiofile.read(source)
    expected, _ = soundfile.read(source, dtype="int32", always_2d=True)
    assert np.array_equal(recording.pcm, expected) and recording.notes == ()
    with audiofile.Writer(tmp_path / out, rate, channels) as writer:
        writer.write(recording.pcm[:300])
        writer.write(recording.pcm[300:])
    again = audiofile.read(tmp_path / out)
    assert np.array_equal(again.pcm, expected) and again.samplerate == rate
    assert soundfile.info(tmp_path / out).subtype == "PCM_24"
    assert np.array_equal(audiofile.to_pcm(recording.sound), recording.pcm)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    "name, subtype", [("a.wav", "FLOAT"), ("a.wav", "DOUBLE"), ("a.ogg", "VORBIS"), ("a.ogg", "OPUS"), ("a.mp3", None)]
)
def test_other_formats_are_rounded_to_24_bits(tmp_path, name, subtype):
    """Float and lossy files are read within half a 24-bit step of what the decoder gives."""
    tone = 0.5 * np.sin(np.arange(24000) * 0.05)[:, None]
    source = put(tmp_path / name, tone, **({"subtype": subtype} if subtype else {}))
    recording = audiofile.read(source)
    decoded, _ = soundfile.read(source, dtype="float64", always_2d=True)
    assert abs(recording.sound - decoded).max() <= 2.0**-24
    assert recording.notes == ()


def test_floats_that_are_not_sound_become_silence_or_are_clipped_and_it_is_said(tmp_path):
    """NaN and infinity are silence; beyond full scale is full scale."""
    values = np.array([0.25, np.nan, np.inf, -np.inf, 3.0, -3.0])
    recording = audiofile.read(put(tmp_path / "a.wav", values, subtype="FLOAT"))
    assert recording.sound[:, 0].tolist() == pytest.approx([0.25, 0, 0, 0, 1, -1], abs=2e-7)
    assert "3 samples are not numbers" in recording.notes[0] and "2 samples beyond full scale" in recording.notes[1]


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path, name):
    """Half of the bytes are gone, the header still promises all: half is played, and one line says so."""
    whole = noise(200_000, 1)
    source = put(tmp_path / name, whole, subtype="PCM_16")
    expected, _ = soundfile.read(source, dtype="int32", always_2d=True)
    os.truncate(source, source.stat().st_size // 2)
    recording = audiofile.read(source)
    assert 50_000 < len(recording.pcm) < 110_000
    assert np.array_equal(recording.pcm, expected[: len(recording.pcm)])
    assert name == "a.wav" or len(recording.notes) >= 1


def test_a_wav_header_that_lies_about_its_length_does_no_harm(tmp_path):
    """Sizes of 4 GiB in a small file are not believed."""
    source = put(tmp_path / "a.wav", noise(1000, 1), subtype="PCM_16")
    data = bytearray(source.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFF0)
    source.write_bytes(data)
    assert len(audiofile.read(source).pcm) == 1000


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"this is not a recording\n" * 10, "not a sound file"),
    "header only": (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a sound file"),
    "zeros": (bytes(5000), "not a sound file"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("ending", [".wav", ".flac", ".mp3", ".ogg", ".raw", ""])
def test_what_is_no_sound_gets_one_line(tmp_path, what, ending):
    """Whatever the name says."""
    content, expected = BAD[what]
    source = tmp_path / f"a{ending}"
    source.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        audiofile.read(source)
    assert expected in str(caught.value) and "\n" not in str(caught.value) and str(source) in str(caught.value)


def test_no_frames_a_folder_and_a_missing_file_get_one_line(tmp_path):
    """A missing file's message names the file that may have been meant."""
    put(tmp_path / "none.wav", np.zeros((0, 1)), subtype="PCM_16")
    for path, words in [("none.wav", "holds no sound"), ("", "is a folder"), ("nome.wav", "did you mean none.wav?")]:
        with pytest.raises(UsageError, match=words):
            audiofile.read(tmp_path / path)


@pytest.mark.parametrize("rate", [4000, 384000])
def test_rates_beyond_the_resampler_are_refused_with_the_cure(tmp_path, rate):
    """The message holds the command that mends it."""
    with pytest.raises(UsageError, match="ffmpeg -i"):
        audiofile.read(put(tmp_path / "a.wav", noise(100, 1), rate, subtype="PCM_16"))


@pytest.mark.parametrize(
    "name, words",
    [
        ("a.mp3", "written are .wav and .flac"),
        ("a", "written are"),
        ("no/a.wav", "no folder"),
        ("d.wav", "is a folder"),
    ],
)
def test_where_nothing_can_be_written_one_line_says_so_at_once(tmp_path, name, words):
    """Before any work is done."""
    (tmp_path / "d.wav").mkdir()
    with pytest.raises(UsageError, match=words):
        audiofile.Writer(tmp_path / name, 48000, 1)


def test_a_folder_that_may_not_be_written_gets_one_line():
    """/proc refuses even root."""
    with pytest.raises(UsageError, match="cannot be written"):
        audiofile.Writer("/proc/out.wav", 48000, 1)


def test_a_failure_leaves_what_was_there_before(tmp_path):
    """An error in the middle discards the new file and keeps the old."""
    target = tmp_path / "out.wav"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError), audiofile.Writer(target, 48000, 1) as writer:
        writer.write(noise(10, 1))
        raise RuntimeError
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["out.wav"]


def test_a_full_disk_gets_one_line(tmp_path):
    """A disk that takes nothing, and one that fills up on the way, leave no half of a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        with pytest.raises(UsageError, match="is the disk full"):
            audiofile.Writer(tmp_path / "full.wav", 48000, 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with (
            pytest.raises(UsageError, match="is the disk full"),
            audiofile.Writer(tmp_path / "a.wav", 48000, 1) as writer,
        ):
            for _ in range(20):
                writer.write(noise(10_000, 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not os.listdir(tmp_path)


def test_a_link_is_followed(tmp_path):
    """OUT may be a link to a place elsewhere; it stays one."""
    (tmp_path / "far").mkdir()
    (tmp_path / "out.wav").symlink_to(tmp_path / "far" / "there.wav")
    with audiofile.Writer(tmp_path / "out.wav", 48000, 1) as writer:
        writer.write(noise(10, 1))
    assert (tmp_path / "out.wav").is_symlink() and len(audiofile.read(tmp_path / "far" / "there.wav").pcm) == 10


def test_the_same_sound_gives_the_same_bytes(tmp_path):
    """No time stamp hides in the file."""
    for name in ("a.wav", "b.wav", "a.flac", "b.flac"):
        with audiofile.Writer(tmp_path / name, 44100, 2) as writer:
            writer.write(noise(5000, 2))
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_name_that_is_not_utf8_is_read_and_written(tmp_path):
    """A name is bytes: an old disk's Latin-1 names are files like any other."""
    source, target = tmp_path / os.fsdecode(b"caf\xe9.wav"), tmp_path / os.fsdecode(b"r\xe9ponse.flac")
    pcm = noise(1000, 1) & -256
    with audiofile.Writer(source, 48000, 1) as writer:
        writer.write(pcm)
    os.rename(source, target.with_suffix(".wav"))
    assert np.array_equal(audiofile.read(target.with_suffix(".wav")).pcm, pcm)
    assert len(os.listdir(tmp_path)) == 1


def test_more_channels_than_the_kernels_take_are_told(tmp_path):
    """The limit is the kernels' own, and the line names both numbers."""
    assert audiofile.CHANNELS_MAX == lib.AP_CHANNELS_MAX
    path = put(tmp_path / "many.wav", noise(10, lib.AP_CHANNELS_MAX + 1), subtype="PCM_16")
    with pytest.raises(UsageError, match="65 channels, at most 64"):
        audiofile.read(path)


def test_closing_what_was_discarded_does_nothing(tmp_path):
    """A disk that was full while playing is told once, by the write that failed."""
    writer = audiofile.Writer(tmp_path / "a.wav", 48000, 1)
    writer.discard()
    writer.close()
    assert not os.listdir(tmp_path)


def test_a_stem_of_a_take_is_never_replaced(tmp_path):
    """By whatever writes sound; beside it, under another name, it may be written."""
    (tmp_path / "take.json").write_text("{}")
    (tmp_path / "voice.wav").write_bytes(b"RIFF")
    with pytest.raises(UsageError, match="belongs to a take"):
        audiofile.Writer(tmp_path / "voice.wav", 48_000, 1)
    assert (tmp_path / "voice.wav").read_bytes() == b"RIFF"
    audiofile.Writer(tmp_path / "again.wav", 48_000, 1).discard()
