"""Jobs on the cluster's own nodes."""
