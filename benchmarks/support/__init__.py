"""What the benchmarks share: rivals, a client that keeps nothing."""
