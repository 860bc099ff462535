"""The pure core: observation and spec become a plan. No I/O, no kopf, no AWS, no Kubernetes client."""
