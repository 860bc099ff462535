"""The chart in a cluster that knew nothing of Sagebridge, whose control plane ends with this package."""
