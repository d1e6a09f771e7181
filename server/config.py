"""What an operator can set, and where each value comes from: flag, then environment, then TOML file, then default.

A setting has one name in four spellings: the field `data_dir`, the flag `--data-dir`, the variable `ARTIFACTS_DATA_DIR`
and the TOML key `data_dir` (or `data-dir`). `docs/operation.md` explains each.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec

from packengine.refs.names import is_well_formed
from packengine.repository import Limits
from server.auth.tokens import is_acceptable_token
from server.auth.web_tokens import MIN_SECRET_BYTES
from server.imports.addresses import AddressPolicy
from server.limits import Rate, RateClass, TrustedProxies, parse_rate

ENVIRONMENT_PREFIX = "ARTIFACTS_"
CONFIG_VARIABLE = "ARTIFACTS_CONFIG"

ImportCount = Annotated[int, msgspec.Meta(ge=1, le=64)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
WorkerCount = Annotated[int, msgspec.Meta(ge=1, le=1024)]
Count = Annotated[int, msgspec.Meta(ge=0)]
PositiveSeconds = Annotated[float, msgspec.Meta(gt=0)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]
Words = tuple[str, ...]
"""A list; in a flag or a variable words with spaces between them."""

Days = Annotated[int, msgspec.Meta(ge=0, le=36500)]
GraceSeconds = Annotated[int, msgspec.Meta(ge=3600, le=365 * 86400)]
"""At least as long as any request or command should take: what they have just come to know of stays that long."""

LifetimeSeconds = Annotated[int, msgspec.Meta(ge=60, le=7 * 86400)]


class SettingsError(Exception):
    """A setting that cannot be used. The message names it, and where it was read."""


def usable_cores() -> int:
    """How many processors this process may run on."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can choose. Made by `load_settings`, which checks it as a whole."""

    data_dir: Path = Path("data")
    bind: str = "127.0.0.1:8787"
    public_base_url: str | None = None
    admin_token: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    jwt_jwks: str | None = None
    jwt_expected_aud: str | None = None
    jwt_expected_iss: str | None = None
    max_repos_per_user: Count = 100
    max_bytes_per_user: Count = 0
    max_repo_bytes: Count = 0
    rate_create: str = "20/10m"
    rate_token: str = "120/2"  # noqa: S105 - a rate
    rate_commit: str = "600/10"
    rate_read: str = "300/5"
    rate_health: str = "60/2"
    trusted_proxies: Words = ()
    workers: WorkerCount = field(default_factory=usable_cores)
    rest_body_limit_bytes: Positive = 1 << 20
    git_body_limit_bytes: Positive = 2 << 30
    max_commit_blob_bytes: Positive = 8 << 20
    max_waiting_requests: Count = 100
    request_timeout_secs: PositiveSeconds = 300.0
    bundle_uri: bool = True
    packfile_uris: bool = True
    min_bundle_bytes: Positive = 1 << 20
    min_packfile_uri_bytes: Positive = 32 << 20
    bundle_store_bytes: Positive = 8 << 30
    answer_cache_bytes: Count = 4 << 30
    maintenance: Literal["auto", "off"] = "auto"
    min_bitmap_objects: Positive = 1000
    min_shared_pack_bytes: Count = 64 << 20
    maintenance_memory_bytes: Positive = 64 << 20
    history_retention_days: Days = 30
    undelete_days: Days = 7
    collection_grace_secs: GraceSeconds = 86400
    signed_url_lifetime_secs: LifetimeSeconds = 3600
    import_allow: Words = ()
    import_allow_private: bool = False
    import_timeout_secs: PositiveSeconds = 14400.0
    imports_at_once: ImportCount = 2
    hidden_refs: Words = ()
    push_cert_keys: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    http2: bool = True
    allow_insecure: bool = False
    shutdown_timeout_secs: Seconds = 30.0
    shutdown_drain_delay_secs: Seconds = 5.0
    readiness_write_check: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @property
    def scheme(self) -> str:
        """The scheme that the listening socket itself speaks."""
        return "http" if self.tls_cert is None else "https"

    @property
    def base_url(self) -> str:
        """Where clients reach the server, as far as settings tell; without a slash at the end."""
        return self.public_base_url or f"{self.scheme}://{self.bind}"

    @property
    def rates(self) -> dict[RateClass, Rate | None]:
        """Of each class. Raises SettingsError."""
        return {each: _rate(f"rate_{each.value}", getattr(self, f"rate_{each.value}")) for each in RateClass}


def engine_limits(settings: Settings) -> Limits:
    """What the settings mean for the engine: a request that may be so large may be all pack."""
    return Limits(
        max_pack_bytes=settings.git_body_limit_bytes,
        max_object_bytes=settings.git_body_limit_bytes,
        min_bundle_bytes=settings.min_bundle_bytes,
        bundle_store_bytes=settings.bundle_store_bytes,
        answer_cache_bytes=settings.answer_cache_bytes,
        min_uri_pack_bytes=settings.min_packfile_uri_bytes,
        min_bitmap_objects=settings.min_bitmap_objects,
        min_shared_pack_bytes=settings.min_shared_pack_bytes,
        maintenance_memory_bytes=settings.maintenance_memory_bytes,
        history_retention_days=settings.history_retention_days,
        undelete_days=settings.undelete_days,
        collection_grace_s=settings.collection_grace_secs,
        max_owner_repositories=settings.max_repos_per_user,
        max_owner_bytes=settings.max_bytes_per_user,
        max_repository_bytes=settings.max_repo_bytes,
    )


