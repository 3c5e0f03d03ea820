"""Rendering: the prompt bit for bit, then the answer, the same bytes every time, at any rate and channel count."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from antiphon.errors import UsageError
from antiphon.kernels import Resampler
from antiphon.latency import HOP, MODEL_RATE
from antiphon.render import alignment, render
from playing import phrase_then_silence, tone


def _write(path, sound, samplerate, subtype="PCM_24"):
    soundfile.write(path, sound, samplerate, subtype)
    return path


@pytest.mark.parametrize(
    "samplerate, channels, subtype",
    [(48_000, 1, "PCM_16"), (44_100, 2, "PCM_24"), (192_000, 8, "PCM_16"), (22_050, 1, "PCM_16"), (8_000, 2, "PCM_24")],
)
def test_the_prompt_is_kept_bit_for_bit(tmp_path, samplerate, channels, subtype):
    """OUT is the prompt's frames, then as many of the answer as were asked for, at the prompt's rate and channels."""
    sound = phrase_then_silence(samplerate, sung_s=0.8, silent_s=0.1)
    prompt = _write(tmp_path / "in.wav", np.repeat(sound, channels, axis=1), samplerate, subtype)
    result = render(prompt, tmp_path / "out.wav", seconds=1.5, bundle="echo", stems=tmp_path / "stems")
    before, _ = soundfile.read(prompt, dtype="int32", always_2d=True)
    after, rate = soundfile.read(tmp_path / "out.wav", dtype="int32", always_2d=True)
    assert rate == samplerate and after.shape == (len(before) + round(1.5 * samplerate), channels)
    assert np.array_equal(after[: len(before)], before)
    assert np.abs(after[len(before) :]).max() > 2**29 * 0.4  # 0.3 of full scale was sung, and the echo repeats it
    assert (result.late, result.underflows, result.prompt_frames) == (0, 0, len(before))
    voice, _ = soundfile.read(tmp_path / "stems" / "voice.wav", dtype="int32", always_2d=True)
    alone, _ = soundfile.read(tmp_path / "stems" / "prompt.wav", dtype="int32", always_2d=True)
    assert np.array_equal(voice + alone, after)
    assert not voice[: len(before)].any() and not alone[len(before) :].any()


def test_same_seed_same_bytes(tmp_path):
    """Two renders of one prompt are the same file, where it is not signed: a signature has a time."""
    prompt = _write(tmp_path / "in.wav", phrase_then_silence(44_100, 0.5, 0.0), 44_100)
    for name in ("a.wav", "b.wav"):
        render(prompt, tmp_path / name, seconds=1.0, seed=3, bundle="echo", credentials=False)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_answer_only_is_the_answer(tmp_path):
    prompt = _write(tmp_path / "in.wav", phrase_then_silence(48_000, 0.5, 0.0), 48_000)
    render(prompt, tmp_path / "whole.wav", seconds=1.0, bundle="echo")
    render(prompt, tmp_path / "answer.wav", seconds=1.0, bundle="echo", answer_only=True)
    whole, _ = soundfile.read(tmp_path / "whole.wav", dtype="int32")
    answer, _ = soundfile.read(tmp_path / "answer.wav", dtype="int32")
    assert np.array_equal(whole[-48_000:], answer)


@pytest.mark.parametrize("samplerate", [48_000, 44_100, 96_000, 22_050, 11_025, 8_000, 44_101])
@pytest.mark.parametrize("frames", [1, 959, 960, 4801, 44_100])
def test_the_prompt_ends_where_a_hop_ends(samplerate, frames):
    """With the silence before it, the prompt's last frame is the last of a hop, to less than a device frame."""
    silence, hops = alignment(frames, samplerate)
    ends = (silence + frames) * MODEL_RATE / samplerate + Resampler(samplerate, MODEL_RATE).delay_frames
    assert 0 <= hops * HOP - ends < MODEL_RATE / samplerate + 1e-9
    assert 0 <= silence <= HOP * samplerate / MODEL_RATE


def test_the_seam_is_where_the_prompt_ends(tmp_path):
    """With the chain that gives back the microphone, the answer's first frame is the frame of the hop's beginning."""
    sound = tone(9601, level=0.3)
    sound[-256:] = 0  # of a tone there would be 10 ms left, see below
    prompt = _write(tmp_path / "in.wav", sound, 48_000)
    render(prompt, tmp_path / "out.wav", seconds=0.02, bundle="through")
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    answer = out[9601:]
    repeated = soundfile.read(prompt, dtype="float32")[0][9601 - 960 :]
    assert len(answer) == 960 and np.array_equal(answer[:480], repeated[:480])  # then the end's fade begins


def test_a_tone_cut_off_does_not_click(tmp_path):
    """What follows a prompt that ends in mid-tone goes on from it for 10 ms: no step at the seam is beyond the tone's own."""
    sound = tone(9601, level=0.3)
    render(_write(tmp_path / "in.wav", sound, 48_000), tmp_path / "out.wav", seconds=0.1, bundle="through", values={"voice": -80})
    out, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    own = np.abs(np.diff(sound[:, 0])).max()
    assert np.abs(np.diff(out[9590:9700])).max() < 1.2 * own  # mono comes back as (frames,)
    assert np.abs(out[9601:9700]).max() > 0.05 and not out[9601 + 480 :].any()


def test_progress_is_told_to_the_end(tmp_path):
    seen = []
    prompt = _write(tmp_path / "in.wav", tone(4800), 48_000)
    render(
        prompt,
        tmp_path / "out.wav",
        seconds=1.0,
        bundle="through",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1]


def test_a_prompt_in_which_nothing_is_heard_is_refused(tmp_path):
    """Silence cannot be answered: one line, no file."""
    prompt = _write(tmp_path / "in.wav", np.zeros((48_000, 1)), 48_000)
    with pytest.raises(UsageError, match="nothing was heard"):
        render(prompt, tmp_path / "out.wav", seconds=1.0, bundle="echo")
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 601.0, float("nan")])
def test_a_length_that_cannot_be_is_refused(tmp_path, seconds):
    prompt = _write(tmp_path / "in.wav", tone(4800), 48_000)
    with pytest.raises(UsageError, match="--seconds"):
        render(prompt, tmp_path / "out.wav", seconds=seconds, bundle="through")


@pytest.mark.parametrize("prompt, out", [("prompt.wav", "out.wav"), ("in.wav", "voice.wav")])
def test_stems_never_replace_what_is_read_or_written(tmp_path, prompt, out):
    """IN or OUT in the folder of the stems, under a stem's name: refused, and IN is as it was."""
    source = _write(tmp_path / prompt, tone(24_000), 48_000)
    before = source.read_bytes()
    with pytest.raises(UsageError, match="choose another folder"):
        render(source, tmp_path / out, seconds=0.5, bundle="echo", stems=tmp_path)
    assert source.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [prompt]
