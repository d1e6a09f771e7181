"""Requests that are made up from the OpenAPI document: whatever they are, the answer is one that the document tells."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
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

REPOSITORY = "has-commits"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def schema(server: RunningServer) -> Any:
    """The routes, but for those that would take away what the others work with."""
    assert server.rest("POST", "/v1/repos", {"id": REPOSITORY})[0] == 200
    change = {"op": "write", "path": "README", "content": "Hello\n"}
    commit = {"branch": "main", "message": "Begin", "changes": [change]}
    assert server.rest("POST", f"/v1/repos/{REPOSITORY}/commits", commit)[0] == 200
    found = schemathesis.openapi.from_url(f"{server.url}/v1/openapi.json")
    return found.exclude(path_regex="^/v1/admin/").exclude(path="/v1/repos/{repository_id}", method="DELETE")


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_one_that_the_document_tells(schema: Any, server: RunningServer, mode: GenerationMode) -> None:
    """By hand instead of by schemathesis's plugin, which does not work with this pytest."""
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers_are_told(case: Any) -> None:
            if "repository_id" in case.path_parameters and mode is GenerationMode.POSITIVE:
                case.path_parameters["repository_id"] = REPOSITORY
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=10)

        if mode is GenerationMode.POSITIVE or operation.query or operation.body or operation.path_parameters:
            answers_are_told()
            tried += 1
    assert tried > 20
