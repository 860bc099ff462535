"""What carries a job out: a script on the clock, or processes on this machine."""
