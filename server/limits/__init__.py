"""How many requests of which kind somebody may make."""

from server.limits.rate_class import RateClass

__all__ = ["RateClass"]
