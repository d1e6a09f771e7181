"""Commits over REST by the null client, each built on the one before it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from benchmarks.support.crowd import answers_at_once
from benchmarks.support.null_client import Request, request
from benchmarks.support.versus import Step
from tests.support.server import RunningServer


class CommitSeries:
    """At each call one further commit of one small file to each of some branches, all at the same time."""

    def __init__(self, server: RunningServer, repository_id: str, parents: dict[str, str]) -> None:
        """parents: what the branches stand for, by their names; one that is not there yet is made."""
        self._server = server
        self._id = repository_id
        self._parents = dict(parents)
        self._count = 0
        self._requests: Sequence[Request] = ()
        for branch, parent in parents.items():
            server.rest("PUT", f"/v1/repos/{repository_id}/refs/heads/{branch}", {"sha": parent, "expected": None})

    def step(self) -> Step:
        """The time is that of one commit."""
        return Step(self._send, prepare=self._prepare, units=len(self._parents))

    def _prepare(self) -> None:
        self._count += 1
        self._requests = [self._request(branch, parent) for branch, parent in self._parents.items()]

    def _send(self) -> None:
        answers = answers_at_once(self._requests, len(self._requests))
        made = [json.loads(answer) for answer in answers]
        self._parents = {each["branch"]: each["commit"] for each in made}

    def _request(self, branch: str, parent: str) -> Request:
        change = {"op": "write", "path": "benchmark/counter", "content": f"{self._count} of {branch}\n"}
        body = {"branch": branch, "parent": parent, "message": "Count\n", "changes": [change]}
        return request(
            f"{self._server.url}/v1/repos/{self._id}/commits",
            method="POST",
            body=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._server.admin_token}", "Content-Type": "application/json"},
        )
