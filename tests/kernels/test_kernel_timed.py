"""ap_timed tells of every block and changes none; ap_portaudio_copy is the least an audio program can be."""

import time

import numpy as np
import pytest
from kernel_rig import Rig

from antiphon.kernels import KernelError, Ring, Timed, ffi, lib


def call(timed, sound, out, frames, flags=0, times=ffi.NULL):
    source = ffi.NULL if sound is None else ffi.from_buffer(sound)
    return timed.callback(source, ffi.NULL if out is None else ffi.from_buffer(out), frames, times, flags, timed.userdata)


def sounds(frames, channels=1):
    return np.random.default_rng(frames).uniform(-0.4, 0.4, (frames, channels)).astype(np.float32)


def test_a_timed_block_plays_what_the_block_plays():
    """Sound, flags and the device's times go through; each block leaves one record, the first without a spacing."""
    rig, twin = Rig(), Rig()
    log = Ring(lib.AP_TIMED_WORDS, 16)
    timed = Timed(lib.ap_portaudio, rig.block.pointer, log)
    times = ffi.new("ap_portaudio_times *", {"input_adc": 1.5, "current": 2.5, "output_dac": 3.5})
    for block in range(3):
        sound, out = sounds(64 + block), np.zeros((64 + block, 1), np.float32)
        assert call(timed, sound, out, 64 + block, 2, times) == 0
        assert np.array_equal(out[:, 0], twin.play(64 + block, sound))
    assert call(timed, None, None, 32) == 0
    c = rig.counters
    assert (c.blocks, c.frames, c.input_overflows, c.time_callback) == (4, 64 + 65 + 66 + 32, 3, 2.5)
    records = log.read(16)
    assert records.shape == (4, 2)
    assert records[0, 0] == 0.0 and (records[1:, 0] > 0.0).all() and (records[:, 1] > 0.0).all()


def test_the_wrapped_callback_is_given_its_own_and_its_answer_is_handed_on():
    """User data, frames and flags as they came; the result, which may end a stream, as it was given."""
    seen = []

    @ffi.callback("ap_callback")
    def inner(indata, outdata, frames, times, flags, userdata):
        seen.append((frames, flags, ffi.from_handle(userdata)))
        return 2

    handle = ffi.new_handle("mine")
    timed = Timed(inner, handle, Ring(lib.AP_TIMED_WORDS, 16))
    assert call(timed, None, None, 48, 5) == 2
    assert seen == [(48, 5, "mine")]


def test_what_it_took_and_what_came_between_are_told_apart():
    """A block lasts as long as it sleeps, at least; the spacing is from begin to begin, the wait between blocks in it."""

    @ffi.callback("ap_callback")
    def inner(indata, outdata, frames, times, flags, userdata):
        time.sleep(1e-4 * frames)
        return 0

    log = Ring(lib.AP_TIMED_WORDS, 16)
    timed = Timed(inner, ffi.NULL, log)
    call(timed, None, None, 100)
    time.sleep(0.02)
    call(timed, None, None, 200)
    (first, took), (spacing, longer) = log.read(2)
    assert first == 0.0 and took >= 10_000 and longer >= 20_000
    assert spacing >= 30_000


def test_a_full_log_costs_nobody_a_block():
    """What finds no room is dropped, and the next record is measured from the block that was."""
    log, rig = Ring(lib.AP_TIMED_WORDS, 16), Rig()
    timed = Timed(lib.ap_portaudio, rig.block.pointer, log)
    for _ in range(16):
        call(timed, None, None, 16)
    time.sleep(0.02)
    call(timed, None, None, 16)
    began_ns = timed.userdata.begun_ns
    assert rig.counters.blocks == 17 and len(log.read(32)) == 16
    call(timed, None, None, 16)
    since_us = 1e-3 * (timed.userdata.begun_ns - began_ns)
    assert log.read(1)[0, 0] == pytest.approx(since_us), "the block before was the one that left no record, after the sleep"


def test_a_log_of_another_width_is_refused():
    with pytest.raises(KernelError, match="a log of 1 channels, expected 2"):
        Timed(lib.ap_portaudio_empty, ffi.NULL, Ring(1, 16))


@pytest.mark.parametrize("ins, outs, sources", [(1, 1, [0]), (1, 2, [0, 0]), (2, 2, [0, 1]), (2, 1, [0]), (2, 4, [0, 1, 1, 1])])
def test_copy_puts_out_what_came_in_times_the_gain(ins, outs, sources):
    """Channel for channel, the last one again where there are fewer; the gain holds from the next block on, at once."""
    copy = ffi.new("ap_copy *", {"in_channels": ins, "counts": {"out_channels": outs}})
    for gain in (1.0, 0.25, -2.0, 0.0):
        lib.ap_copy_set_gain(copy, gain)
        assert lib.ap_copy_gain(copy) == gain
        sound, out = sounds(50, ins), np.full((50, outs), np.nan, np.float32)
        assert lib.ap_portaudio_copy(ffi.from_buffer(sound), ffi.from_buffer(out), 50, ffi.NULL, 4, copy) == 0
        assert np.array_equal(out, np.float32(gain) * sound[:, sources])
    assert (copy.counts.blocks, copy.counts.frames, list(copy.counts.flagged)) == (4, 200, [0, 0, 4, 0, 0])


def test_copy_without_an_input_is_silent():
    """And without an output it only counts."""
    copy = ffi.new("ap_copy *", {"in_channels": 1, "counts": {"out_channels": 2}})
    lib.ap_copy_set_gain(copy, 1.0)
    out = np.ones((8, 2), np.float32)
    assert lib.ap_portaudio_copy(ffi.NULL, ffi.from_buffer(out), 8, ffi.NULL, 0, copy) == 0
    assert lib.ap_portaudio_copy(ffi.NULL, ffi.NULL, 8, ffi.NULL, 0, copy) == 0
    assert not out.any() and copy.counts.frames == 16
