"""The calls of the API, by noun: what a caller says becomes what is sent.

The first parameter of each is the path of what it belongs to, "/v1" or "/v1/repos/ID", which the clients fill in.
"""
