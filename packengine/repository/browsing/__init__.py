"""Reading a repository without a Git client: trees, files, history, differences, archives.

Everything here is read from one Snapshot, is bounded, and says in a BrowsingRefused what it cannot find.
"""

from packengine.repository.browsing.blobs import FoundBlob, blob_at, blob_by_id
from packengine.repository.browsing.changes import FileChange, Hunk, Line, LinesDiff
from packengine.repository.browsing.commits import CommitInfo, Person, read_commit
from packengine.repository.browsing.compare import Comparison, compare
from packengine.repository.browsing.diffs import DiffAsked, DiffPage, FileDiff, diff_page
from packengine.repository.browsing.log import LogAsked, LogPage, log_page
from packengine.repository.browsing.paths import path_bytes, path_text
from packengine.repository.browsing.revisions import UnbornHead, UnknownRevision, commit_named, tree_named
from packengine.repository.browsing.snapshot import Snapshot, open_snapshot
from packengine.repository.browsing.text import text_of
from packengine.repository.browsing.trees import TreeAsked, TreePage, is_folder, is_submodule, tree_page

__all__ = [
    "CommitInfo",
    "Comparison",
    "DiffAsked",
    "DiffPage",
    "FileChange",
    "FileDiff",
    "FoundBlob",
    "Hunk",
    "Line",
    "LinesDiff",
    "LogAsked",
    "LogPage",
    "Person",
    "Snapshot",
    "TreeAsked",
    "TreePage",
    "UnbornHead",
    "UnknownRevision",
    "blob_at",
    "blob_by_id",
    "commit_named",
    "compare",
    "diff_page",
    "is_folder",
    "is_submodule",
    "log_page",
    "open_snapshot",
    "path_bytes",
    "path_text",
    "read_commit",
    "text_of",
    "tree_named",
    "tree_page",
]
