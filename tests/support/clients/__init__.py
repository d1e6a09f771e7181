"""Real Git clients behind one command line: see client.py for it."""
