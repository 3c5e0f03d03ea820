"""ap_ring, ap_mailbox, ap_command: what a reader and a writer may rely on."""

import subprocess
import sys
from multiprocessing import shared_memory

import numpy as np
import pytest

from antiphon.kernels import Command, CommandQueue, KernelError, Mailbox, Ring, ffi, lib


def ramp(first, count, channels=1):
    return (np.arange(first * channels, (first + count) * channels, dtype=np.float32)).reshape(count, channels)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_frames_come_out_as_they_went_in_across_many_wraps(channels):
    """Every frame once, in order, for blocks that do not divide the capacity."""
    ring, rng = Ring(channels, 64), np.random.default_rng(1)
    written = read = 0
    while read < 5000:
        n = int(rng.integers(0, 80))
        done = ring.write(ramp(written, n, channels))
        assert done == min(n, 64 - (written - read))
        written += done
        got = ring.read(int(rng.integers(0, 80)))
        assert np.array_equal(got, ramp(read, len(got), channels))
        read += len(got)
        assert (ring.written, ring.position, ring.readable) == (written, read, written - read)


def test_full_ring_takes_nothing_and_loses_nothing():
    """A writer with no room writes 0 frames; what was there is still there."""
    ring = Ring(1, 16)
    assert ring.write(ramp(0, 20)) == 16
    assert ring.write(ramp(99, 3)) == 0
    assert np.array_equal(ring.read(99), ramp(0, 16))


def test_peek_stays_and_skip_moves():
    ring = Ring(1, 16)
    ring.write(ramp(0, 10))
    assert np.array_equal(ring.peek(4), ramp(0, 4))
    assert ring.skip(3) == 3
    assert ring.skip(100) == 7
    assert ring.readable == 0


def test_rewind_reads_again_what_is_still_held():
    """Frames already read come back bit for bit, as far as capacity - guard behind the writer and no further."""
    ring = Ring(2, 64)
    for first in range(0, 200, 20):
        ring.write(ramp(first, 20, 2))
        ring.read(20)
    held = ring.capacity - ring.guard
    assert ring.rewind(1000) == held
    assert ring.position == 200 - held
    assert np.array_equal(ring.read(1000), ramp(200 - held, held, 2))
    assert ring.rewind(5) == 5
    assert np.array_equal(ring.read(5), ramp(195, 5, 2))


def test_rewound_frames_are_safe_from_the_writer():
    """After a rewind the writer has only the guard's room, so it cannot overwrite what is to be read again."""
    ring = Ring(1, 64)
    for first in range(0, 128, 32):
        ring.write(ramp(first, 32))
        ring.read(32)
    ring.rewind(64)
    assert ring.writable == ring.guard
    assert ring.write(ramp(128, 64)) == ring.guard
    assert np.array_equal(ring.read(64), ramp(128 - 48, 64))


def test_seek_finds_the_nearest_frame():
    ring = Ring(1, 64)
    ring.write(ramp(0, 30))
    assert ring.seek(10) == 10
    assert ring.seek(1000) == 30
    assert ring.seek(0) == 0


def test_writing_null_is_silence():
    ring = Ring(2, 16)
    ring.write(ramp(1, 4, 2))
    assert ring.write_silence(3) == 3
    assert np.array_equal(ring.read(7)[4:], np.zeros((3, 2)))


@pytest.mark.parametrize("channels, capacity", [(0, 64), (65, 64), (1, 60), (1, 8), (1, 0)])
def test_bad_rings_are_refused(channels, capacity):
    with pytest.raises(KernelError):
        Ring(channels, capacity)


def test_memory_that_is_not_a_ring_is_told_apart():
    """check() names the fault: magic, size, alignment."""
    ring = Ring(1, 64)
    size = ring._memory.size
    assert lib.ap_ring_check(ring.pointer, size) == lib.AP_OK
    assert lib.ap_ring_check(ring.pointer, size - 1) == lib.AP_ERR_SIZE
    assert lib.ap_ring_check(ffi.cast("ap_ring *", int(ffi.cast("uintptr_t", ring.pointer)) + 8), size) == lib.AP_ERR_ALIGN
    ring._memory[0] ^= 1
    assert lib.ap_ring_check(ring.pointer, size) == lib.AP_ERR_MAGIC


WRITER = """
import sys, numpy as np
from multiprocessing import shared_memory, resource_tracker
from antiphon.kernels import Ring, ffi
memory = shared_memory.SharedMemory(sys.argv[1])
resource_tracker.unregister(memory._name, "shared_memory")  # it is the test's to unlink
view = ffi.from_buffer(memory.buf)
ring, at, total = Ring(pointer=ffi.cast("ap_ring *", view)), 0, int(sys.argv[2])
while at < total:
    at += ring.write(np.arange(at, min(at + 1000, total), dtype=np.float32))
ffi.release(view)
"""


def test_ring_carries_frames_between_processes():
    """120,000 frames through a ring of 4,096 in shared memory, written by another process, every one checked."""
    total, size = 120_000, int(lib.ap_ring_sizeof(1, 4096))
    memory = shared_memory.SharedMemory(create=True, size=size)
    try:
        view = ffi.from_buffer(memory.buf)
        pointer = ffi.cast("ap_ring *", view)
        assert lib.ap_ring_init(pointer, size, 1, 4096) == lib.AP_OK
        ring, at = Ring(pointer=pointer), 0
        writer = subprocess.Popen([sys.executable, "-c", WRITER, memory.name, str(total)])
        while at < total:
            got = ring.read(4096)[:, 0]
            assert np.array_equal(got, np.arange(at, at + len(got), dtype=np.float32))
            at += len(got)
            assert len(got) or writer.poll() in (None, 0)
        assert writer.wait(30) == 0
        assert ring.readable == 0
        ffi.release(view)
    finally:
        memory.close()
        memory.unlink()


def test_mailbox_gives_the_newest_values_and_counts_publishes():
    box = Mailbox(3)
    assert np.array_equal(box.read(), [0, 0, 0])
    box.publish([1, 2, 3])
    box.set(1, -7.5)
    assert np.array_equal(box.read(), [1, -7.5, 3])
    assert box.version == 2
    with pytest.raises(KernelError, match="no value 3"):
        box.set(3, 0.0)
    for out in (np.zeros(2), np.zeros(3, np.float32), np.zeros(6)[::2]):
        with pytest.raises(KernelError, match="out is"):
            box.read(out)


def test_mailbox_survives_a_writer_killed_half_way():
    """Left odd by a dead writer it is unreadable, and whole again after the next publish."""
    box = Mailbox(2)
    box.publish([1, 2])
    sequence = box._memory[64:72].view(np.uint64)
    sequence[0] |= 1
    assert box.read() is None
    box.publish([3, 4])
    assert np.array_equal(box.read(), [3, 4])


def test_commands_queue_in_order_and_refuse_when_full():
    queue = CommandQueue(4)
    sent = [Command(i, i / 2, 10 * i, 100 * i) for i in range(5)]
    assert [queue.push(c) for c in sent] == [True] * 4 + [False]
    assert queue.waiting == 4
    assert [queue.pop() for _ in range(5)] == [*sent[:4], None]
