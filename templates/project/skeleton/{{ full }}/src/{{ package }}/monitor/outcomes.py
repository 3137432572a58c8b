"""Joins the truth, once it is known, to the recorded predictions, and judges how good they were."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pandas as pd

from .. import records
from ..evaluate import broken_bounds
from ..model import scorable, score
from ..settings import Settings

log = logging.getLogger(__name__)


def read_outcomes(folder: Path) -> pd.DataFrame:
    """The known outcomes: CSV files with the columns id (of the prediction) and truth; the latest word counts."""
    parts = [pd.read_csv(path, dtype={"id": "str", "truth": "float64"}) for path in sorted(folder.glob("*.csv"))]
    return pd.concat(parts).drop_duplicates("id", keep="last") if parts else pd.DataFrame()


def live_metrics(predictions: pd.DataFrame, outcomes: pd.DataFrame) -> dict[str, float]:
    """The metrics over the latest prediction of each id whose truth is known; empty if they cannot be computed yet."""
    if predictions.empty or outcomes.empty:
        return {}
    predictions = predictions.drop_duplicates("id", keep="last")
    both = predictions.merge(outcomes, on="id", how="inner", validate="one_to_one")
    return score(both["truth"].tolist(), both["prediction"].tolist()) if scorable(both["truth"].tolist()) else {}


def judge(settings: Settings) -> str:
    """Write reports/live.json; returns the alarm, or nothing where performance is as accepted or not known yet."""
    metrics = live_metrics(records.read(settings.serve.records), read_outcomes(settings.monitor.outcomes))
    if not metrics:
        log.info("no outcomes are known yet in %s", settings.monitor.outcomes)
        return ""
    settings.reports.mkdir(parents=True, exist_ok=True)
    (settings.reports / "live.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    log.info("live metrics %s", metrics)
    problems = broken_bounds(metrics, settings.accept)
    return "live performance is too low: " + "; ".join(problems) if problems else ""
