"""A typed client of Packhouse's REST API. Imports nothing of the server, which shares the types with it."""

__version__ = "0.1.0"

__all__ = ["__version__"]
