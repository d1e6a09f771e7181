"""The tests, by layer: unit, property, conformance, compat (stock Git is the oracle), e2e."""
