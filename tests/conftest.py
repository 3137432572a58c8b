"""For all tests: a busy machine is no error, and a failing example can be run again."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("mlready", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mlready")
