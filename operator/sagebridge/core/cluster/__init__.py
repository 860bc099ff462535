"""Jobs on the cluster's own nodes: what is made of a manifest, and how what runs is understood. Pure."""
