"""Tests: unit, integration (real Redis and PostgreSQL), acceptance (the real command), migration."""
