"""Transform jobs."""
