"""Kernel calls that Python lacks and the storage layer needs. Linux only."""

from packengine.kernel._files import move_new, start_writeback

__all__ = ["move_new", "start_writeback"]
