"""A real Kubernetes node on this machine: containerd, kubelet, kube-proxy and DNS, in namespaces of their own."""
