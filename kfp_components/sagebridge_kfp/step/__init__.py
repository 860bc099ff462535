"""What runs in the pod of a step: it makes an object, waits for its outcome and shows its log."""
