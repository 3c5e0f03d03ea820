"""Build of the C kernels and of the wheel's data; everything else is in pyproject.toml.

The kernels become one plain shared library, opened by cffi in its ABI mode: unlike an extension module it needs no
Python.h, so a C compiler is enough and no python3-dev. The cffi description is generated from kernels/include.
"""

import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PATCHES = ("bundles", "presets", "clients", "generated")


class BuildWithPatches(build_py):
    """Copy patches/ and bench/ into the package, so that an installed wheel has its bundle, its presets and its benchmarks."""

    def run(self):
        super().run()
        if self.editable_mode:  # a checkout reads both where they lie
            return
        for name in PATCHES:
            source, target = ROOT / "patches" / name, Path(self.build_lib) / "antiphon" / "patches" / name
            shutil.rmtree(target, ignore_errors=True)
            if source.is_dir():
                shutil.copytree(source, target)
        target = Path(self.build_lib) / "antiphon" / "bench"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(ROOT / "bench", target, ignore=shutil.ignore_patterns("results", "*.md", "*.c", "__pycache__"))


setup(
    cffi_modules=["kernels/describe.py:ffibuilder"],
    ext_modules=[
        Extension(
            "antiphon._libkernels",
            sources=sorted(str(p.relative_to(ROOT)) for p in (ROOT / "kernels/src").glob("*.c")),
            depends=sorted(str(p.relative_to(ROOT)) for p in (ROOT / "kernels").glob("*/*.h")),
            include_dirs=["kernels/include"],
            extra_compile_args=(ROOT / "kernels/CFLAGS").read_text(encoding="utf-8").split(),
            libraries=["m"],
            py_limited_api=True,  # only names the file; the library knows nothing of Python
        )
    ],
    cmdclass={"build_py": BuildWithPatches},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
