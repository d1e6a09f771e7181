"""What pyproject.toml cannot say: the Cython codecs."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import setup

sources = sorted(map(str, Path("packengine").rglob("*.pyx")))
setup(ext_modules=cythonize(sources, compiler_directives={"language_level": 3}))
