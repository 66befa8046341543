"""Faults by name, for tests that break a fleet: `python -m tests.faults COMMAND` is `broadsheet` with a plan.

Production code knows nothing of this: the faults hang on `PageTask.steps`, on SQLAlchemy's commit event and
around `RedisBroker.publish`.
"""
