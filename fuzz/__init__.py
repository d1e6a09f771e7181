"""Fuzzing of everything that takes bytes from outside. See docs/fuzzing.md."""
