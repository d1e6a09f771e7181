"""HTTP on Trio: our own HTTP/1.1, and Hypercorn's HTTP/2, both of which serve an ASGI application."""

from server.http.departures import DEPARTURES, Departure
from server.http.limits import HttpLimits
from server.http.request import PIECES
from server.http.serving import HttpServer

__all__ = ["DEPARTURES", "PIECES", "Departure", "HttpLimits", "HttpServer"]
