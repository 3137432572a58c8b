"""The data set that comes with scikit-learn: 442 diabetes patients, so that everything runs offline."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_diabetes

from .schema import FEATURES, TARGET

_NAMES = {
    "bp": "blood_pressure",
    "s1": "total_cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_ratio",
    "s5": "log_triglycerides",
    "s6": "glucose",
    "target": TARGET,
}


def bundled() -> pd.DataFrame:
    """All rows, in the units of the measurements, with the columns of the schema."""
    frame: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    return frame.rename(columns=_NAMES)[[*FEATURES, TARGET]]
