"""Transforms and spectra are those of double precision, to a few parts in ten million."""

import numpy as np
import pytest

from antiphon.kernels import Fft, KernelError, Spectrum

LENGTHS = [2, 4, 6, 10, 30, 32, 162, 256, 480, 512, 960, 1250, 2048, 4096, 6000, 8192]
CLOSE = 3e-7  # of the largest value


def off(found, exact):
    return np.abs(found - exact).max() / np.abs(exact).max()


@pytest.mark.parametrize("frames", LENGTHS)
def test_transform_equals_double_precision(frames):
    """Noise there and back: the forward transform, and the frames again from it."""
    sound = np.random.default_rng(frames).standard_normal(frames).astype(np.float32)
    fft, lines, back = Fft(frames), np.empty(frames // 2 + 1, np.complex64), np.empty(frames, np.float32)
    fft.forward(sound, lines)
    assert off(lines, np.fft.rfft(sound.astype(np.float64))) < CLOSE
    fft.inverse(lines, back)
    assert off(back, sound) < 2 * CLOSE


@pytest.mark.parametrize("frames", [512, 960])
def test_inverse_of_any_lines(frames):
    """Lines that no real sound has, at 0 Hz and half the rate, count by their real parts, as in numpy."""
    rng = np.random.default_rng(frames)
    lines = (rng.standard_normal((frames // 2 + 1, 2)) @ [1, 1j]).astype(np.complex64)
    out = np.empty(frames, np.float32)
    Fft(frames).inverse(lines, out)
    assert off(out, np.fft.irfft(lines.astype(np.complex128))) < CLOSE


def test_one_frame_alone_is_a_pure_turn():
    """A single frame at 1 has magnitude 1 on every line, and its place shows in the phase: no length is mixed up."""
    lines = np.empty(481, np.complex64)
    for place in (0, 1, 17, 959):
        sound = np.zeros(960, np.float32)
        sound[place] = 1
        Fft(960).forward(sound, lines)
        assert np.abs(lines - np.exp(-2j * np.pi * place * np.arange(481) / 960)).max() < CLOSE


@pytest.mark.parametrize("frames", [0, 3, 14, 961, 2_097_152])
def test_other_lengths_are_refused(frames):
    with pytest.raises(KernelError):
        Fft(frames)


@pytest.mark.parametrize("frames, points", [(2048, 2048), (512, 512), (2048, 4096), (700, 960), (701, 960)])
def test_magnitudes(frames, points):
    """Windowed, filled up with zeros, transformed, without phase: for windows that overlap, in one call."""
    rng = np.random.default_rng(3)
    window, sound = rng.random(frames).astype(np.float32), rng.standard_normal(frames + 480).astype(np.float32)
    found = np.empty((2, points // 2 + 1), np.float32)
    Spectrum(window, points).process(sound, found, 480)
    windows = np.stack([sound[:frames], sound[480:]]).astype(np.float64)
    assert off(found, np.abs(np.fft.rfft(windows * window, points))) < CLOSE


def test_bands_and_their_logarithms():
    """Bands of 1 to 40 lines, the last to the very end; levels over 200 dB: within 2e-6 of 3 - 2 log(sum + floor)."""
    rng = np.random.default_rng(4)
    bands = [(first, rng.random(count)) for first, count in [(0, 1), (1, 7), (5, 8), (30, 9), (100, 40), (473, 8), (480, 1)]]
    spectrum, found = Spectrum(np.ones(960), 960, bands, 1e-5, -2.0, 3.0), np.empty(len(bands), np.float32)
    for level in (0.0, 1e-7, 1e-3, 1.0, 1e3):
        sound = (level * rng.standard_normal(960)).astype(np.float32)
        magnitude = np.abs(np.fft.rfft(sound.astype(np.float64)))
        exact = [3 - 2 * np.log(magnitude[first : first + len(w)] @ w + 1e-5) for first, w in bands]
        spectrum.process(sound, found)
        assert np.abs(found - exact).max() < 2e-6


def test_a_spectrum_that_does_not_fit_is_refused():
    """A band past the last line, a window longer than the transform, too little sound, a hop back, other kinds of numbers."""
    window = np.ones(512, np.float32)
    for bad in (lambda: Spectrum(window, 512, [(250, np.ones(8))], 1e-5), lambda: Spectrum(window, 256),
                lambda: Spectrum(window, 512, [(0, np.ones(1))]), lambda: Spectrum(window, 514),
                lambda: Spectrum(window, 512).process(np.ones(520, np.float32), np.empty((2, 257), np.float32), 9),
                lambda: Spectrum(window, 512).process(np.ones(520, np.float32), np.empty((2, 257), np.float32), -1),
                lambda: Spectrum(window, 512).process(np.ones(512), np.empty(257, np.float32)),
                lambda: Spectrum(window, 512).process(np.ones(512, np.float32), np.empty(257, np.int32)),
                lambda: Spectrum(window, 512).process(np.ones(1024, np.float32)[::2], np.empty(257, np.float32))):  # fmt: skip
        with pytest.raises(KernelError):
            bad()
