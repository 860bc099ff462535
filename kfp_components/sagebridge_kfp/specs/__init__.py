"""From what users think in (algorithm, script or image; data; machines) to the spec of an object. Pure."""
