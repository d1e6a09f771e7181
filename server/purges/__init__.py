"""Purges as jobs: asked for over REST, made by a worker."""
