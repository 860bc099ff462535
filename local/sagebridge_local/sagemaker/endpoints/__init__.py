"""Endpoints: their configurations, their lifecycle over the clock, and their invocations."""
