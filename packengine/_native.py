"""A check at import that the compiled modules are there, and of this version.

Native code that does not fit its Python fails late and in odd ways; so it fails here, saying what to run.
"""

from __future__ import annotations

import importlib

VERSION = "0.1.0"

_MODULES = ("packengine.pktline", "packengine.sideband", "packengine.refs.leaf", "packengine.kernel._linux", "core_ext")
_REMEDY = "run `make dev` in the source tree, or `pip install ./core_ext .`"


def check() -> None:
    """Raises ImportError, with what to run, if a compiled module is missing, broken or of another version."""
    for name in _MODULES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(f"{name}: {error}; {_REMEDY}", name=name) from error
    core_version: str = importlib.import_module("core_ext").__version__
    if core_version != VERSION:
        raise ImportError(f"core_ext is {core_version}, packengine {VERSION}; {_REMEDY}", name="core_ext")
