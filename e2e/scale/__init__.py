"""A thousand nodes that are only objects, and what the operator and the real scheduler make of them."""
