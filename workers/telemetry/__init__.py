"""What workers tell about themselves: logs, metrics, timings, and what a crash leaves."""