def load_settings(
    flags: Mapping[str, Any], *, environment: Mapping[str, str] = os.environ, config_path: Path | None = None
) -> Settings:
    """Merge the sources and check the result.

    flags: by field name; a value of None counts as not given.
    config_path: the TOML file; without it the file that ARTIFACTS_CONFIG names, if any.
    Raises SettingsError.
    """
    if config_path is None and environment.get(CONFIG_VARIABLE):
        config_path = Path(environment[CONFIG_VARIABLE])
    values = _from_file(config_path) if config_path is not None else {}
    values |= _from_environment(environment)
    values |= _from_flags(flags)
    settings = Settings(**values)
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """What no single value shows. Raises SettingsError."""
    split_bind(settings.bind)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("tls_cert and tls_key are set together or not at all")
    if settings.admin_token is not None and not is_acceptable_token(settings.admin_token):
        raise SettingsError("admin_token: 1 to 256 graphic ASCII characters are accepted")
    if settings.jwt_secret is not None and len(settings.jwt_secret.encode()) < MIN_SECRET_BYTES:
        raise SettingsError(f"jwt_secret: HS256 takes no secret of less than {MIN_SECRET_BYTES} bytes")
    if settings.jwt_jwks is not None and settings.jwt_jwks.startswith("http://"):
        raise SettingsError("jwt_jwks: keys are fetched by https only")
    _ = settings.rates
    try:
        TrustedProxies(settings.trusted_proxies)
    except ValueError as error:
        raise SettingsError(f"trusted_proxies: {error}") from error
    try:
        AddressPolicy.of(settings.import_allow)
    except ValueError as error:
        raise SettingsError(f"import_allow: {error}") from error
    if settings.public_base_url is not None:
        _check_base_url(settings.public_base_url)
    for pattern in settings.hidden_refs:
        _check_hidden(pattern)


def check_exposure(settings: Settings) -> None:
    """For a server only: other commands listen nowhere. Raises SettingsError."""
    host, _ = split_bind(settings.bind)
    if not (_is_loopback(host) or _is_encrypted(settings) or settings.allow_insecure):
        raise SettingsError(
            f"bind: {settings.bind} can be reached from other machines, with neither TLS nor an https public_base_url: "
            "tokens would travel in the clear (--allow-insecure accepts that)"
        )


def split_bind(bind: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8787`, `[::1]:8787` or `localhost:0`. Raises SettingsError."""
    host, separator, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (separator and host and port.isascii() and port.isdigit() and int(port) <= 0xFFFF):
        raise SettingsError(f"bind: {bind!r} is not of the form HOST:PORT")
    return host, int(port)


def _from_flags(flags: Mapping[str, Any]) -> dict[str, Any]:
    types = _field_types()
    given = {name: value for name, value in flags.items() if value is not None}
    return {n: _converted(v, types[n], f"--{n.replace('_', '-')}", strict=True) for n, v in given.items()}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    types = _field_types()
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in types:
            raise SettingsError(f"{path}: unknown key {key!r}")
        if name in values:
            raise SettingsError(f"{path}: {key!r} is set twice")
        values[name] = _converted(value, types[name], f"{path}: {key}", strict=True)
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Empty variables count as not set, as container platforms cannot always leave one out."""
    found = ((name, kind, ENVIRONMENT_PREFIX + name.upper()) for name, kind in _field_types().items())
    return {
        name: _converted(environment[variable], kind, variable, strict=False)
        for name, kind, variable in found
        if environment.get(variable)
    }


def _converted(value: object, kind: Any, where: str, *, strict: bool) -> Any:
    """strict: whether a string may not stand for a number or a truth value."""
    if kind == Words and isinstance(value, str):
        value = value.split()
    try:
        return msgspec.convert(value, kind, strict=strict, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {error}") from error


def _to_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise msgspec.ValidationError(f"Expected a path, got `{type(value).__name__}`")


def _field_types() -> dict[str, Any]:
    return get_type_hints(Settings, include_extras=True)


def _check_base_url(url: str) -> None:
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or url.endswith("/")
    ):
        raise SettingsError(f"public_base_url: {url!r} is not http(s)://HOST[:PORT][/PATH] without a slash at the end")


def _check_hidden(pattern: str) -> None:
    name = pattern.removeprefix("!").removeprefix("^").rstrip("/").encode()
    if name not in {b"HEAD", b"refs"} and not (name.startswith(b"refs/") and is_well_formed(name)):
        raise SettingsError(f"hidden_refs: {pattern!r} is neither HEAD nor refs/…, as it is or behind a !")


def _rate(name: str, text: str) -> Rate | None:
    try:
        return parse_rate(text)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_encrypted(settings: Settings) -> bool:
    return settings.tls_cert is not None or (settings.public_base_url or "").startswith("https://")
