"""The files of the page at /v1/docs."""
