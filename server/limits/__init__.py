"""How many requests of which kind somebody may make."""

from server.limits.ledger import LEDGER_BYTES, Ledger
from server.limits.limiter import RateLimiter
from server.limits.rate import Rate, parse_rate
from server.limits.rate_class import RateClass
from server.limits.trusted_proxies import TrustedProxies

__all__ = ["LEDGER_BYTES", "Ledger", "Rate", "RateClass", "RateLimiter", "TrustedProxies", "parse_rate"]
