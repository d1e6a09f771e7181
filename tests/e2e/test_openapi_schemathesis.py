"""Requests that are made up from the OpenAPI document: whatever they are, the answer is one that the document tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.server import RunningServer

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
DOOMED = "deleted-and-back"
OF_DOOMED = {"DELETE /v1/repos/{repository_id}", "POST /v1/repos/{repository_id}/undelete"}
LAST = "/purge"
"""What takes away what the others are led to."""


@pytest.fixture(scope="module")
def document(server: RunningServer) -> dict[str, Any]:
    """Without credentials, which each request has: what is made up of the rest is to be refused for its own sake."""
    told: dict[str, Any] = httpx.get(f"{server.url}/v1/openapi.json").json()
    told.pop("security", None)
    del told["components"]["securitySchemes"]
    for methods in told["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return told


@pytest.fixture(scope="module")
def schema(document: dict[str, Any]) -> Any:
    """The routes, but for those that would take the credentials away."""
    return schemathesis.openapi.from_dict(document).exclude(path_regex="^/v1/admin/")


def ask(server: RunningServer, method: str, path: str, body: object = None) -> Any:
    status, answer = server.rest(method, f"/v1/repos{path}", body)
    assert status == 200, answer
    return answer


def make_commit(server: RunningServer, repository: str, branch: str, parent: str | None, path: str) -> str:
    change = {"op": "write", "path": path, "content": "Hello\n"}
    body = {"branch": branch, "parent": parent, "message": "m", "changes": [change]}
    return str(ask(server, "POST", f"/{repository}/commits", body)["commit"])


def known_values(server: RunningServer, repository: str) -> dict[str, Any]:
    """A fork with two branches and a note; by name, values of parameters and fields that lead to what is there."""
    origin = f"{repository}-origin"
    ask(server, "POST", "", {"id": origin})
    first = make_commit(server, origin, "main", None, "README")
    ask(server, "POST", f"/{origin}/forks", {"id": repository})
    make_commit(server, repository, "side", None, "other")
    ask(server, "PUT", f"/{repository}/refs/heads/going", {"sha": first})
    ask(server, "POST", f"/{repository}/notes", {"commit": first, "text": "seen"})
    manifest = ask(server, "GET", f"/{repository}/history")[0]["manifest"]
    left_out = ("parent", "at", "cursor", "refs", "author", "committer", "expected", "id", "sourceRepo")
    branches = {"branch": "main", "ref": "main", "sourceBranch": "main", "targetBranch": "new", "defaultBranch": "main"}
    ids = {"commit": first, "sha": first, "manifest": manifest, "base": "main", "path": "README", "token": "unknown"}
    others = {"since": "0", "until": "9999999999", "scope": "read", "count": 2, "force": True, "readOnly": False}
    return {**dict.fromkeys(left_out), **branches, **ids, **others, "rules": [], "changes": []}


def operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        yield found.ok()


def fill(case: Any, label: str, repository: str, known: dict[str, Any]) -> None:
    """Put what is known in place of what was made up; None: leave it out."""
    names = {"archive/{name}": "main.tar.gz", "refs/{name}": "heads/going", "compare/{spec}": "main..going"}
    if "repository_id" in case.path_parameters:
        case.path_parameters["repository_id"] = DOOMED if label in OF_DOOMED else repository
    for ending, value in names.items():
        if label.endswith(ending):
            case.path_parameters[ending.rpartition("{")[2].rstrip("}")] = value
    for values in (case.query, case.body):
        for name in known.keys() & set(values if isinstance(values, dict) else ()):
            values.pop(name)
            if known[name] is not None and not (name == "sha" and "path" in values):
                values[name] = known[name]


def run(
    server: RunningServer, operation: Any, mode: GenerationMode, repository: str, known: dict[str, Any] | None
) -> Counter[int]:
    """How often which status was answered to an operation."""
    headers, statuses = {"Authorization": f"Bearer {server.admin_token}"}, Counter[int]()

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers_are_told(case: Any) -> None:
        if known is not None:
            fill(case, operation.label, repository, known)
        elif "repository_id" in case.path_parameters and mode is GenerationMode.POSITIVE:
            case.path_parameters["repository_id"] = DOOMED if operation.label in OF_DOOMED else repository
        answer = case.call_and_validate(base_url=server.url, headers=headers, checks=CHECKS, timeout=10)
        statuses[answer.status_code] += 1

    answers_are_told()
    return statuses


@pytest.fixture(scope="module")
def doomed(server: RunningServer) -> None:
    ask(server, "POST", "", {"id": DOOMED})


@pytest.mark.usefixtures("doomed")
@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_one_that_the_document_tells(schema: Any, server: RunningServer, mode: GenerationMode) -> None:
    """By hand instead of by schemathesis's plugin, which does not work with this pytest."""
    repository = f"made-up-{mode.value}"
    known_values(server, repository)
    tried = 0
    for operation in operations(schema):
        if mode is GenerationMode.POSITIVE or operation.query or operation.body or operation.path_parameters:
            run(server, operation, mode, repository, None)
            tried += 1
    assert tried > 30


@pytest.mark.usefixtures("doomed")
def test_every_operation_succeeds_where_it_is_led_to_what_is_there(schema: Any, server: RunningServer) -> None:
    """Most of what is made up leads nowhere, and says nothing of the answers to what does."""
    known = known_values(server, "has-commits")
    failed = {}
    for operation in sorted(operations(schema), key=lambda operation: LAST in operation.label):
        statuses = run(server, operation, GenerationMode.POSITIVE, "has-commits", known)
        if not any(status < 300 for status in statuses):
            failed[operation.label] = dict(statuses)
    assert failed == {}
