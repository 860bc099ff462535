"""Jobs of any kind: records, tables, lists and their operations."""
