"""The kernels under ThreadSanitizer, AddressSanitizer and UBSan; and proof that ThreadSanitizer would find a broken ring."""

import re
import subprocess

import pytest
from kernel_rig import KERNELS, SOURCES, sanitized

DRIVERS = KERNELS.parent / "tests/kernels/drivers"
THREAD = ["-fsanitize=thread"]
ADDRESS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def run(program):
    done = subprocess.run([program], capture_output=True, text=True, timeout=120)
    # ThreadSanitizer may not like the kernel's address layout; setarch -R takes the randomness out.
    if "unexpected memory mapping" in done.stderr:
        done = subprocess.run(["setarch", "-R", program], capture_output=True, text=True, timeout=120)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip(f"ThreadSanitizer cannot run under this kernel's address layout; elsewhere: {program}")
    return done


@pytest.mark.parametrize("driver, kernels", [("ring_stress", ["ring"]), ("mailbox_stress", ["mailbox", "command"])])
def test_two_threads_race_on_nothing(tmp_path, driver, kernels):
    """No data race, no wrong frame, no torn snapshot, no lost command."""
    sanitized(tmp_path / driver, DRIVERS / f"{driver}.c", *(KERNELS / f"src/ap_{k}.c" for k in kernels), flags=THREAD)
    done = run(tmp_path / driver)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_ring_with_relaxed_order_is_caught(tmp_path):
    """The same ring with every order relaxed must be reported: else the test above proves nothing."""
    source = (KERNELS / "src/ap_ring.c").read_text()
    source = re.sub(r"memory_order_(acquire|release)", "memory_order_relaxed", source)
    source = re.sub(r"atomic_load\((.*?)\)", r"atomic_load_explicit(\1, memory_order_relaxed)", source)
    source = re.sub(r"atomic_store\((.*?), (\w+)\)", r"atomic_store_explicit(\1, \2, memory_order_relaxed)", source)
    assert "acquire)" not in source and "atomic_store(" not in source
    (tmp_path / "relaxed.c").write_text(source)
    sanitized(tmp_path / "relaxed", DRIVERS / "ring_stress.c", tmp_path / "relaxed.c", flags=THREAD)
    assert "data race" in run(tmp_path / "relaxed").stderr


def test_no_kernel_leaves_its_memory_or_the_standard(tmp_path):
    """Every kernel, awkward sizes and channel counts, NaN and Inf, memory of exactly sizeof bytes: no report."""
    sanitized(tmp_path / "every", DRIVERS / "every_kernel.c", *SOURCES, flags=[*ADDRESS, "-D_POSIX_C_SOURCE=200809L"])
    done = run(tmp_path / "every")
    assert done.returncode == 0, done.stdout + done.stderr
