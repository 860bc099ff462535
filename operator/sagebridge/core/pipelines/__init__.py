"""What the operator knows of Kubeflow Pipelines: which step made an object, and whether a pod still attends it."""
