"""Describes the training data, column by column, in an HTML report: the stage `profile`."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataSummaryPreset

from ..data import read
from ..settings import Settings

log = logging.getLogger(__name__)


def profile(rows: pd.DataFrame, target: Path) -> None:
    """Write the statistics of these rows to an HTML file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    Report([DataSummaryPreset()]).run(rows, None).save_html(str(target))


def main() -> None:
    """Write reports/data.html."""
    logging.basicConfig(level=logging.INFO)
    settings = Settings()
    target = settings.reports / "data.html"
    profile(read(settings.data.folder / "train.csv"), target)
    log.info("wrote %s", target)


if __name__ == "__main__":
    main()
