"""Compares recorded inputs and predictions with the training data."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

from .. import records
from ..schema import FEATURES
from ..settings import Settings

log = logging.getLogger(__name__)

COLUMNS = [*FEATURES, "prediction"]


def drift(reference: pd.DataFrame, current: pd.DataFrame, target: Path, *, threshold: float) -> float:
    """The share of columns that drifted (0 to 1); the report that shows each of them goes to an HTML file."""
    result = Report([DataDriftPreset(drift_share=threshold)]).run(current[COLUMNS], reference[COLUMNS])
    target.parent.mkdir(parents=True, exist_ok=True)
    result.save_html(str(target))
    counts = next(metric for metric in result.dict()["metrics"] if "DriftedColumnsCount" in metric["metric_name"])
    return float(counts["value"]["share"])


def judge(settings: Settings) -> str:
    """Write reports/drift.html; returns the alarm, or nothing where all is well or too little was recorded."""
    current = records.read(settings.serve.records)
    if len(current) < settings.monitor.min_rows:
        log.info("%d predictions recorded, %d needed to judge drift", len(current), settings.monitor.min_rows)
        return ""
    reference = pd.read_csv(settings.serve.model / "reference.csv", dtype=dict.fromkeys(COLUMNS, "float64"))
    share = drift(reference, current, settings.reports / "drift.html", threshold=settings.monitor.drift_share)
    log.info("%.0f %% of the columns drifted over %d predictions", 100 * share, len(current))
    drifted = share >= settings.monitor.drift_share
    return f"{100 * share:.0f} % of the columns drifted; see reports/drift.html and retrain" if drifted else ""
