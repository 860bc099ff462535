"""What is different about each kind, declared."""
