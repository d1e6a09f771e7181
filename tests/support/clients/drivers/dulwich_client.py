"""dulwich, by its porcelain; by its client where the porcelain leaves no choice of the protocol."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from dulwich import porcelain
from dulwich.client import HTTPUnauthorized, get_transport_and_path
from dulwich.errors import GitProtocolError, NotGitRepository, SendPackError
from dulwich.refs import Ref
from dulwich.repo import Repo

from tests.support.clients.drivers.command_line import USER, Call, Failed, Refused, main, show_ref

_HEADS, _REMOTES, _TAGS = b"refs/heads/", b"refs/remotes/origin/", b"refs/tags/"


def clone(call: Call) -> None:
    url, path = call.words
    porcelain.clone(url, path, depth=call.depth, protocol_version=call.protocol, **_credentials(call)).close()


def fetch(call: Call) -> None:
    if call.protocol is None:
        porcelain.fetch(call.words[0], "origin", depth=call.depth, **_credentials(call))
        return
    with Repo(call.words[0]) as repository:
        url = repository.get_config().get((b"remote", b"origin"), b"url").decode()
        client, path = get_transport_and_path(url, **_credentials(call))
        found = client.fetch(path, repository, depth=call.depth, protocol_version=call.protocol)
        for name, oid in found.refs.items():
            if oid is not None and name.startswith((_HEADS, _TAGS)):
                repository.refs[Ref(name.replace(_HEADS, _REMOTES, 1))] = oid


def push(call: Call) -> None:
    path, *refspecs = call.words
    done = porcelain.push(path, "origin", refspecs, force=call.force, **_credentials(call))
    for name, message in (done.ref_status or {}).items():
        if message is not None:
            raise Failed(f"{name!r}: {message}")


def list_refs(call: Call) -> None:
    url = call.words[0]
    client, path = get_transport_and_path(url, **_credentials(call))
    found: Mapping[Ref, bytes | None] = client.get_refs(path.encode(), protocol_version=call.protocol).refs
    for name, oid in found.items():
        if oid is not None:
            show_ref(oid.decode(), name.decode())


def _credentials(call: Call) -> dict[str, Any]:
    return {} if call.token is None else {"username": USER, "password": call.token}


def _checked(verb: Callable[[Call], None]) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        try:
            verb(call)
        except HTTPUnauthorized as error:
            raise Refused(str(error)) from error
        except (porcelain.Error, GitProtocolError, NotGitRepository, SendPackError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from error

    return run


if __name__ == "__main__":
    verbs = {"clone": clone, "fetch": fetch, "push": push, "list": list_refs}
    sys.exit(main({name: _checked(verb) for name, verb in verbs.items()}, sys.argv[1:]))
