"""What clients are told that they may use, and what their requests are judged by."""

from __future__ import annotations

from importlib.metadata import version

from packengine.protocol import SAFE_FETCH_FEATURES, ReceivePackOffer, UploadPackOffer
from packengine.repository import Engine, RepositoryState
from server.config import Settings

_AGENT = f"packhouse/{version('packhouse')}".encode()


class Offers:
    """Makes the offers for one repository's clients."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    def fetch(self, state: RepositoryState, session_id: str) -> UploadPackOffer:
        """What fetching may use. session_id: the request's id, so that a client's trace finds our log."""
        object_format = state.manifest.object_format
        has_uris = self._settings.packfile_uris and object_format == "sha1"  # a pack is named by 40 digits there
        return UploadPackOffer(
            agent=_AGENT,
            object_format=object_format,
            session_id=session_id.encode(),
            fetch_features=SAFE_FETCH_FEATURES | {b"packfile-uris"} if has_uris else SAFE_FETCH_FEATURES,
            bundle_uri=self._settings.bundle_uri,
        )

    def push(self, state: RepositoryState, session_id: str) -> ReceivePackOffer:
        """What pushing may use."""
        return ReceivePackOffer(
            agent=_AGENT,
            object_format=state.manifest.object_format,
            session_id=session_id.encode(),
            push_options=True,
            push_certificate_nonce=self._engine.pushes.policy.nonce(state),
        )
