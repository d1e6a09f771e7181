"""A request's JSON body: bounded, typed, timed out on silence; and answers made of the same kind of types."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import trio
from quart import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from server.rest.access import check_credentials
from server.rest.context import services
from server.rest.errors import ApiError, bad_request

T = TypeVar("T", bound=msgspec.Struct)


async def read_json(kind: type[T]) -> T:
    """The body as a value of `kind`; fields that `kind` does not have are ignored. Raises as `read_body`, `decoded`."""
    return decoded(await read_body(services().settings.rest_body_limit_bytes), kind)


async def read_body(limit_bytes: int) -> bytes:
    """The body, which is JSON by its content type.

    Raises ApiError: 415 without such a content type, 413 over the limit, 408 on silence, 401 if by its end the
    credentials are no longer good.
    """
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise bad_request("the body's content type is not application/json", 415)
    if request.content_length is not None and request.content_length > limit_bytes:
        raise _too_large(limit_bytes)
    body = await _read_body(limit_bytes)
    check_credentials()  # a body may take as long as it likes: what has expired meanwhile is good for nothing
    return body


def decoded(body: bytes | ApiError, kind: type[T]) -> T:
    """JSON as a value of `kind`. Long bodies take milliseconds, so they are decoded off the event loop.

    Raises ApiError: 400 for what is no JSON, 422 for a value of the wrong type; and the error that came as the body.
    """
    if isinstance(body, ApiError):
        raise body
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise bad_request(str(error), 422) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"the body is not JSON: {error}") from error


def answer(value: object, headers: dict[str, str] | None = None, *, status: int = 200) -> Response:
    """A struct, or a list of them, as JSON."""
    return json_response(msgspec.json.encode(value), headers, status=status)


def json_response(data: bytes, headers: dict[str, str] | None = None, *, status: int = 200) -> Response:
    """What is JSON already: long answers are encoded where they are made, off the event loop."""
    return Response(data, status=status, headers=headers, content_type="application/json")


async def _read_body(limit_bytes: int) -> bytes:
    silence_s = services().settings.request_timeout_secs
    body = bytearray()
    chunks = aiter(request.body)
    while True:
        try:
            with trio.fail_after(silence_s):
                chunk = await anext(chunks, None)
        except trio.TooSlowError:
            raise bad_request(f"nothing of the body came for {silence_s:g} s", 408) from None
        except RequestEntityTooLarge:
            raise _too_large(limit_bytes) from None
        if chunk is None:
            return bytes(body)
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)


def _too_large(limit_bytes: int) -> ApiError:
    return bad_request(f"the body is larger than {limit_bytes} bytes", 413)
