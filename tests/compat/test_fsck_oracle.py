"""Our object checks find in bad objects what `git fsck --strict` finds, by the same ids."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from core_ext import check_object, hash_object
from tests.support import bad_objects
from tests.support.bad_objects import BadObject
from tests.support.git import git, git_result

if TYPE_CHECKING:
    from core_ext._core import Kind, Severity

SpecialFile = Literal[".gitmodules", ".gitattributes"]

OBJECTS = [*bad_objects.commits(), *bad_objects.tags(), *bad_objects.trees()]
SPECIAL: dict[SpecialFile, list[BadObject]] = {
    ".gitmodules": list(bad_objects.gitmodules()),
    ".gitattributes": list(bad_objects.gitattributes()),
}

RAISED = [
    *("badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingEmail", "missingNameBeforeEmail"),
    *("missingSpaceBeforeDate", "missingSpaceBeforeEmail", "nulInCommit", "zeroPaddedDate", "zeroPaddedFilemode"),
]
"""What a strict Git refuses and we only warn of. An error ends the checks of an object, so it changes what follows."""

GIT_SEVERITIES: dict[str, Severity] = dict.fromkeys(RAISED, "error")

_FINDING = re.compile(rb"^(?:error|warning) in \w+ ([0-9a-f]{40}): (\w+): ", re.MULTILINE)
_UNPARSED = re.compile(rb"^error: ([0-9a-f]{40}): object could not be parsed", re.MULTILINE)

Findings = dict[str, set[str]]


@pytest.fixture(scope="module")
def git_says(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The ids that Git finds, by object; `unparsed` for what it cannot even parse."""
    repository = tmp_path_factory.mktemp("bad") / "bad.git"
    git("init", "--quiet", "--bare", repository)
    _write(repository, "tree", b"")
    _write(repository, "blob", b"")
    for bad in OBJECTS:
        _write(repository, bad.kind, bad.content)
    for name, blobs in SPECIAL.items():
        for bad in blobs:
            _write(repository, "blob", bad.content)
            _write(repository, "tree", bad_objects.tree_with(name.encode(), _oid(bad)))
    done = git_result("fsck", "--strict", "--no-dangling", cwd=repository)
    return _findings(done.stdout + done.stderr)


@pytest.mark.parametrize("bad", OBJECTS, ids=lambda bad: f"{bad.kind} with {bad.what}")
def test_an_object_is_found_bad_for_git_s_reasons(bad: BadObject, git_says: Findings) -> None:
    ours = {message_id for _, message_id, _ in _check(bad)}
    theirs = git_says[_oid(bad).hex()]
    if "unparsed" in theirs:
        assert ours, "Git cannot parse it"
    else:
        # That a special file is missing or no blob shows in the whole repository only.
        assert ours == theirs - {"gitmodulesBlob", "gitmodulesMissing", "gitattributesBlob", "gitattributesMissing"}


@pytest.mark.parametrize(
    ("name", "bad"),
    [(name, bad) for name, blobs in SPECIAL.items() for bad in blobs],
    ids=lambda it: getattr(it, "what", it),
)
def test_a_special_file_is_found_bad_for_git_s_reasons(name: SpecialFile, bad: BadObject, git_says: Findings) -> None:
    assert {message_id for _, message_id, _ in _check(bad, name)} == git_says[_oid(bad).hex()]


def test_the_corpus_makes_git_say_nearly_all_it_can(git_says: Findings) -> None:
    assert len(set().union(*git_says.values())) >= 38, sorted(set().union(*git_says.values()))


@pytest.mark.parametrize(
    ("message_id", "bad"), list(bad_objects.unparsable_tags()), ids=lambda it: getattr(it, "what", it)
)
def test_a_tag_that_does_not_parse_has_mktag_s_reason(message_id: str, bad: BadObject, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path)
    said = git_result("mktag", "--strict", cwd=tmp_path, stdin=bad.content).stderr
    assert f" {message_id}: ".encode() in said
    assert _check(bad)[0][1] == message_id


@pytest.mark.parametrize(
    ("message_id", "bad"), list(bad_objects.unparsable_commits()), ids=lambda it: getattr(it, "what", it)
)
def test_a_commit_that_git_does_not_parse_is_refused(message_id: str, bad: BadObject, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path)
    assert git_result("hash-object", "-t", "commit", "--stdin", cwd=tmp_path, stdin=bad.content).returncode
    assert [found[:2] for found in _check(bad)] == [(_check(bad)[0][0], message_id)]


def _check(bad: BadObject, special_file: SpecialFile | None = None) -> list[tuple[Severity, str, str]]:
    return check_object(
        bad.kind, bad.content, object_format="sha1", severities=GIT_SEVERITIES, special_file=special_file
    )


def _oid(bad: BadObject) -> bytes:
    return hash_object(bad.kind, bad.content, object_format="sha1")


def _write(repository: Path, kind: Kind, content: bytes) -> None:
    """As a loose object, as it is: `git hash-object` looks at what it writes."""
    name = hash_object(kind, content, object_format="sha1").hex()
    path = repository / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(b"%b %d\0%b" % (kind.encode(), len(content), content)))


def _findings(said: bytes) -> Findings:
    findings: Findings = defaultdict(set)
    pairs: Iterable[tuple[bytes, bytes]] = _FINDING.findall(said)
    for oid, message_id in pairs:
        findings[oid.decode()].add(message_id.decode())
    for oid in _UNPARSED.findall(said):
        findings[oid.decode()].add("unparsed")
    return findings
