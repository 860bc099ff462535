"""Endpoints, pure: from a spec, what status records and what was seen, to the one next step."""
