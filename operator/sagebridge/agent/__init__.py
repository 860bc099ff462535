"""What runs beside the user's container in each pod of a job on the cluster: its data, its results, its end."""
