"""Why an import cannot be made, in sentences for whoever asked for it."""

from __future__ import annotations


class ImportFailed(Exception):
    """It ends here. The message is told to whoever asked, and holds nothing that is secret."""


class AddressRefused(ImportFailed):
    """The remote is where imports may not go."""
