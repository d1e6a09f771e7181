"""What pyproject.toml cannot say: the Cython codecs and the kernel calls."""

from glob import glob

from Cython.Build import cythonize
from setuptools import setup

setup(
    ext_modules=cythonize(glob("packengine/**/*.pyx", recursive=True), compiler_directives={"language_level": 3}),
    cffi_modules=["packengine/kernel/_build.py:ffi"],
)
