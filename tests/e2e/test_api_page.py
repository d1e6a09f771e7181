"""The page at /v1/docs, in a browser: it shows the routes and asks nobody but the server for anything."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.server import RunningServer

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "PACKHOUSE_REQUIRE_CLIENTS" not in os.environ, reason="chromium is not installed"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Without its sandbox, since tests may run as root; it shows nothing but our own page.
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


def test_the_page_needs_nothing_from_outside(page: Page, server: RunningServer) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{server.url}/v1/docs")
    expect(page.locator("#operations-repos-repositories_create")).to_be_visible()
    assert f"{server.url}/v1/openapi.json" in asked
    assert [url for url in asked if not url.startswith((f"{server.url}/", "data:"))] == []
    assert said == []


def test_a_route_can_be_tried_on_the_page(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/v1/docs")
    page.locator("button.authorize").first.click()
    page.locator(".auth-container input").fill(server.admin_token)
    page.locator(".auth-btn-wrapper button.authorize").click()
    page.locator(".auth-btn-wrapper button.btn-done").click()
    route = page.locator("#operations-repos-repositories_create")
    route.locator("button.opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    route.locator("textarea").fill('{"id": "made-on-the-page"}')
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    assert server.rest("GET", "/v1/repos/made-on-the-page")[0] == 200
