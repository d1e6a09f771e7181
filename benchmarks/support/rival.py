"""The rival: stock `git http-backend` behind nginx and fcgiwrap, set up as well as it can be.

Both get their listening sockets from us: no port is guessed, and a client may connect before they are up.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.git import GIT_ENV, git

DEBIAN_PACKAGES = ("nginx-light", "fcgiwrap")
_BACKLOG = 511
_STOP_TIMEOUT_S = 10

_NGINX_CONFIG = """
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            fastcgi_pass unix:{folder}/fcgi.sock;
            fastcgi_param SCRIPT_FILENAME {backend};
            fastcgi_param GIT_PROJECT_ROOT {root};
            fastcgi_param GIT_HTTP_EXPORT_ALL "";
            fastcgi_param PATH_INFO $uri;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param REMOTE_USER rival;
            fastcgi_param REMOTE_ADDR $remote_addr;
            # Measured on a 20 MB clone: faster than unbuffered, and steadier than with nginx's small default buffers.
            fastcgi_buffers 64 64k;
            fastcgi_request_buffering off;
            fastcgi_read_timeout 600s;
        }}
    }}
}}
"""


class RivalMissing(Exception):
    """A program that the rival consists of is not installed."""


class HttpBackend:
    """Serves a folder of bare repositories, pushes allowed, while the `with` block runs.

    children: how many requests fcgiwrap serves at once.
    """

    def __init__(self, root: Path, *, children: int = 4) -> None:
        self.url = ""
        self._root = root.resolve()
        self._children = children
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        nginx, fcgiwrap, backend = _program("nginx"), _program("fcgiwrap"), _http_backend()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rival-")))
            log = stack.enter_context((folder / "fcgiwrap.log").open("wb"))
            self._start_fcgiwrap(stack, fcgiwrap, folder, log.fileno())
            self._start_nginx(stack, nginx, backend, folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start_fcgiwrap(self, stack: ExitStack, program: str, folder: Path, log: int) -> None:
        """fcgiwrap listens on its standard input."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "fcgi.sock"))
            listener.listen(_BACKLOG)
            command = [program, "-f", "-c", str(self._children)]
            process = subprocess.Popen(
                command, stdin=listener.fileno(), stdout=log, stderr=log, env=_backend_env(), start_new_session=True
            )
        stack.callback(_stop, process)

    def _start_nginx(self, stack: ExitStack, program: str, backend: str, folder: Path) -> None:
        """nginx finds a listening socket under the number that NGINX names, as after an upgrade of its binary."""
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
            port = listener.getsockname()[1]
            user = "user root;" if os.geteuid() == 0 else ""
            config = _NGINX_CONFIG.format(user=user, folder=folder, port=port, backend=backend, root=self._root)
            (folder / "nginx.conf").write_text(config)
            process = subprocess.Popen(
                [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")],
                env={"NGINX": f"{listener.fileno()};", "PATH": os.environ["PATH"]},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        stack.callback(_stop, process)
        self.url = f"http://127.0.0.1:{port}"


def prepare(
    repository: Path, *, bitmaps: bool = True, commit_graph: bool = True, multi_pack_index: bool = False
) -> None:
    """Give a bare repository what makes Git answer fast. It is packed anew if bitmaps are wanted."""
    if bitmaps:
        git("-c", "pack.threads=2", "repack", "-a", "-d", "-b", "-q", cwd=repository)
    if commit_graph:
        git("commit-graph", "write", "--reachable", "--changed-paths", cwd=repository)
    if multi_pack_index:
        git("multi-pack-index", "write", cwd=repository)


def _backend_env() -> dict[str, str]:
    """Pushes and filters allowed for every repository, and two threads as the product has them."""
    settings = {"http.receivepack": "true", "http.uploadpack": "true", "uploadpack.allowFilter": "true"}
    settings |= {"pack.threads": "2", "gc.auto": "0"}
    env = dict(GIT_ENV, GIT_CONFIG_COUNT=str(len(settings)))
    for number, (key, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise RivalMissing(f"{name} is not installed: apt-get install {' '.join(DEBIAN_PACKAGES)}")
    return found


def _http_backend() -> str:
    path = Path(git("--exec-path").decode().strip()) / "git-http-backend"
    if not path.exists():
        raise RivalMissing(f"{path} does not exist: install the whole of Git")
    return str(path)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and the children it forked: they are alone in their process group."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
