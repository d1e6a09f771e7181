"""Whether answers are such as an OpenAPI document says, for a client that has every answer looked at."""

from __future__ import annotations

import re
from typing import Any

import httpx
from jsonschema import Draft202012Validator

JSON = "application/json"


class AnswerCheck:
    """A hook for httpx: raises AssertionError for an answer that the document does not have."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._paths = [(_pattern(path), methods) for path, methods in document["paths"].items()]
        self.seen: set[str] = set()

    def __call__(self, response: httpx.Response) -> None:
        """Look at the status, the media type, and the body if it is JSON."""
        request = response.request
        told = self._operation(request.method, request.url.path)
        if told is None:
            assert response.status_code in {404, 405}, f"{request.url.path} is not in the document"
            return
        assert str(response.status_code) in told["responses"], f"{told['operationId']}: {response.status_code}"
        self.seen.add(told["operationId"])
        content = told["responses"][str(response.status_code)].get("content")
        if content is None:
            return
        media_type = response.headers["Content-Type"].partition(";")[0]
        assert media_type in content, f"{told['operationId']}: {media_type}"
        if media_type == JSON:
            response.read()
            self._validate(response.json(), content[JSON]["schema"])

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        found = [methods for pattern, methods in self._paths if pattern.fullmatch(path) and method.lower() in methods]
        return found[0][method.lower()] if found else None

    def _validate(self, value: object, schema: dict[str, Any]) -> None:
        Draft202012Validator({**schema, "components": self._components}).validate(value)


def _pattern(path: str) -> re.Pattern[str]:
    """Ids have no slash in them; the other arguments may."""
    escaped = re.escape(path).replace(r"\{repository_id\}", "[^/]+")
    return re.compile(re.sub(r"\\\{\w+\\\}", ".+", escaped))
