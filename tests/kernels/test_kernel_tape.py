"""The tape: what came in, the voice as it came from its ring, and what went out, frame beside frame, without a gap unless said."""

import numpy as np
import pytest
from kernel_rig import Rig

from antiphon.kernels import Block, Command, ffi, lib


def sounds(frames, channels=1, seed=1):
    return (np.random.default_rng(seed).uniform(-0.4, 0.4, (frames, channels))).astype(np.float32)


def begun(rig):
    """(clock, position) of the tape's first frame; None before."""
    clock, position = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    return (clock[0], position[0]) if lib.ap_segment_tape_begun(rig.segment, clock, position) else None


def test_nothing_is_taped_until_it_is_asked_for():
    """No take, no writing: the rings stay empty whatever is played."""
    rig = Rig()
    rig.play(512, sounds(512))
    assert begun(rig) is None
    assert all(ring.written == 0 for ring in rig.tape.values())


@pytest.mark.parametrize("blocksize", [1, 64, 100, 128])
def test_the_tape_holds_what_came_in_the_voice_and_what_went_out(blocksize):
    """Same frames in all three, from the block after it was opened; the voice before its filters and gains."""
    rig = Rig(in_channels=2, out_channels=2, fade_frames=1, lowpass_hz=300.0, voice_gain=0.5, delay=0)
    assert lib.ap_segment_voice_open(rig.segment, 0) == 0
    voice = sounds(1200, seed=2)
    rig.voice.write(voice)
    rig.play(100, sounds(100, 2))
    lib.ap_segment_tape_open(rig.segment)
    sound = sounds(1000, 2, seed=3)
    out = rig.play_all(1000, blocksize, sound)
    assert begun(rig) == (100, 0)
    assert np.array_equal(rig.tape["dry"].read(2000), sound)
    assert np.array_equal(rig.tape["voice"].read(2000), voice[100:1100])
    assert np.array_equal(rig.tape["mix"].read(2000), out)


def test_a_full_tape_is_broken_off_and_begins_anew():
    """What found no room is missing whole blocks at the end of an epoch, never in its midst; the next says where it begins."""
    rig = Rig(tape_frames=1024)
    lib.ap_segment_tape_open(rig.segment)
    for _ in range(12):
        rig.play(128, sounds(128))
    assert lib.ap_segment_tape_broken(rig.segment)
    assert [len(rig.tape[name].read(4096)) for name in ("dry", "voice", "mix")] == [1024] * 3
    rig.play(128, sounds(128))
    assert rig.tape["mix"].readable == 0  # broken off until it is opened again, though there is room
    lib.ap_segment_tape_close(rig.segment)
    lib.ap_segment_tape_open(rig.segment)
    assert not lib.ap_segment_tape_broken(rig.segment)
    rig.play(128, sounds(128))
    assert begun(rig) == (13 * 128, 1024)
    assert rig.tape["mix"].readable == 128


def test_what_was_broken_off_stays_so_for_the_next_block():
    """A device that was lost and comes back has a block of its own on the same segment: nothing follows on a gap unseen."""
    rig = Rig(tape_frames=1024)
    lib.ap_segment_tape_open(rig.segment)
    for _ in range(9):
        rig.play(128, sounds(128))
    rig.tape["mix"].skip(1024), rig.tape["dry"].skip(1024), rig.tape["voice"].skip(1024)
    rig.block = Block(rig.segment)
    rig.play(128, sounds(128))
    assert lib.ap_segment_tape_broken(rig.segment) and rig.tape["mix"].readable == 0
    lib.ap_segment_tape_close(rig.segment)
    lib.ap_segment_tape_open(rig.segment)
    rig.play(128, sounds(128))
    assert begun(rig) == (10 * 128, 1024) and rig.tape["mix"].readable == 128


def test_frames_that_found_no_room_in_the_microphones_ring_break_the_tape():
    """The clock stands still for them: a tape that went on would tell other frames than the clock."""
    rig = Rig(mic_frames=256, tape_frames=4096)
    lib.ap_segment_tape_open(rig.segment)
    for _ in range(3):
        rig.play(128, sounds(128))
    assert lib.ap_segment_tape_broken(rig.segment)
    assert rig.tape["mix"].readable == 256


def test_a_tape_that_is_closed_stops():
    """And what is on it stays to be read."""
    rig = Rig()
    lib.ap_segment_tape_open(rig.segment)
    rig.play(128, sounds(128))
    lib.ap_segment_tape_close(rig.segment)
    rig.play(128, sounds(128))
    assert rig.tape["mix"].readable == 128
    assert begun(rig) is None


def test_commands_go_on_beside_the_tape():
    """Taping changes nothing that is heard."""
    heard = []
    for taped in (False, True):
        rig = Rig(fade_frames=4)
        if taped:
            lib.ap_segment_tape_open(rig.segment)
        rig.commands.push(Command(lib.AP_TARGET_DRY, 0.25, 64, 100))
        heard.append(rig.play_all(1024, 128, sounds(1024)))
    assert np.array_equal(*heard)
