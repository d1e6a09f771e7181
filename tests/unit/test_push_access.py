"""Law 5: a push whose token was revoked while its pack arrived is not published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from packengine.repository import Engine
from tests.support.engine_pushes import ACTOR
from tests.support.git_client import GitClient
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import parse_push_report, push_request

ROOT = commit_content()
PUSH = push_request(
    [(NULL, oid_of(COMMIT, ROOT), b"refs/heads/main")], pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
)


@pytest.mark.parametrize("is_revoked", [False, True])
async def test_a_push_ends_with_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_revoked: bool) -> None:
    engine = Engine.open(tmp_path)
    engine.create_repository("project", ACTOR)
    client, begin = GitClient(engine), engine.pushes.begin

    def begin_and_revoke(*arguments: Any, **options: Any) -> Any:
        (token,) = engine.catalog.tokens("project", 0)
        if is_revoked:
            engine.catalog.revoke_token(token.token_hash, token.created_at_s)
        return begin(*arguments, **options)

    monkeypatch.setattr(engine.pushes, "begin", begin_and_revoke)
    await client.post("git-receive-pack", PUSH)
    report = parse_push_report(client.body)
    assert (report.error is not None, len(engine.load("project").manifest.refs)) == (is_revoked, 1 - is_revoked)
    engine.close()
