"""The contract between a training job and its container, /opt/ml and SM_*: one implementation for every target."""
