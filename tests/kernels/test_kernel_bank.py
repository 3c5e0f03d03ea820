"""The bank sums exactly the harmonics it was asked for."""

import numpy as np
import pytest

from antiphon.kernels import ffi, lib

RATE, FRAME, JUMP = 48_000, 480, 2 ** (1.5 / 12)
HARMONICS = lib.AP_BANK_HARMONICS


class Bank:
    """ap_bank with numpy arrays."""

    def __init__(self):
        self.bank = ffi.new("ap_bank *")

    def process(self, hertz, levels, out):
        lib.ap_bank_process(self.bank, hertz, RATE, JUMP, ffi.from_buffer("float *", levels), ffi.from_buffer("float *", out), len(out))


def wanted(hertz, levels):
    """The same sum in double precision, (frames,): hertz (calls,), levels (calls, 128)."""
    phase, last, before, out = 0.0, 0.0, np.zeros(HARMONICS), []
    way = np.arange(1, FRAME + 1) / FRAME

    def bank(begin, end, from_levels, to_levels):
        turns = phase + np.cumsum(begin + (end - begin) * way) / RATE
        amplitude = from_levels + (to_levels - from_levels) * way[:, None]
        return turns[-1], (amplitude * np.sin(2 * np.pi * turns[:, None] * np.arange(1, HARMONICS + 1))).sum(1)

    for now, target in zip(hertz, levels, strict=True):
        now = now or last
        if last and max(now / last, last / now) > JUMP:  # the note before fades out as the other comes in
            after, sound = bank(now, now, 0 * target, target)
            sound = sound + bank(last, last, before, 0 * target)[1]
        else:
            after, sound = bank(last or now, now, before, target)
        out.append(sound)
        phase, last, before = after, now, target
    return np.concatenate(out)


def play(hertz, levels):
    bank, out = Bank(), np.zeros((len(hertz), FRAME), np.float32)
    for row, now, target in zip(out, hertz, levels, strict=True):
        bank.process(now, target, row)
    return out.ravel()


@pytest.mark.parametrize("base", [41.2, 110.0, 440.0, 1661.2])
def test_it_equals_the_sum_in_double_precision(base):
    """Glides, a jump of an octave, an unvoiced tail: within -90 dB of the exact sum."""
    rng = np.random.default_rng(1)
    hertz = base * np.array([1, 1.01, 1.02, 1.0, 2.0, 2.01, 0, 0, 1.0, 1.05])
    levels = rng.uniform(0, 0.1, (len(hertz), HARMONICS)).astype(np.float32)
    levels[:, int(RATE / 2 / hertz.max()):] = 0
    levels[7] = 0
    exact, made = wanted(hertz, levels), play(hertz, levels)
    assert np.sqrt(np.mean((exact - made) ** 2)) < 10 ** (-90 / 20) * np.sqrt(np.mean(exact**2))


def test_another_note_comes_in_without_a_step():
    """A leap of an octave in full sound: no frame steps farther than the higher note's own steps."""
    levels = np.zeros((8, HARMONICS), np.float32)
    levels[:, :4] = 0.1
    sound = play(np.array([220.0] * 4 + [440.0] * 4), levels)
    steps = np.abs(np.diff(sound, 2))
    assert steps[4 * FRAME - 5 : 5 * FRAME].max() < 1.1 * steps[6 * FRAME :].max()


def test_no_level_is_silence():
    assert not play(np.full(3, 220.0), np.zeros((3, HARMONICS), np.float32)).any()


def test_state_is_a_value():
    """A bank put back to a saved state plays the same frames again."""
    bank, levels = Bank(), np.full(HARMONICS, 0.01, np.float32)
    first, second, again = np.zeros((3, FRAME), np.float32)
    bank.process(220.0, levels, first)
    saved = bytes(ffi.buffer(bank.bank))
    bank.process(225.0, levels, second)
    ffi.buffer(bank.bank)[:] = saved
    bank.process(225.0, levels, again)
    assert np.array_equal(second, again) and not np.array_equal(first, second)
