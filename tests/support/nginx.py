"""nginx as a cache before a server, set up as docs/operation.md says."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "operation.md"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def cache_before(url: str, port: int, folder: Path) -> Iterator[Path]:
    """Serve what is at `url` through the documented cache. Yields its log: `path status HIT|MISS|-`, line by line."""
    folder.mkdir()
    (folder / "nginx.conf").write_text(_configuration(url, port, folder), encoding="utf-8")
    # It goes into the background, and so returns, when its socket listens.
    subprocess.run(["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"], check=True)
    try:
        yield folder / "cache.log"
    finally:
        _stop(int((folder / "pid").read_text(encoding="ascii")))


def _stop(pid: int) -> None:
    process = os.pidfd_open(pid)
    signal.pidfd_send_signal(process, signal.SIGTERM)
    select.select([process], [], [])  # readable once it has ended
    os.close(process)


def _configuration(url: str, port: int, folder: Path) -> str:
    temporary = " ".join(f"{name}_temp_path {folder / name};" for name in _TEMPORARY)
    cache, location = _documented()
    location = location.replace("http://127.0.0.1:8787", url)
    cache = cache.replace("/var/cache/git", str(folder / "cache"))
    return f"""
        master_process off; pid {folder / "pid"}; events {{}}
        http {{
            {temporary}
            log_format outcome '$request_uri $status $upstream_cache_status';
            access_log {folder / "cache.log"} outcome;
            {cache}
            server {{
                listen 127.0.0.1:{port};
                {location}
                location / {{ proxy_pass {url}; client_max_body_size 0; }}
            }}
        }}
    """


def _documented() -> tuple[str, str]:
    """The line for `http` and the block for `server` that the page gives to operators."""
    page = _PAGE.read_text(encoding="utf-8")
    cache = re.search(r"^    (proxy_cache_path .*)$", page, re.MULTILINE)
    location = re.search(r"^    (location ~ .*?\n    \})$", page, re.MULTILINE | re.DOTALL)
    assert cache, _PAGE
    assert location, _PAGE
    return cache[1], location[1]
