"""Maintenance: what keeps a data folder fast and small, beside the requests and after them (design, section 6)."""
