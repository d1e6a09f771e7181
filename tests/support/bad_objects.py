"""Objects that something is wrong with: one of each kind of damage that git-fsck(1) has a name for, and near misses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core_ext._core import Kind

EMPTY_TREE = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_NULL = bytes(20)
_EMPTY_BLOB = bytes.fromhex("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
_SUBMODULE = bytes.fromhex("1" * 40)
_PERSON = b"A <a@b> 1700000000 +0100"


@dataclass(frozen=True)
class BadObject:
    """An object, and what is the matter with it."""

    what: str
    kind: Kind
    content: bytes


def commits() -> Iterator[BadObject]:
    for what, content in _commits().items():
        yield BadObject(what, "commit", content)
    for what, person in _persons().items():
        yield BadObject(f"author: {what}", "commit", _commit(author=person))
        yield BadObject(f"committer: {what}", "commit", _commit(committer=person))


def tags() -> Iterator[BadObject]:
    for what, content in _tags().items():
        yield BadObject(what, "tag", content)
    for name in _BAD_TAG_NAMES + _GOOD_TAG_NAMES:
        yield BadObject(f"name {name!r}", "tag", _tag(name=name))
    for what, person in _persons().items():
        yield BadObject(f"tagger: {what}", "tag", _tag(tagger=person))


def unparsable_tags() -> Iterator[tuple[str, BadObject]]:
    """Tags that Git's parser refuses before any check, and the id that the check has for them."""
    good = _tag()
    for message_id, what, content in (
        ("missingObject", "no object", b"type tree\n\n"),
        ("badObjectSha1", "a short object", good.replace(EMPTY_TREE, EMPTY_TREE[1:])),
        ("badObjectSha1", "a long object", good.replace(EMPTY_TREE, EMPTY_TREE + b"0")),
        ("badObjectSha1", "no digits", good.replace(EMPTY_TREE, b"x" * 40)),
        ("missingTypeEntry", "no type", good.replace(b"type tree\n", b"")),
        ("badType", "an unknown type", _tag(kind=b"forest")),
        ("badType", "an empty type", _tag(kind=b"")),
        ("missingTagEntry", "no name", good.replace(b"tag v1\n", b"")),
        ("nulInHeader", "NUL for an object", good.replace(EMPTY_TREE, b"\0" * 40)),
    ):
        yield message_id, BadObject(what, "tag", content)


def unparsable_commits() -> Iterator[tuple[str, BadObject]]:
    """As `unparsable_tags`."""
    good = _commit()
    parent = b"parent " + EMPTY_TREE
    for message_id, what, content in (
        ("missingTree", "no tree", good.partition(b"\n")[2]),
        ("missingTree", "tree after author", b"author %b\ntree %b\n\n" % (_PERSON, EMPTY_TREE)),
        ("badTreeSha1", "a short tree", good.replace(EMPTY_TREE, EMPTY_TREE[1:])),
        ("badTreeSha1", "a long tree", good.replace(EMPTY_TREE, EMPTY_TREE + b" ")),
        ("badParentSha1", "a short parent", good.replace(b"\nauthor", b"\n" + parent[:-1] + b"\nauthor")),
        ("badParentSha1", "a bad second parent", good.replace(b"\nauthor", b"\n%b\n%bx\nauthor" % (parent, parent))),
        ("unterminatedHeader", "nothing", b""),
        ("nulInHeader", "NUL for a tree", b"tree \0\n\n"),
    ):
        yield message_id, BadObject(what, "commit", content)


def trees() -> Iterator[BadObject]:
    for what, content in _trees().items():
        yield BadObject(what, "tree", content)
    for name in _NAMES:
        yield BadObject(f"entry {name!r}", "tree", _entry(b"100644", name))
        yield BadObject(f"symlink {name!r}", "tree", _entry(b"120000", name))


def gitmodules() -> Iterator[BadObject]:
    for url in _URLS:
        yield BadObject(f"url {url!r}", "blob", b'[submodule "a"]\n\turl = "%b"\n\tpath = a\n' % url)
    for name in _SUBMODULE_NAMES:
        yield BadObject(f"name {name!r}", "blob", b'[submodule "%b"]\n\tpath = a\n' % name)
    for text in _GITMODULES:
        yield BadObject(f"text {text!r}", "blob", text)


def gitattributes() -> Iterator[BadObject]:
    for line_bytes in (2047, 2048):
        yield BadObject(f"a line of {line_bytes} bytes", "blob", b"* text\n" + b"x" * line_bytes + b"\n")
        yield BadObject(f"a last line of {line_bytes} bytes", "blob", b"# %d\n" % line_bytes + b"x" * line_bytes)
    yield BadObject("a long line behind NUL", "blob", b"* text\n\0" + b"x" * 3000)


def tree_with(name: bytes, blob: bytes) -> bytes:
    """A tree of one file."""
    return _entry(b"100644", name, blob)


def _commit(author: bytes = _PERSON, committer: bytes = _PERSON, rest: bytes = b"\nmessage\n") -> bytes:
    return b"tree %b\nauthor %b\ncommitter %b\n%b" % (EMPTY_TREE, author, committer, rest)


