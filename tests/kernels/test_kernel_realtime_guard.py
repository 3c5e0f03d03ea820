"""What the audio callback can reach calls nothing that is not in kernels/ALLOWED_SYMBOLS; and the guard that says so works.

Per object file: the objects that define a function marked AP_RT, and every kernel object those refer to, may leave only
allowed symbols undefined. Inline assembly and instructions are not seen by it; there is none but the denormal flag.
"""

import re
import shutil
import subprocess

import pytest
from kernel_rig import CFLAGS, KERNELS, SOURCES, compile_c

from antiphon.kernels import lib

HEADERS = sorted((KERNELS / "include").glob("*.h"))


def marked(headers):
    """Names of all functions declared AP_RT."""
    text = "\n".join(re.sub(r"/\*.*?\*/", "", h.read_text(), flags=re.S) for h in headers)
    return set(re.findall(r"^AP_RT\b[^;(]*?\b(\w+)\(", text, flags=re.M))


def allowed():
    """Symbol, or object:symbol where it is one object's alone -> reason."""
    rows = [line.split(None, 1) for line in (KERNELS / "ALLOWED_SYMBOLS").read_text().splitlines()
            if line.strip() and not line.startswith("#")]
    assert all(len(row) == 2 for row in rows), "every symbol needs its reason"
    return dict(rows)


def symbols(obj):
    """(defined, undefined) names of an object file."""
    rows = subprocess.run(["nm", "-P", str(obj)], capture_output=True, text=True, check=True).stdout.splitlines()
    table = [row.split()[:2] for row in rows]
    return {n for n, kind in table if kind in "TDBRVWi"}, {n for n, kind in table if kind in "Uwv"}


def compiled(sources, folder):
    """{stem: (defined, undefined)} of each source, compiled as the build does."""
    if not shutil.which("nm"):
        pytest.skip("no nm; install binutils, then: nm -u on the objects of kernels/src")
    objects = {}
    for source in sources:
        done = compile_c(folder / f"{source.stem}.o", source, flags=[*CFLAGS, "-fPIC"], link=False)
        assert done.returncode == 0, done.stderr
        objects[source.stem] = symbols(folder / f"{source.stem}.o")
    return objects


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    return compiled(SOURCES, tmp_path_factory.mktemp("objects"))


def violations(objects, headers):
    """(object, symbol) for every symbol a real-time object must not call, and ('', name) for every mark without a function."""
    home = {name: stem for stem, (defined, _) in objects.items() for name in defined}
    names = marked(headers)
    found = [("", name) for name in sorted(names - home.keys())]
    reach, todo = set(), {home[name] for name in names & home.keys()}
    while todo:
        stem = todo.pop()
        reach.add(stem)
        todo |= {home[u] for u in objects[stem][1] if u in home} - reach
    fine = allowed()
    return found + sorted((s, u) for s in reach for u in objects[s][1] if u not in home and not {u, f"{s}:{u}"} & fine.keys())


def test_real_time_objects_call_only_what_is_allowed(objects):
    assert violations(objects, HEADERS) == []


def test_the_marks_cover_the_path_and_leave_set_up_out():
    """The callback's entry points and what they call are marked; design and layout are not."""
    names = marked(HEADERS)
    assert {"ap_portaudio", "ap_timed", "ap_block_process", "ap_ring_write", "ap_resample_process"} <= names
    assert not {"ap_resample_init", "ap_segment_init", "ap_status_text"} & names


PLANTED = {
    "malloc": ("#include <stdlib.h>", "free(malloc(n));"),
    "pthread_mutex_lock": ("#include <pthread.h>\nstatic pthread_mutex_t m;", "pthread_mutex_lock(&m); *(volatile int *)n = 1;"),
    "puts": ("#include <stdio.h>", 'puts("late"); (void)n;'),
    "clock_gettime": ("#define _POSIX_C_SOURCE 200809L\n#include <time.h>",
                      "clock_gettime(CLOCK_MONOTONIC, (struct timespec *)n);"),
}


@pytest.mark.parametrize("symbol", PLANTED)
def test_a_planted_call_is_found(objects, tmp_path, symbol):
    """A kernel that allocates, locks, logs or asks the time fails the guard, under its own name."""
    include, call = PLANTED[symbol]
    (tmp_path / "ap_planted.h").write_text('#include "ap_base.h"\nAP_RT void ap_planted_process(uintptr_t n);\n')
    source = tmp_path / "ap_planted.c"
    source.write_text(f"{include}\n#include \"{tmp_path}/ap_planted.h\"\nextern void *volatile keep;\nvoid *volatile keep;\n"
                      f"void ap_planted_process(uintptr_t n) {{ {call} }}\n".replace("free(malloc(n))", "keep = malloc(n)"))
    assert ("ap_planted", symbol) in violations(objects | compiled([source], tmp_path), [*HEADERS, tmp_path / "ap_planted.h"])


def test_only_what_times_a_callback_may_ask_the_time(objects):
    """The look at the clock is allowed to one object: taken out of the list, it is found there and nowhere else."""
    found = [(stem, name) for stem, (_, undefined) in objects.items() for name in undefined if name == "clock_gettime"]
    assert found == [("ap_timed", "clock_gettime")]
    assert "clock_gettime" not in allowed()


def test_a_planted_call_behind_another_kernel_is_found(objects, tmp_path):
    """The guard follows calls from object to object."""
    (tmp_path / "ap_front.h").write_text('#include "ap_base.h"\nAP_RT void *ap_front_process(void);\nvoid *ap_back_help(void);\n')
    front, back = tmp_path / "ap_front.c", tmp_path / "ap_back.c"
    front.write_text(f'#include "{tmp_path}/ap_front.h"\nvoid *ap_front_process(void) {{ return ap_back_help(); }}\n')
    back.write_text(f'#include <stdlib.h>\n#include "{tmp_path}/ap_front.h"\nvoid *ap_back_help(void) {{ return malloc(9); }}\n')
    found = violations(objects | compiled([front, back], tmp_path), [*HEADERS, tmp_path / "ap_front.h"])
    assert found == [("ap_back", "malloc")]


def test_a_mark_without_a_function_is_found(objects, tmp_path):
    (tmp_path / "ap_ghost.h").write_text("AP_RT void ap_ghost_process(void);\n")
    assert violations(objects, [*HEADERS, tmp_path / "ap_ghost.h"]) == [("", "ap_ghost_process")]


def test_cffi_sees_every_function_of_the_headers():
    """Headers and library agree: whatever a header declares can be looked up in the library that was built."""
    text = "\n".join(re.sub(r"/\*.*?\*/", "", h.read_text(), flags=re.S) for h in HEADERS)
    names = set(re.findall(r"\b(ap_\w+)\([^)]*\)\s*;", text))
    assert len(names) > 80
    assert [n for n in sorted(names) if not hasattr(lib, n)] == []
