"""Is the process alive, and can it take writes."""

from __future__ import annotations

import logging
from functools import partial
from typing import Literal

import trio
from quart import Blueprint, Response

from packengine.storage.ports import StorageError
from packhouse_client.types.health import Ok, Readiness
from server.limits import RateClass
from server.rest.access import limit_address
from server.rest.body import answer
from server.rest.context import services
from server.rest.operations import operation

PROBE_TIMEOUT_S = 1.0
COMPONENTS = ("tokens", "audit", "ownership")
"""What the contract's probes look at. All live in the catalog, behind one writer: one probe speaks for all three."""

health = Blueprint("health", __name__)
_log = logging.getLogger("packhouse.rest")

# A probe that hangs keeps its thread; the next ones must not each take another.
_probe_limiter = trio.CapacityLimiter(1)


@health.get("/v1/health")
@operation(answer=Ok, errors=("rate_limited",), tag="health", public=True)
async def alive() -> Response:
    """True as long as the event loop turns."""
    limit_address(RateClass.HEALTH)
    return answer(Ok())


@health.get("/v1/health/ready")
@operation(answer={200: Readiness, 503: Readiness}, errors=("rate_limited",), tag="health", public=True)
async def ready() -> Response:
    """503 while draining, and when the catalog does not answer within a second."""
    limit_address(RateClass.HEALTH)
    if services().is_draining():
        return answer(Readiness(ok=False, draining=True), status=503)
    ok = await _probe()
    verdict: Literal["ok", "fail"] = "ok" if ok else "fail"
    return answer(Readiness(ok=ok, components=dict.fromkeys(COMPONENTS, verdict)), status=200 if ok else 503)


async def _probe() -> bool:
    catalog = services().engine.catalog
    probe = catalog.probe_write if services().settings.readiness_write_check else partial(catalog.repositories, limit=1)
    with trio.move_on_after(PROBE_TIMEOUT_S):
        try:
            await trio.to_thread.run_sync(probe, abandon_on_cancel=True, limiter=_probe_limiter)
        except StorageError as error:
            _log.warning("readiness probe failed", extra={"fields": {"reason": str(error)}})
            return False
        return True
    return False
