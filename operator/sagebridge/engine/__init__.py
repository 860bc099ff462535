"""The one reconcile per object, its queue, and the only writer of status."""
