"""Stock Git as tests use it: without the user's or the system's settings, and never asking anybody anything."""

import os
import signal
import subprocess
from pathlib import Path

GIT_ENV = {
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_AUTHOR_EMAIL": "author@example.org",
    "GIT_AUTHOR_NAME": "A. Author",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
    "GIT_COMMITTER_EMAIL": "committer@example.org",
    "GIT_COMMITTER_NAME": "C. Committer",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": os.devnull,
    "LC_ALL": "C",
    "PATH": os.environ["PATH"],
    "TZ": "UTC",
}

_ATTEMPTS = 3
_PATIENCE_S = 40


class GitFailed(Exception):
    """A git command ended with a status other than 0. The message holds the command and what it said."""


def git(*args: str | Path, cwd: Path | None = None, stdin: bytes = b"", env: dict[str, str] | None = None) -> bytes:
    """Run git and return its standard output. Raises GitFailed."""
    done = git_result(*args, cwd=cwd, stdin=stdin, env=env)
    if done.returncode:
        command = " ".join(map(str, args))
        raise GitFailed(f"git {command}: status {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def git_over_http_2(*args: str | Path, cwd: Path, env: dict[str, str]) -> bytes:
    """Run a git that may send a large request over HTTP/2. Returns what it wrote to stderr. Raises GitFailed.

    Before 2.44 it may wait for ever, for its own child (github.com/git/git/pull/1608): curl asks once more for what is
    behind the end of the body, and what it asks waits for an answer that curl has not read yet. No server can tell, so
    it is tried again; docs/pitfalls.md says what its users can do.
    """
    for _ in range(_ATTEMPTS):
        with subprocess.Popen(
            ["git", *map(str, args)],
            cwd=cwd,
            env=GIT_ENV | env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                _, said = process.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                continue
            if process.returncode:
                raise GitFailed(f"git {args[0]}: status {process.returncode}: {said.decode(errors='replace')}")
            return said
    raise GitFailed(f"git {args[0]} hung {_ATTEMPTS} times, for {_PATIENCE_S} s each")


def git_result(
    *args: str | Path, cwd: Path | None = None, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run git, however it ends. For the cases in which it is to fail."""
    return subprocess.run(
        ["git", *map(str, args)], cwd=cwd, input=stdin, env=GIT_ENV | (env or {}), capture_output=True, check=False
    )


def refs(repository: Path) -> dict[str, str]:
    """Every ref and its value, HEAD's target under `HEAD`."""
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=repository).decode().splitlines()
    head = git("symbolic-ref", "HEAD", cwd=repository).decode().strip()
    return dict(line.split(" ", 1) for line in lines) | {"HEAD": head}


def object_ids(repository: Path) -> set[str]:
    """The ids of all that the refs reach, in hexadecimal."""
    lines = git("rev-list", "--objects", "--all", "--no-object-names", cwd=repository).decode().split()
    return set(lines)
