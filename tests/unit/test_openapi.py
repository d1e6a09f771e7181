"""The OpenAPI document says what the application does: no route is missing, no type, no code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from quart import Quart

from packhouse_client.types.errors import ERRORS
from server.rest.openapi import Route, openapi_document, routes
from server.rest.openapi.examples import EXAMPLES
from tests.support.rest import rest_application

SERVER = Path(__file__).parents[2] / "server"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quart]:
    with rest_application(tmp_path_factory.mktemp("data")) as app:
        yield app


@pytest.fixture(scope="module")
def known(app: Quart) -> list[Route]:
    return list(routes(app))


@pytest.fixture(scope="module")
def document(app: Quart) -> dict[str, Any]:
    return openapi_document(app)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": told
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_the_document_and_no_other(app: Quart, document: dict[str, Any]) -> None:
    rules = {
        (method, re.sub(r"<(?:[^>]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    assert {f"{method} {path}" for method, path in rules if method != "HEAD"} == operations(document).keys()


def test_every_operation_has_a_name_of_its_own_and_a_sentence(document: dict[str, Any]) -> None:
    told = operations(document)
    assert len({each["operationId"] for each in told.values()}) == len(told)
    assert [name for name, each in told.items() if not each["summary"]] == []


def test_every_route_without_credentials_says_so(document: dict[str, Any]) -> None:
    free = {name for name, told in operations(document).items() if told.get("security") == []}
    assert free == {
        "GET /metrics",
        "GET /v1/docs",
        "GET /v1/docs/{asset}",
        "GET /v1/health",
        "GET /v1/health/ready",
        "GET /v1/openapi.json",
    }


def test_every_body_has_an_example_of_its_type(known: list[Route]) -> None:
    bodies = {route.operation.body for route in known} - {None}
    assert bodies <= EXAMPLES.keys()
    for kind, example in EXAMPLES.items():
        read = msgspec.convert(example, kind)
        assert msgspec.to_builtins(read).keys() >= example.keys(), f"a field that {kind.__name__} does not have"


def test_every_query_can_be_empty_or_is_said_to_need_something(known: list[Route], document: dict[str, Any]) -> None:
    told = operations(document)
    for route in known:
        kind = route.operation.query
        parameters = told[f"{route.method} {route.path}"].get("parameters", [])
        in_query = {each["name"]: each["required"] for each in parameters if each["in"] == "query"}
        fields = () if kind is None else msgspec.structs.fields(kind)
        assert in_query == {field.encode_name: field.required for field in fields}


def test_every_code_that_the_server_answers_with_is_known() -> None:
    codes = set(codes_in_source())
    assert codes >= {"unauthorized", "repo_exists", "fork_dependency", "bad_request"}
    assert codes - ERRORS.keys() == set()


def test_every_known_code_is_told_by_a_route(known: list[Route], document: dict[str, Any]) -> None:
    answers = str([told["responses"] for told in operations(document).values()])
    assert [code for code in ERRORS if f"schemas/error.{code}'" not in answers] == []


def codes_in_source() -> Iterator[str]:
    """The second argument of every `ApiError(status, code, …)`, and of what makes such."""
    for path in SERVER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(ast.Name("ApiError" | "_told"), [_, ast.Constant(str(code)), *_]):
                    yield code
