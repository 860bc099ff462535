"""Processing jobs on this machine: /opt/ml/processing filled, a container run, its outputs uploaded."""
