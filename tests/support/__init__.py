"""What tests and benchmarks share: real content, stock Git."""
