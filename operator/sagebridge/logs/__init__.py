"""The log service: gives the lines of a job's log, as they come, to whoever may read the object."""
