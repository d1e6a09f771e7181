"""Reading a Git repository on disk, for import: its config, refs, packs and loose objects (gitrepository-layout(5))."""

from __future__ import annotations

import configparser
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packengine.manifests import OID_LENGTHS, ObjectFormat, known_object_format
from packengine.repository.errors import ImportRefused

_MAX_SYMREF_DEPTH = 5
_MAX_ALTERNATES = 16
_HEADER_BYTES = 32


@dataclass(frozen=True, slots=True)
class GitFolder:
    """A repository's folders: `git_dir` holds HEAD, `object_dirs` the objects (alternates counted)."""

    git_dir: Path
    common_dir: Path
    object_dirs: tuple[Path, ...]
    object_format: ObjectFormat

    def head(self) -> bytes | None:
        """The branch that HEAD names; None if HEAD is detached."""
        target = (self.git_dir / "HEAD").read_bytes().strip()
        return target.removeprefix(b"ref:").strip() if target.startswith(b"ref:") else None

    def refs(self) -> dict[bytes, bytes]:
        """Name to raw oid, packed and loose; a symbolic ref counts with the value it leads to."""
        values = self._packed_refs()
        root = self.common_dir / "refs"
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = b"refs/" + bytes(path.relative_to(root))
            if name.endswith(b".lock"):
                continue
            oid = self._resolve(path.read_bytes().strip(), values, 0)
            if oid is not None:
                values[name] = oid
        return values

    def pack_paths(self) -> list[Path]:
        """Every pack that has an idx."""
        return sorted(
            path.with_suffix(".pack")
            for objects in self.object_dirs
            for path in (objects / "pack").glob("pack-*.idx")
            if path.with_suffix(".pack").exists()
        )

    def loose_paths(self) -> list[Path]:
        """Every loose object's file."""
        digits = OID_LENGTHS[self.object_format] * 2 - 2
        return sorted(
            path
            for objects in self.object_dirs
            for path in objects.glob("[0-9a-f][0-9a-f]/*")
            if re.fullmatch(rf"[0-9a-f]{{{digits}}}", path.name)
        )

    def _packed_refs(self) -> dict[bytes, bytes]:
        path = self.common_dir / "packed-refs"
        if not path.exists():
            return {}
        lines = path.read_bytes().splitlines()
        values = {}
        for line in lines:
            if line and line[:1] not in (b"#", b"^"):
                oid, space, name = line.partition(b" ")
                if not space:
                    raise ImportRefused(f"{path}: the line {line[:80]!r} is no ref")
                values[name] = self._oid(oid)
        return values

    def _resolve(self, value: bytes, packed: dict[bytes, bytes], depth: int) -> bytes | None:
        if not value.startswith(b"ref:"):
            return self._oid(value)
        if depth == _MAX_SYMREF_DEPTH:
            return None
        target = value.removeprefix(b"ref:").strip()
        path = self.common_dir / Path(target.decode("utf-8", "surrogateescape"))
        if path.is_file():
            return self._resolve(path.read_bytes().strip(), packed, depth + 1)
        return packed.get(target)

    def _oid(self, digits: bytes) -> bytes:
        try:
            oid = bytes.fromhex(digits.decode("ascii"))
        except ValueError as error:
            raise ImportRefused(f"{self.git_dir}: a ref holds {digits[:80]!r}, which is no object id") from error
        if len(oid) != OID_LENGTHS[self.object_format]:
            raise ImportRefused(f"{self.git_dir}: a ref holds an id of {len(oid)} bytes")
        return oid


def open_git_folder(path: Path) -> GitFolder:
    """Find the repository at `path`, bare or with a work tree. Raises ImportRefused if none can be taken over whole."""
    git_dir = _find_git_dir(path)
    common_file = git_dir / "commondir"
    common_dir = (git_dir / common_file.read_text().strip()).resolve() if common_file.exists() else git_dir
    if (common_dir / "shallow").exists():
        raise ImportRefused(
            f"{path} is a shallow clone: its history is not all here; run `git fetch --unshallow` first"
        )
    object_format = _object_format(common_dir)
    return GitFolder(git_dir, common_dir, tuple(_object_dirs(common_dir / "objects")), object_format)


def read_loose(path: Path, max_bytes: int) -> tuple[str, bytes]:
    """A loose object's kind and content. Raises ImportRefused."""
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(path.read_bytes(), max_bytes + _HEADER_BYTES)
    except zlib.error as error:
        raise ImportRefused(f"loose object {path}: {error}") from error
    header, _, content = data.partition(b"\0")
    kind, _, size = header.decode("ascii", "replace").partition(" ")
    if size != str(len(content)):
        raise ImportRefused(f"loose object {path} is damaged, or larger than {max_bytes} bytes")
    return kind, content


def _find_git_dir(path: Path) -> Path:
    for candidate in (path, _follow(path / ".git")):
        if (candidate / "HEAD").is_file() and ((candidate / "objects").is_dir() or (candidate / "commondir").is_file()):
            return candidate
    raise ImportRefused(f"{path} is not a Git repository: it has no HEAD beside an objects folder, and no .git")


def _follow(dot_git: Path) -> Path:
    """What a `.git` file names, as submodules and linked work trees have one; a folder is what it is."""
    if not dot_git.is_file():
        return dot_git
    target = dot_git.read_text("utf-8", "surrogateescape").strip().removeprefix("gitdir:").strip()
    return (dot_git.parent / target).resolve()


def _object_format(common_dir: Path) -> ObjectFormat:
    config = _extensions(common_dir / "config")
    if config.get("refstorage", "files") != "files":
        raise ImportRefused(
            f"{common_dir} keeps its refs as {config['refstorage']}; run `git refs migrate --ref-format=files` first"
        )
    try:
        return known_object_format(config.get("objectformat", "sha1"))
    except ValueError as error:
        raise ImportRefused(f"{common_dir}: {error}") from error


def _extensions(path: Path) -> dict[str, str]:
    """The `[extensions]` section. Only that is read: the rest may have every twist of git-config(1)."""
    if not path.exists():
        return {}
    match = re.search(r"(?ims)^\s*\[extensions\]\s*$(.*?)(?=^\s*\[|\Z)", path.read_text("utf-8", "replace"))
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string("[extensions]\n" + (match.group(1).replace("\t", "") if match else ""))
    except configparser.Error as error:
        raise ImportRefused(f"{path}: {error}") from error
    return {key: (value or "").strip().lower() for key, value in parser["extensions"].items()}


def _object_dirs(first: Path) -> Iterator[Path]:
    seen: list[Path] = []
    queue = [first.resolve()]
    while queue:
        objects = queue.pop(0)
        if objects in seen:
            continue
        if len(seen) == _MAX_ALTERNATES:
            raise ImportRefused(f"{first}: more than {_MAX_ALTERNATES} alternates")
        if not objects.is_dir():
            raise ImportRefused(f"{first}: the alternate {objects} is not there")
        seen.append(objects)
        yield objects
        alternates = objects / "info" / "alternates"
        if alternates.exists():
            lines = alternates.read_text("utf-8", "surrogateescape").splitlines()
            queue += [(objects / line).resolve() for line in lines if line and not line.startswith("#")]
