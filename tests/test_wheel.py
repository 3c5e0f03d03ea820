"""The wheel is whole: built from the checkout, it works from a folder of its own, with kernels, presets and bundles inside."""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from antiphon.suite.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[1]
NEEDED = ("build", "setuptools", "cffi")

PROBE = """
import json, antiphon
from antiphon.kernels import Resampler, lib
from antiphon.params import REGISTRY
print(json.dumps({"file": antiphon.__file__, "patches": str(antiphon.patches()), "taps": Resampler(44100, 48000).taps}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}; run: pip install -e '.[dev]' and then pytest tests/test_wheel.py")
    # From a copy, so that the checkout's build folder and a build under way there stay as they are.
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=ROOT,
                            capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout; run in one: pytest tests/test_wheel.py")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if name.split("/")[0] in ("engine", "kernels", "patches", "bench", "pyproject.toml", "setup.py", "LICENSE", "README.md") \
                and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    compiler = {"CC": "cc", "LDSHARED": "cc -shared"}  # Python remembers another, which may not be here
    done = subprocess.run(command, capture_output=True, text=True, env=compiler | dict(os.environ))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return next(out.glob("*.whl"))


def test_wheel_holds_what_it_should_and_nothing_else(wheel):
    """Library, description, licence, everything under patches/ and the benchmarks; no generated C, no headers, no tests, no records."""
    names = zipfile.ZipFile(wheel).namelist()
    assert any(n.startswith("antiphon/_libkernels") and n.endswith(".so") for n in names)
    assert "antiphon/_kernels.py" in names
    assert any(n.endswith("LICENSE") for n in names)
    assert not [n for n in names if n.endswith((".c", ".h", ".o")) or n.startswith(("tests", "kernels", "bench"))]
    assert {f"antiphon/bench/{one.name}.py" for one in CATALOGUE} <= set(names) and not [n for n in names if n.endswith(".jsonl")]
    for folder in ("bundles", "presets"):
        expected = {f.relative_to(ROOT).as_posix() for f in (ROOT / "patches" / folder).rglob("*") if f.is_file()}
        assert expected <= {n.removeprefix("antiphon/") for n in names}


def test_wheel_works_outside_the_checkout(wheel, tmp_path):
    """Unpacked elsewhere it is that copy which runs, and it finds its own patches and benchmarks."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["file"]).is_relative_to(tmp_path)
    assert Path(found["patches"]).is_relative_to(tmp_path)
    assert found["taps"] > 100
    command = [sys.executable, "-m", "antiphon", "bench", "energy", "--quick", "--bundle", "echo", "--seconds", "0.2", "-o", "receipt.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "receipt.html").is_file() and '"bench": "energy"' in (tmp_path / "receipt.jsonl").read_text()
