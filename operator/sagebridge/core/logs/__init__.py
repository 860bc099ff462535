"""The lines of a job's log: what they are, where one stands among them, and how CloudWatch's streams are read."""
