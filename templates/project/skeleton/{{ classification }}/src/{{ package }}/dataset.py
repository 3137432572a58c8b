"""The data set that comes with scikit-learn: 569 breast masses, so that everything runs offline."""

from __future__ import annotations

import pandas as pd
from sklearn.datasets import load_breast_cancer

from .schema import FEATURES, TARGET


def bundled() -> pd.DataFrame:
    """All rows, with the columns of the schema; scikit-learn codes malignant as 0, we code it as 1."""
    frame: pd.DataFrame = load_breast_cancer(as_frame=True).frame
    named = {f"mean {name.replace('_', ' ')}": name for name in FEATURES}
    return frame.rename(columns=named).assign(**{TARGET: 1 - frame["target"]})[[*FEATURES, TARGET]]
