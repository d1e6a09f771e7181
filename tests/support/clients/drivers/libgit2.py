"""libgit2, by pygit2."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable

import pygit2
from pygit2.enums import CredentialType
from pygit2.remotes import Remote

from tests.support.clients.drivers.command_line import USER, Call, Failed, Refused, main, show_ref


class _Callbacks(pygit2.RemoteCallbacks):
    """Gives the token once, and notes what the server says of each ref."""

    def __init__(self, token: str | None) -> None:
        super().__init__()
        self._token = token
        self._asked = False

    def credentials(self, url: str, _username: str | None, _allowed: CredentialType) -> pygit2.UserPass:
        """See RemoteCallbacks. libgit2 asks again for ever if it may."""
        if self._asked or self._token is None:
            raise Refused(f"{url}: the server asks for other credentials")
        self._asked = True
        return pygit2.UserPass(USER, self._token)

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """See RemoteCallbacks: a message is a refusal."""
        if message is not None:
            raise Failed(f"{refname}: {message}")


def clone(call: Call) -> None:
    url, path = call.words
    pygit2.clone_repository(url, path, callbacks=_Callbacks(call.token), depth=call.depth or 0)


def fetch(call: Call) -> None:
    specs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    _origin(call).fetch(specs, callbacks=_Callbacks(call.token), depth=call.depth or 0)


def push(call: Call) -> None:
    specs = [f"+{spec}" if call.force else spec for spec in call.words[1:]]
    _origin(call).push(specs, callbacks=_Callbacks(call.token))


def list_refs(call: Call) -> None:
    with tempfile.TemporaryDirectory() as folder:
        remote = pygit2.init_repository(folder).remotes.create_anonymous(call.words[0])
        for head in remote.list_heads(callbacks=_Callbacks(call.token)):
            show_ref(str(head.oid), str(head.name))


def _origin(call: Call) -> Remote:
    return pygit2.Repository(call.words[0]).remotes["origin"]


def _checked(verb: Callable[[Call], None]) -> Callable[[Call], None]:
    def run(call: Call) -> None:
        if call.protocol not in {None, 0}:
            raise Failed("libgit2 speaks protocol version 0 only")
        try:
            verb(call)
        except pygit2.GitError as error:
            raise Failed(str(error)) from error

    return run


if __name__ == "__main__":
    verbs = {"clone": clone, "fetch": fetch, "push": push, "list": list_refs}
    sys.exit(main({name: _checked(verb) for name, verb in verbs.items()}, sys.argv[1:]))
