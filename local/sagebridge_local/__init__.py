"""Local mode: SageMaker and a Kubernetes control plane on this machine."""
