"""When a request is sent again, and when not."""

import asyncio

import httpx
import pytest

from packhouse_client import ApiError, AsyncClient, Client, ConnectionFailed, QuotaExceeded, RateLimited, Retries
from packhouse_client.errors import BY_CODE, UnexpectedAnswer
from packhouse_client.types.errors import ERRORS

OK = httpx.Response(200, json={"ok": True})
Answer = httpx.Response | Exception


def failure(status: int, code: str, headers: dict[str, str] | None = None, **fields: object) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"error": {"code": code, "message": "no", **fields}})


def limited(seconds: int) -> httpx.Response:
    return failure(429, "rate_limited", {"Retry-After": str(seconds)}, retryAfter=seconds)


class Script:
    """Answers with one after the other, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the client would have waited for."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    return waited


def scripted(script: Script, retries: Retries | None = None) -> Client:
    http = httpx.Client(transport=httpx.MockTransport(script), base_url="http://git.test")
    return Client(http=http, retries=retries)


def test_a_limited_request_is_sent_again_when_the_server_says(pauses: list[float]) -> None:
    script = Script(limited(3), limited(2), OK)
    with scripted(script) as client:
        assert client.health.alive().ok
    assert pauses == [3.0, 2.0]


def test_even_a_write_is_sent_again_after_a_refusal_that_did_nothing(pauses: list[float]) -> None:
    script = Script(failure(503, "db_busy", {"Retry-After": "1"}), httpx.Response(200, json={"revoked": True}))
    with scripted(script) as client:
        assert client.tokens.revoke("x").revoked
    assert (pauses, [request.method for request in script.asked]) == ([1.0], ["POST", "POST"])


def test_retries_end_after_their_number(pauses: list[float]) -> None:
    script = Script(limited(1))
    with scripted(script, Retries(attempts=3)) as client, pytest.raises(RateLimited) as caught:
        client.health.alive()
    assert (len(script.asked), len(pauses), caught.value.retry_after_s) == (3, 2, 1)


def test_a_pause_longer_than_ones_patience_is_not_made(pauses: list[float]) -> None:
    script = Script(limited(31))
    with scripted(script, Retries(wait_s=30)) as client, pytest.raises(RateLimited):
        client.health.alive()
    assert (len(script.asked), pauses) == (1, [])


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}, {"Retry-After": "-1"}, {"Retry-After": "9" * 30}])
def test_without_a_usable_time_the_answer_is_final(pauses: list[float], header: dict[str, str]) -> None:
    script = Script(failure(429, "quota_exceeded", header, subject="ann", limit=100))
    with scripted(script) as client, pytest.raises(QuotaExceeded) as caught:
        client.repos.create()
    assert (len(script.asked), pauses, caught.value.limit) == (1, [], 100)


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_other_failures_are_final_whatever_they_say(pauses: list[float], status: int) -> None:
    script = Script(failure(status, "bad_request", {"Retry-After": "1"}))
    with scripted(script) as client, pytest.raises(ApiError):
        client.health.alive()
    assert (len(script.asked), pauses) == (1, [])


def test_a_read_without_an_answer_is_sent_again_ever_later(pauses: list[float]) -> None:
    script = Script(httpx.ConnectError("refused"), httpx.ReadTimeout("silence"), OK)
    with scripted(script) as client:
        assert client.health.alive().ok
    assert pauses == [0.2, 0.4]


def test_a_write_without_an_answer_is_not_sent_again(pauses: list[float]) -> None:
    script = Script(httpx.ReadTimeout("silence"), OK)
    with scripted(script) as client, pytest.raises(ConnectionFailed, match=r"POST http://git\.test/v1/repos: silence"):
        client.repos.create()
    assert (len(script.asked), pauses) == (1, [])


@pytest.mark.parametrize(
    "answer", [httpx.Response(502, text="<html>bad gateway"), httpx.Response(200, text="<html>welcome")]
)
def test_what_is_none_of_the_api_is_said_to_be_so(answer: httpx.Response) -> None:
    with scripted(Script(answer)) as client, pytest.raises(UnexpectedAnswer, match=r"git\.test"):
        client.health.alive()


def test_a_code_of_a_newer_server_is_a_plain_error() -> None:
    with scripted(Script(failure(418, "teapot"))) as client, pytest.raises(ApiError) as caught:
        client.health.alive()
    assert (type(caught.value), caught.value.code, caught.value.status) == (ApiError, "teapot", 418)


def test_every_code_has_an_exception_of_its_own() -> None:
    assert BY_CODE.keys() == ERRORS.keys()
    assert len(set(BY_CODE.values())) == len(BY_CODE)


async def test_on_trio_the_same_rules_hold(autojump_clock: object) -> None:
    del autojump_clock
    script = Script(limited(3), httpx.ConnectError("refused"), OK)
    transport = httpx.MockTransport(script)
    http = httpx.AsyncClient(transport=transport, base_url="http://git.test")
    async with AsyncClient(http=http) as client:
        assert (await client.health.alive()).ok
    assert len(script.asked) == 3


def test_on_asyncio_it_works_as_well() -> None:
    async def alive() -> bool:
        http = httpx.AsyncClient(transport=httpx.MockTransport(Script(OK)), base_url="http://git.test")
        async with AsyncClient(http=http) as client:
            return (await client.health.alive()).ok

    assert asyncio.run(alive())
