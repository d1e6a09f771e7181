"""One small program a client, all with the command line of ../client.py."""
