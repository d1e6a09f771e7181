"""Changes of a commit, written shortly: `[write("README", "Hello\\n"), move("a", "b"), delete("c")]`."""

from __future__ import annotations

from base64 import b64encode

from packhouse_client.types.commits import DeleteChange, MoveChange, WriteChange


def write(path: str, content: str | bytes = "", *, mode: str | None = None) -> WriteChange:
    """A file with this content. mode: 100644, 100755 or 120000 (a link to `content`); None: as the file there has."""
    if isinstance(content, str):
        return WriteChange(path, content=content, mode=mode)
    return WriteChange(path, content_base64=b64encode(content).decode("ascii"), mode=mode)


def delete(path: str) -> DeleteChange:
    """No file or folder there; it need not have been there."""
    return DeleteChange(path)


def move(source: str, target: str) -> MoveChange:
    """What is at `source`, a file or a folder, at `target` instead."""
    return MoveChange(source, target)
