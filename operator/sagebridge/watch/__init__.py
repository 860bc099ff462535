"""What wakes the engine: the batch poller."""
