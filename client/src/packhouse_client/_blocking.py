"""Sending and waiting in a plain thread, and methods that do so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import httpx

from packhouse_client._answers import decoded, is_done, items_of, next_page, prepared
from packhouse_client._call import Call, Listing, Octets, Pages, Request
from packhouse_client._retries import Exchange, Retries
from packhouse_client.errors import ConnectionFailed

P = ParamSpec("P")
T = TypeVar("T")


class Download:
    """Octets on their way. Iterating gives them in pieces; `read` gives them all."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    @property
    def status(self) -> int:
        """200, or 206 for a part, or 304 for what is as it was."""
        return self._response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """Of the answer: `ETag`, `Content-Length`."""
        return self._response.headers

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_bytes()

    def read(self) -> bytes:
        """All of them, in memory."""
        return self._response.read()


class Transport:
    """Sends requests and waits for answers."""

    def __init__(self, http: httpx.Client, retries: Retries) -> None:
        self._http = http
        self._retries = retries

    def run(self, call: Call[T]) -> T:
        """The answer of a call. Raises ApiError, ConnectionFailed, UnexpectedAnswer."""
        return decoded(self._sent(call.request), call.answer)

    def items(self, listing: Listing[T]) -> Iterator[T]:
        """All items, whose pages are asked for as they are needed."""
        for response in self._pages(listing.request):
            yield from items_of(listing, response)

    def pages(self, pages: Pages[T]) -> Iterator[T]:
        """All parts of a long answer, asked for as they are needed."""
        for response in self._pages(pages.request):
            yield decoded(response, pages.answer)

    @contextmanager
    def download(self, octets: Octets) -> Iterator[Download]:
        """The octets of an answer; leaving it ends them."""
        response = self._sent(octets.request, is_streamed=True)
        try:
            yield Download(response)
        except httpx.TransportError as error:
            raise ConnectionFailed(f"{response.request.url}: {error!r}") from error
        finally:
            response.close()

    def _pages(self, request: Request) -> Iterator[httpx.Response]:
        following: Request | None = request
        while following is not None:
            response = self._sent(following)
            following = next_page(following, response)
            yield response

    def _sent(self, request: Request, *, is_streamed: bool = False) -> httpx.Response:
        """A successful answer; its body is there, or still to be read."""
        exchange = Exchange(request, self._retries)
        while True:
            try:
                response = self._http.send(prepared(self._http, request), stream=True)
                if not (is_streamed and is_done(response)):
                    response.read()
            except httpx.TransportError as error:
                pause_s = exchange.after_silence(error)
            else:
                if is_done(response):
                    return response
                pause_s = exchange.after_failure(response)
            time.sleep(pause_s)


class Group:
    """Methods that belong together. base: the path that theirs begin with."""

    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = base


def calling(describe: Callable[Concatenate[str, P], Call[T]]) -> Callable[Concatenate[Group, P], T]:
    """A method that makes the call and returns its answer."""

    @wraps(describe)
    def method(group: Group, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return group._transport.run(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of Group

    return method


def listing(describe: Callable[Concatenate[str, P], Listing[T]]) -> Callable[Concatenate[Group, P], Iterator[T]]:
    """A method that iterates over the items of all pages."""

    @wraps(describe)
    def method(group: Group, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return group._transport.items(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of Group

    return method


def paging(describe: Callable[Concatenate[str, P], Pages[T]]) -> Callable[Concatenate[Group, P], Iterator[T]]:
    """A method that iterates over the pages of a long answer."""

    @wraps(describe)
    def method(group: Group, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return group._transport.pages(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of Group

    return method


def downloading(
    describe: Callable[Concatenate[str, P], Octets],
) -> Callable[Concatenate[Group, P], AbstractContextManager[Download]]:
    """A method that gives octets as they come, in a `with`."""

    @wraps(describe)
    def method(group: Group, /, *args: P.args, **kwargs: P.kwargs) -> AbstractContextManager[Download]:
        return group._transport.download(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of Group

    return method
