"""Sending and waiting in a task, and methods that do so: on Trio, or on whatever anyio runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import anyio
import httpx

from packhouse_client._answers import decoded, is_done, items_of, next_page, prepared
from packhouse_client._call import Call, Listing, Octets, Pages, Request
from packhouse_client._retries import Exchange, Retries
from packhouse_client.errors import ConnectionFailed

P = ParamSpec("P")
T = TypeVar("T")


class AsyncDownload:
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

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_bytes()

    async def read(self) -> bytes:
        """All of them, in memory."""
        return await self._response.aread()


class AsyncTransport:
    """Sends requests and waits for answers."""

    def __init__(self, http: httpx.AsyncClient, retries: Retries) -> None:
        self._http = http
        self._retries = retries

    async def run(self, call: Call[T]) -> T:
        """The answer of a call. Raises ApiError, ConnectionFailed, UnexpectedAnswer."""
        return decoded(await self._sent(call.request), call.answer)

    async def items(self, listing: Listing[T]) -> AsyncIterator[T]:
        """All items, whose pages are asked for as they are needed."""
        async for response in self._pages(listing.request):
            for item in items_of(listing, response):
                yield item

    async def pages(self, pages: Pages[T]) -> AsyncIterator[T]:
        """All parts of a long answer, asked for as they are needed."""
        async for response in self._pages(pages.request):
            yield decoded(response, pages.answer)

    @asynccontextmanager
    async def download(self, octets: Octets) -> AsyncIterator[AsyncDownload]:
        """The octets of an answer; leaving it ends them."""
        response = await self._sent(octets.request, is_streamed=True)
        try:
            yield AsyncDownload(response)
        except httpx.TransportError as error:
            raise ConnectionFailed(f"{response.request.url}: {error!r}") from error
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def _pages(self, request: Request) -> AsyncIterator[httpx.Response]:
        following: Request | None = request
        while following is not None:
            response = await self._sent(following)
            following = next_page(following, response)
            yield response

    async def _sent(self, request: Request, *, is_streamed: bool = False) -> httpx.Response:
        """A successful answer; its body is there, or still to be read."""
        exchange = Exchange(request, self._retries)
        while True:
            try:
                response = await self._http.send(prepared(self._http, request), stream=True)
                if not (is_streamed and is_done(response)):
                    await response.aread()
            except httpx.TransportError as error:
                pause_s = exchange.after_silence(error)
            else:
                if is_done(response):
                    return response
                pause_s = exchange.after_failure(response)
            await anyio.sleep(pause_s)


class AsyncGroup:
    """Methods that belong together. base: the path that theirs begin with."""

    def __init__(self, transport: AsyncTransport, base: str) -> None:
        self._transport = transport
        self._base = base


def calling(
    describe: Callable[Concatenate[str, P], Call[T]],
) -> Callable[Concatenate[AsyncGroup, P], Coroutine[Any, Any, T]]:
    """A method that makes the call and returns its answer."""

    @wraps(describe)
    async def method(group: AsyncGroup, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await group._transport.run(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of AsyncGroup

    return method


def listing(
    describe: Callable[Concatenate[str, P], Listing[T]],
) -> Callable[Concatenate[AsyncGroup, P], AsyncIterator[T]]:
    """A method that iterates over the items of all pages."""

    @wraps(describe)
    def method(group: AsyncGroup, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return group._transport.items(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of AsyncGroup

    return method


def paging(describe: Callable[Concatenate[str, P], Pages[T]]) -> Callable[Concatenate[AsyncGroup, P], AsyncIterator[T]]:
    """A method that iterates over the pages of a long answer."""

    @wraps(describe)
    def method(group: AsyncGroup, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return group._transport.pages(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of AsyncGroup

    return method


def downloading(
    describe: Callable[Concatenate[str, P], Octets],
) -> Callable[Concatenate[AsyncGroup, P], AbstractAsyncContextManager[AsyncDownload]]:
    """A method that gives octets as they come, in an `async with`."""

    @wraps(describe)
    def method(group: AsyncGroup, /, *args: P.args, **kwargs: P.kwargs) -> AbstractAsyncContextManager[AsyncDownload]:
        return group._transport.download(describe(group._base, *args, **kwargs))  # noqa: SLF001  # a method of AsyncGroup

    return method
