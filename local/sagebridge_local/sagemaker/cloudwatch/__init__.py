"""CloudWatch's part of endpoints: their metrics in moto's CloudWatch, and alarms that follow metrics."""
