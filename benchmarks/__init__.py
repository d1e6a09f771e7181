"""Ours against stock Git, side by side."""