def _persons() -> dict[str, bytes]:
    return {
        "good": _PERSON,
        "no name": b"<a@b> 1 +0000",
        "empty name": b" <a@b> 1 +0000",
        "no email": b"A 1 +0000",
        "only a name": b"A",
        "nothing": b"",
        "'>' in name": b"A> <a@b> 1 +0000",
        "no space before email": b"A<a@b> 1 +0000",
        "'<' in email": b"A <a<b> 1 +0000",
        "email does not end": b"A <a@b 1 +0000",
        "no space before date": b"A <a@b>1 +0000",
        "no date": b"A <a@b> +0000",
        "blanks before date": b"A <a@b>  \t1 +0000",
        "only blanks for a date": b"A <a@b>   ",
        "date is no number": b"A <a@b> 1x +0000",
        "zero": b"A <a@b> 0 +0000",
        "zero-padded date": b"A <a@b> 01 +0000",
        "greatest date": b"A <a@b> 9223372036854775807 +0000",
        "overflowing date": b"A <a@b> 9223372036854775808 +0000",
        "date of 30 digits": b"A <a@b> 123456789012345678901234567890 +0000",
        "no zone": b"A <a@b> 1",
        "zone without sign": b"A <a@b> 1 0000",
        "short zone": b"A <a@b> 1 +000",
        "long zone": b"A <a@b> 1 +00000",
        "zone with a letter": b"A <a@b> 1 +00a0",
        "text after zone": b"A <a@b> 1 +0000 x",
    }


def _commits() -> dict[str, bytes]:
    good = _commit()
    author = b"author " + _PERSON + b"\n"
    return {
        "good": good,
        "no message": _commit(rest=b""),
        "headers after committer": _commit(rest=b"encoding latin-1\nx-odd\n\nmessage\n"),
        "NUL in message": _commit(rest=b"\nme\0ssage\n"),
        "NUL in header": _commit(rest=b"x \0\n\nmessage\n"),
        "header does not end": _commit(rest=b"x-odd y"),
        "two authors": good.replace(author, author * 2),
        "no author": good.replace(author, b""),
        "no committer": good.replace(b"committer ", b"commiter "),
        "committer first": b"tree %b\ncommitter %b\n%b\nmessage\n" % (EMPTY_TREE, _PERSON, author),
        "parent after author": good.replace(author, author + b"parent " + EMPTY_TREE + b"\n"),
    }


def _tag(
    target: bytes = EMPTY_TREE, kind: bytes = b"tree", name: bytes = b"v1", tagger: bytes | None = _PERSON
) -> bytes:
    last = b"" if tagger is None else b"tagger " + tagger + b"\n"
    return b"object %b\ntype %b\ntag %b\n%b\nmessage\n" % (target, kind, name, last)


def _tags() -> dict[str, bytes]:
    good = _tag()
    return {
        "good": good,
        "no message": good.removesuffix(b"\nmessage\n"),
        "no tagger": _tag(tagger=None),
        "header does not end": good.removesuffix(b"\n\nmessage\n"),
        "NUL in header": good.replace(b"tag v1", b"tag v\0"),
        "NUL in message": good + b"\0",
        "more headers": good.replace(b"\n\nmessage", b"\nx-odd y\n\nmessage"),
    }


_BAD_TAG_NAMES = [
    b"a..b",
    b".a",
    b"a.",
    b"a.lock",
    b"a/.b",
    b"a//b",
    b"a b",
    b"a~",
    b"a^",
    b"a:",
    b"a?",
    b"a*",
    b"a[",
    b"a\\",
]
_BAD_TAG_NAMES += [b"a@{b", b"a\x7f", b"a\x01", b"/a", b"a/", b"", b"a.lock/b"]
_GOOD_TAG_NAMES = [b"@", b"a@b", b"a{", b"-a", b"a.b", b"\xff", b"a.lockb", b"a/b"]


def _entry(mode: bytes, name: bytes, oid: bytes = _EMPTY_BLOB) -> bytes:
    return mode + b" " + name + b"\0" + oid


def _files(*names: bytes) -> bytes:
    """Entries of these names; one that ends with a slash is a directory."""
    return b"".join(
        _entry(b"40000", name.removesuffix(b"/"), bytes.fromhex(EMPTY_TREE.decode()))
        if name.endswith(b"/")
        else _entry(b"100644", name)
        for name in names
    )


