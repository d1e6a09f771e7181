"""Pack sections of fetch answers, kept as files: shared by repositories, by forks, and by the processes of a node."""

from packengine.repository.answers.entry import CorruptEntry, EntryReader
from packengine.repository.answers.key import AnswerQuestion
from packengine.repository.answers.part import Part, PartElsewhere
from packengine.repository.answers.store import AnswerStore, AnswerStoreStats
from packengine.repository.answers.tags import TagDigests

__all__ = [
    "AnswerQuestion",
    "AnswerStore",
    "AnswerStoreStats",
    "CorruptEntry",
    "EntryReader",
    "Part",
    "PartElsewhere",
    "TagDigests",
]
