"""The engine as the settings want it."""

from __future__ import annotations

from packengine.refs import HiddenRefs
from packengine.repository import Engine
from packengine.signatures import Signers, UnusableKeys
from server.config import Settings, SettingsError, engine_limits


def open_engine(settings: Settings) -> Engine:
    """Raises SettingsError for keys that cannot be read, StorageError or OSError for a bad data directory."""
    return Engine.open(
        settings.data_dir,
        limits=engine_limits(settings),
        hidden_refs=HiddenRefs.of_patterns(map(str.encode, settings.hidden_refs)),
        signers=_signers(settings),
    )


def _signers(settings: Settings) -> Signers | None:
    if settings.push_cert_keys is None:
        return None
    try:
        return Signers.load(settings.push_cert_keys)
    except UnusableKeys as error:
        raise SettingsError(f"push_cert_keys: {error}") from error
