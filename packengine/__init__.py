"""The Git engine as a library: protocol, refs, manifests and storage, without HTTP."""

from packengine import _native

_native.check()

__version__ = _native.VERSION
