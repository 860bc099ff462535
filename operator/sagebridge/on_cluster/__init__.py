"""The composition of all that runs on the cluster's own nodes: jobs, and endpoints."""
