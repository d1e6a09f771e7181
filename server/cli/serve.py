"""`packhouse serve`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from server.auth import generate_token
from server.config import check_exposure, load_settings
from server.process import ListenError, StartupError, run_server

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)

# Flag, type, help. None of them has a default here: server.config knows the defaults, and what comes before them.
_OPTIONS: tuple[tuple[str, Any, str], ...] = (
    ("--data-dir", _PATH, "Where repositories are kept.  [default: data]"),
    ("--bind", str, "HOST:PORT to listen on; port 0 takes a free one.  [default: 127.0.0.1:8787]"),
    ("--public-base-url", str, "Where clients reach the server, if a proxy stands before it."),
    ("--admin-token", str, "For REST; others can see flags, so better set ARTIFACTS_ADMIN_TOKEN.  [default: made up]"),
    ("--jwt-secret", str, "For JSON Web Tokens by HS256; better set ARTIFACTS_JWT_SECRET."),
    ("--jwt-jwks", str, "File or https URL of a JSON Web Key Set, for tokens by RS256, ES256 or EdDSA."),
    ("--jwt-expected-aud", str, "The audience that a JSON Web Token must name."),
    ("--jwt-expected-iss", str, "The issuer that a JSON Web Token must name."),
    ("--max-repos-per-user", int, "Live repositories of each subject of tokens; 0: no limit.  [default: 100]"),
    ("--max-bytes-per-user", int, "Bytes of all repositories of a subject; 0: no limit.  [default: 0]"),
    ("--max-repo-bytes", int, "Bytes of a repository's packs; 0: no limit.  [default: 0]"),
    ("--rate-create", str, "Creations and forks of a subject, as BURST/COUNT.  [default: 20/10m]"),
    ("--rate-token", str, "Requests about tokens.  [default: 120/2]"),
    ("--rate-commit", str, "Requests that change a repository.  [default: 600/10]"),
    ("--rate-read", str, "Requests that read.  [default: 300/5]"),
    ("--rate-health", str, "Health checks of an address.  [default: 60/2]"),
    ("--trusted-proxies", str, "Networks whose X-Forwarded-For is believed: '10.0.0.0/8 fd00::/8'."),
    ("--workers", int, "Worker processes.  [default: the number of cores]"),
    ("--rest-body-limit-bytes", int, "Largest body of a REST request.  [default: 1 MiB]"),
    ("--max-commit-blob-bytes", int, "Largest file that a commit over REST writes.  [default: 8 MiB]"),
    ("--git-body-limit-bytes", int, "Largest body of a Git request.  [default: 2 GiB]"),
    ("--max-waiting-requests", int, "How many fetches, or pushes, may wait in a worker; then 429.  [default: 100]"),
    (
        "--request-timeout-secs",
        float,
        "How long a client may send or take nothing before it is cut off.  [default: 300]",
    ),
    ("--bundle-uri", bool, "Offer clones a bundle to begin with.  [default: true]"),
    ("--packfile-uris", bool, "Offer large packs as downloads of their own.  [default: true]"),
    ("--min-bundle-bytes", int, "Offer no bundle of less.  [default: 1 MiB]"),
    ("--min-packfile-uri-bytes", int, "Offer no pack of less as a download.  [default: 32 MiB]"),
    ("--bundle-store-bytes", int, "Space for bundles that were built.  [default: 8 GiB]"),
    (
        "--answer-cache-bytes",
        int,
        "Space for answers to fetches, for the next who asks the same; 0: none.  [default: 4 GiB]",
    ),
    ("--maintenance", click.Choice(["auto", "off"]), "Whether workers maintain what is pushed to.  [default: auto]"),
    ("--min-bitmap-objects", int, "Packs of fewer objects get no bitmaps nor commit-graph.  [default: 1000]"),
    ("--min-shared-pack-bytes", int, "What forks share is merged apart from this size on.  [default: 64 MiB]"),
    ("--maintenance-memory-bytes", int, "Memory for bitmaps that are being made.  [default: 64 MiB]"),
    ("--signed-url-lifetime-secs", int, "How long a URL of a download needs no token.  [default: 3600]"),
    ("--import-allow", str, "Networks and hosts that imports may go to though not public: '10.1.0.0/16 git.lan'."),
    ("--import-allow-private", bool, "Whether imports may go to all private addresses.  [default: false]"),
    ("--import-timeout-secs", float, "How long an import may take.  [default: 14400]"),
    ("--imports-at-once", int, "How many imports a worker makes at once.  [default: 2]"),
    ("--hidden-refs", str, "Refs not to show and not to be pushed to: 'refs/pull !refs/pull/1'."),
    ("--push-cert-keys", _PATH, "A file or folder of keys that sign pushes: allowed_signers, *.asc, *.gpg."),
    ("--tls-cert", _PATH, "Certificate chain, PEM. With --tls-key: speak TLS."),
    ("--tls-key", _PATH, "The certificate's private key, PEM."),
    ("--http2", bool, "Speak HTTP/2 as well as HTTP/1.1.  [default: true]"),
    ("--shutdown-timeout-secs", float, "How long running requests may take after the end was ordered.  [default: 30]"),
    ("--shutdown-drain-delay-secs", float, "How long to serve on, not ready, before the end.  [default: 5]"),
    ("--readiness-write-check", bool, "Whether /v1/health/ready tries the write path.  [default: true]"),
    ("--log-level", click.Choice(["debug", "info", "warning", "error"]), "[default: info]"),
    ("--log-format", click.Choice(["text", "json"]), "[default: text]"),
)


def _setting_options(function: F) -> F:
    for flag, kind, text in reversed(_OPTIONS):
        function = click.option(flag, type=kind, default=None, help=text)(function)
    return function


@click.command()
@click.option("--config", type=_PATH, help="A TOML file with settings.")
@_setting_options
@click.option("--allow-insecure", is_flag=True, default=None, help="Listen beyond this machine without TLS.")
def serve(config: Path | None, **flags: Any) -> None:
    """Serve repositories over HTTP until SIGTERM or SIGINT.

    Each option can be set in the environment (--data-dir as ARTIFACTS_DATA_DIR) and in the --config file (data_dir).
    """
    settings = load_settings(flags, config_path=config)
    check_exposure(settings)
    made_up_token = generate_token() if settings.admin_token is None else None
    try:
        run_server(
            replace(settings, admin_token=settings.admin_token or made_up_token),
            partial(_announce, made_up_token=made_up_token),
        )
    except (ListenError, StartupError) as error:
        raise click.ClickException(str(error)) from error


def _announce(url: str, made_up_token: str | None = None) -> None:
    """Once it serves: a token is of no use before."""
    if made_up_token is not None:
        click.echo(f"admin token: {made_up_token} (made up for this run; ARTIFACTS_ADMIN_TOKEN sets one)", err=True)
    click.echo(f"listening on {url}")