def _trees() -> dict[str, bytes]:
    return {
        "empty": b"",
        "null object": _entry(b"100644", b"a", _NULL),
        "zero-padded mode": _entry(b"0100644", b"a"),
        "mode of a group": _entry(b"100664", b"a"),
        "mode of nothing": _entry(b"0", b"a"),
        "mode with a strange type": _entry(b"140755", b"a"),
        "sorted": _files(b"a", b"a.b/", b"a/", b"a0", b"b"),
        "not sorted": _files(b"b", b"a"),
        "directory sorted as a file": _files(b"a/", b"a.b"),
        "file sorted as a directory": _files(b"a.b", b"a"),
        "two of a name": _files(b"a", b"a"),
        "file and directory": _files(b"a", b"a/"),
        "file and directory, others between": _files(b"a", b"a.b", b"a.c", b"a/"),
        "nested duplicates": _files(b"foo", b"foo.bar", b"foo.bar.baz", b"foo.bar/", b"foo/"),
        "three of a name, not sorted": _files(b"b", b"a", b"a"),
        "object cut short": _files(b"a")[:-1],
        "second entry cut short": _files(b"a", b"b")[:-1],
        "damage after a bad entry": _entry(b"0100664", b".git") + _entry(b"10x644", b"b"),
        "damage after two bad entries": _entry(b"0100664", b".git") + _entry(b"0100664", b"..") + _entry(b"", b"b"),
        "too short an end after a bad entry": _entry(b"0100664", b".git") + b"100644",
        "no mode": b" a\0" + _EMPTY_BLOB,
        "mode is no number": b"10x644 a\0" + _EMPTY_BLOB,
        "empty name": b"100644 \0" + _EMPTY_BLOB,
        "no NUL": b"100644 " + b"a" * 40,
        "submodule": _entry(b"160000", b"a", _SUBMODULE),
    }


_NAMES = [
    *(b".", b"..", b"...", b"a/b", b"/", b"a\\b", b"a\\.git", b"a\\git~1\\b", b"a\\.gitmodules", b"\\", b".git\\a"),
    *(
        b".git",
        b".GIT",
        b".Git.",
        b".git ",
        b".git . .",
        b".git:",
        b".git::$INDEX_ALLOCATION",
        b".gitx",
        b"git",
        b".git0",
    ),
    *(b"git~1", b"GIT~1", b"git~1.", b"git~2", b"git~10", b"g\xe2\x80\x8cit", b".g\xe2\x80\x8cit", b"\xef\xbb\xbf.git"),
    *(b".git\xe2\x80\x8f", b".git\xff", b".gi\xff", b".git\xe2\x81\xaf", b".git\xe2\x81\xa9", b".git\xc3\xa9"),
    *(b".gitmodules", b".GitModules", b".gitmodules.", b".gitmodules ", b".gitmodules:x", b"gitmod~1", b"gitmod~4"),
    *(
        b"gitmod~5",
        b"GI7EBA~1",
        b"gi7eba~9",
        b"gi7eba~0",
        b"gi7eb~10",
        b"gi7eb~01",
        b"gi7e~123",
        b"gi7e~1234",
        b"~1000000",
    ),
    *(b"~9999999", b"gi7eba~1.", b"gi7eba~1x", b".gitmodules2", b"gitmodules", b".git\xe2\x80\x8dmodules"),
    *(b".gitattributes", b".GITATTRIBUTES", b"gitatt~1", b"gi7d29~1", b".gitattributes.x", b".gitignore", b"gitign~1"),
    *(b"gi250a~1", b".mailmap", b".mailmap ", b"mailma~1", b"maba30~1", b"mailmap"),
]

_URLS = [
    *(
        b"https://one.example.com/a.git",
        b"-u./payload",
        b"./-a",
        b"../a",
        b"./%0ahost=two",
        b"../../:8080/a",
        b".././/a",
    ),
    *(b"..\\\\/a", b"git://one/a", b"git://one/a%0ab", b"http::one.example.com/a", b"https:///one.example.com/a"),
    *(
        b"https://one.example.com/a%0ab",
        b"https://one%0a.example.com/",
        b"ssh://one.example.com/-a",
        b"one:a",
        b"/a",
        b"",
    ),
    *(b"https://user:secret@one.example.com:8080/a", b"https://one.example.com\\nhost=two/", b"http::https://one/a"),
]

_SUBMODULE_NAMES = [
    b"a",
    b"a/b",
    b"..",
    b"../a",
    b"a/..",
    b"a/../b",
    b"a\\\\..\\\\b",
    b"...",
    b"a..",
    b"..a",
    b"",
    b"-a",
]

_GITMODULES = [
    b'[submodule "a"]\n\tpath = -a\n',
    b'[submodule "a"]\n\tpath = a-\n',
    b'[submodule "a"]\n\tupdate = !command\n',
    b'[submodule "a"]\n\tupdate = checkout\n',
    b'[submodule "a"]\n\tURL = "-a"\n\tpath\n',
    b'[submodule "../a"]\n\turl = -a\n\tpath = -a\n\tupdate = !a\n',
    b'[SubModule "a.b"]\n\turl = -a\n',
    b"[submodule.a]\n\turl = -a\n",
    b"[submodule]\n\turl = -a\n",
    b'[other "../a"]\n\turl = -a\n',
    b'[submodule "a"\n\turl = a\n',
    b'[submodule "a"]\n\turl = "a\n',
    b'[submodule "a"]\n\turl = -a\n[broken\n',
    b'[submodule "a"] url = -a ; comment\n',
    b'[submodule "a"]\r\n\turl = -a\r\n',
    b'\xef\xbb[submodule "a"]\n\turl = -a\n',
    b"no configuration at all",
    b"# only a comment",
    b"",
]
