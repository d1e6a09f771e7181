# The extension module that `_build.py` compiles. Only `packengine.kernel` calls it.

class _Lib:
    def ph_rename_noreplace(self, source: bytes, target: bytes, /) -> int: ...
    def ph_start_writeback(self, fd: int, offset: int, length: int, /) -> int: ...

lib: _Lib
