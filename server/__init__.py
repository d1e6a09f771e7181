"""The Packhouse server: HTTP, tokens, processes, the command line."""
