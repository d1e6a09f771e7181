"""GET /metrics: for whoever scrapes, without a token. It names no repository and nobody."""

from __future__ import annotations

import time

from quart import Blueprint, Response

from packengine.storage.ports import CatalogTotals
from server.metrics import CONTENT_TYPE
from server.rest.context import services
from server.rest.operations import Binary, operation

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
@operation(answer=Binary(CONTENT_TYPE), tag="health", public=True)
async def scrape() -> Response:
    """The counters of all workers, as Prometheus reads them."""
    using = services()

    def totals() -> CatalogTotals:
        return using.engine.catalog.totals(int(time.time()))

    return Response(await using.run(using.metrics.render, totals), content_type=CONTENT_TYPE)
