"""The certificate, looked at before any worker is started with it."""

from __future__ import annotations

import ssl

from server.config import Settings, SettingsError


def check_certificate(settings: Settings) -> None:
    """Raises SettingsError where the certificate and its key cannot be loaded, or do not belong together."""
    if settings.tls_cert is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except OSError as error:  # ssl.SSLError is one
        reason = getattr(error, "reason", None) or error.strerror
        raise SettingsError(f"tls_cert {settings.tls_cert} with tls_key {settings.tls_key}: {reason}") from error
