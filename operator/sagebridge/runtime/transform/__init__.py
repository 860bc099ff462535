"""The data plane of batch transform: from input objects to requests, and from replies to output objects. Pure."""
