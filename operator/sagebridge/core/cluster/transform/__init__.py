"""A BatchTransform with target: Cluster: an Indexed Job whose pods share the input objects. Pure."""
