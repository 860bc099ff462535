"""From the spec of a ProcessingJob to the complete request of CreateProcessingJob."""
