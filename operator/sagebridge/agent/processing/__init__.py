"""What runs before the container of a processing job and beside it: its inputs, its outputs, its end."""
