"""The REST application: its routes, its limits, its errors."""

from __future__ import annotations

import re

from quart import request

from server.rest.admin import admin
from server.rest.archives import archives
from server.rest.blobs import blobs
from server.rest.commits import commit_body_limit_bytes, commits
from server.rest.context import RestApp, request_record
from server.rest.diffs import diffs
from server.rest.documentation import documentation
from server.rest.errors import install_error_handlers
from server.rest.forks import forks
from server.rest.health import health
from server.rest.history import history
from server.rest.imports import imports
from server.rest.log import log
from server.rest.merges import merges
from server.rest.metrics import metrics
from server.rest.notes import notes
from server.rest.protection import protection
from server.rest.purges import purges
from server.rest.refs import refs
from server.rest.repositories import repositories
from server.rest.services import RestServices
from server.rest.settings import settings
from server.rest.tokens import tokens
from server.rest.trees import trees

_BLUEPRINTS = (
    documentation,
    health,
    metrics,
    repositories,
    settings,
    protection,
    history,
    forks,
    imports,
    purges,
    tokens,
    admin,
    trees,
    blobs,
    log,
    diffs,
    archives,
    commits,
    merges,
    refs,
    notes,
)


_VARIABLE = re.compile(r"<(?:path:)?(\w+)>")


def create_rest_app(services: RestServices) -> RestApp:
    """An ASGI application over these services."""
    app = RestApp("packhouse", static_folder=None)
    app.services = services
    # None turns a time limit off: the body's reader times out on silence, and TCP_USER_TIMEOUT cuts off whoever no
    # longer reads, while a limit on duration would cut off whoever is merely slow.
    app.config.update(
        MAX_CONTENT_LENGTH=commit_body_limit_bytes(services.settings),  # the largest of all: routes have their own
        BODY_TIMEOUT=None,
        RESPONSE_TIMEOUT=None,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.url_map.merge_slashes = False
    app.before_request(_note_template)
    install_error_handlers(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


async def _note_template() -> None:
    if request.url_rule is not None:
        rule = request.url_rule.rule.replace("<repository_id>", ":id")
        request_record().template = _VARIABLE.sub(r":\1", rule)
