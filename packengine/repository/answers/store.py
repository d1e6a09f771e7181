"""Answers as files under `derived/answers/<boot>/`, shared by all threads and processes of a node.

Nothing is synced. An entry gets its name when its bytes are complete, and within one boot of the machine whoever sees
the name sees the bytes; after the next boot the folder has another name, and the old one is removed. So a power loss
leaves nothing that looks good and is not, and what a disk damages later, the checksums show.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from packengine.repository.answers.entry import CorruptEntry, EntryReader
from packengine.repository.answers.eviction import Evictor
from packengine.repository.answers.part import Part, PartElsewhere, claim_part
from packengine.storage import sweep

MIN_BUILD_US = 1000
"""What is built faster is not kept: finding it again would save little, and a file costs 0.1 ms and an inode."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_CLAIM_ATTEMPTS = 100
_log = logging.getLogger(__name__)


class SupportsFileno(Protocol):
    """An open file, or what holds one."""

    def fileno(self) -> int:
        """Its descriptor."""


@dataclass(frozen=True, slots=True)
class AnswerStoreStats:
    """What one process did since it started."""

    stored: int
    stored_bytes: int
    evicted: int
    corrupt: int


class AnswerStore:
    """The entries of one data folder. Everything in it may be deleted at any time."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._all_boots = folder
        self._folder = folder / _BOOT_ID.read_text(encoding="ascii").strip()
        self._folder_name = str(self._folder)
        self._parts = self._folder / "parts"
        self._evictor = Evictor(self._folder, max_bytes)
        self.max_entry_bytes = max_bytes // 2
        """A larger answer is not kept: it would push out everything else."""

        self._stored = self._stored_bytes = self._corrupt = 0

    @classmethod
    def open_folder(cls, folder: Path, max_bytes: int) -> AnswerStore | None:
        """None if nothing may be kept, or if the machine does not tell one boot from the next."""
        if not max_bytes:
            return None
        try:
            return cls(folder, max_bytes)
        except OSError as error:
            _log.warning("no answers are kept", extra={"fields": {"reason": str(error)}})
            return None

    def sweep(self) -> None:
        """Remove what earlier boots left, and what killed builders of this one did. Safe at any time."""
        if self._all_boots.is_dir():
            for folder in self._all_boots.iterdir():
                if folder != self._folder:
                    shutil.rmtree(folder, ignore_errors=True)
        if self._parts.is_dir():
            sweep(self._parts)

    def open(self, key: bytes) -> EntryReader | None:
        """A reader of the entry, if it is there. One that is damaged where that shows at once is dropped."""
        try:
            file = open(self._place(key), "rb", buffering=0)  # noqa: PTH123, SIM115  # a Path takes longer to be made
        except FileNotFoundError:
            return None
        try:
            reader = EntryReader(file, key, is_complete=True)
            self._evictor.use(file.fileno(), build_us=reader.build_us, is_new=False)
        except CorruptEntry as error:
            self.drop(key, file, error)
            file.close()
            return None
        except OSError:
            file.close()
            raise
        return reader

    def claim(self, key: bytes) -> EntryReader | Part | PartElsewhere:
        """The entry; or the right and duty to build it; or the part of another process that does.

        Raises OSError where the disk has no room for another file.
        """
        for _ in range(_CLAIM_ATTEMPTS):
            self._parts.mkdir(parents=True, exist_ok=True)
            try:
                claimed = claim_part(key, self._parts / f"{key.hex()}.part")
            except FileNotFoundError:  # somebody removed the folder
                continue
            entry = self.open(key)  # after the claim: the builder before us may have finished between
            if entry is not None:
                if isinstance(claimed, Part):
                    claimed.abandon()
                if claimed is not None:
                    claimed.close()
                return entry
            if claimed is not None:
                return claimed
        raise OSError(f"answer {key.hex()}: changed hands {_CLAIM_ATTEMPTS} times while it was claimed")

    def is_worth_it(self, build_us: int) -> bool:
        """Whether what took so long to build would be kept."""
        return build_us >= MIN_BUILD_US

    def publish(self, key: bytes, part: Part, build_us: int) -> None:
        """Keep a finished part as an entry, if it is worth it. Raises OSError if it cannot be."""
        if not self.is_worth_it(build_us):
            return
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        self._evictor.use(part.fileno(), build_us=build_us, is_new=True)  # first: from then on it may be evicted
        try:
            part.link(path)
        except FileExistsError:
            return
        self._stored += 1
        self._stored_bytes += os.fstat(part.fileno()).st_size

    def make_room(self, added_bytes: int) -> None:
        """Evict what there is no room for, after `publish`. Whoever has it open reads on."""
        self._evictor.make_room(added_bytes)

    def drop(self, key: bytes, file: SupportsFileno, error: CorruptEntry) -> None:
        """Remove a damaged entry, unless it was replaced already."""
        path = self._path(key)
        try:
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                path.unlink()
        except FileNotFoundError:
            return
        self._corrupt += 1
        _log.warning("dropped a damaged answer", extra={"fields": {"reason": str(error)}})

    def clear(self) -> None:
        """Remove every entry, and see to it that nothing is kept of what is being built now.

        For a purge: call it once no process has a state open any more that shows what is to go. Running answers end as
        they began; what they read has no name any more.
        """
        # Parts first: one that lost its name can never become an entry, and one that just did is found afterwards.
        for path in [*self._parts.glob("*"), *self._folder.glob("??/*")]:
            path.unlink(missing_ok=True)

    def stats(self) -> AnswerStoreStats:
        """Counters of this process."""
        return AnswerStoreStats(self._stored, self._stored_bytes, self._evictor.count, self._corrupt)

    def _place(self, key: bytes) -> str:
        name = key.hex()
        return f"{self._folder_name}/{name[:2]}/{name[2:]}"

    def _path(self, key: bytes) -> Path:
        return Path(self._place(key))
