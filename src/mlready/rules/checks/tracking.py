"""Checks of factor 7: results are tracked."""

from __future__ import annotations

from mlready.findings import Site, Verdict, met
from mlready.project.project import Project, Use

_ADDRESS_CALLS = ("mlflow.set_tracking_uri", "mlflow.tracking.set_tracking_uri", "mlflow.tracking.MlflowClient")


def central_store(project: Project) -> Verdict:
    """TRK003: the address of the tracking store comes from configuration, not from a literal."""
    literal = [use for use in project.calls(*_ADDRESS_CALLS) if _literal_address(use)]
    if literal:
        return met(*(Site(0.0, f"address written in code: {use.call.name}", use.where, key=use.call.name) for use in literal))
    return met(Site(1.0, "no address of a tracking store is written in code"))


def _literal_address(use: Use) -> bool:
    values = [arg.value for arg in use.call.args if arg.name in ("0", "uri", "tracking_uri")]
    return any(value.kind == "const" and isinstance(value.scalar, str) and value.scalar for value in values)
