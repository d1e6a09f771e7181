"""Imports from other servers: jobs that any worker takes up, over HTTPS, to addresses that are allowed."""
