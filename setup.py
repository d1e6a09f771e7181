"""What pyproject.toml cannot say: the Cython codecs and the kernel calls."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import setup

sources = sorted(map(str, Path("packengine").rglob("*.pyx")))
setup(
    ext_modules=cythonize(sources, compiler_directives={"language_level": 3}),
    cffi_modules=["packengine/kernel/_build.py:ffi"],
)
