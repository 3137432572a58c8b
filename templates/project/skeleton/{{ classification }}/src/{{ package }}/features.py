"""The preprocessing: part of the model's pipeline, so that serving can only use what training fitted."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .schema import FEATURES

SKEWED = ("area", "compactness", "concavity", "concave_points")


def preprocessing() -> ColumnTransformer:
    """Log-scale the long-tailed columns and standardize all; columns are chosen by name."""
    log = make_pipeline(FunctionTransformer(np.log1p, feature_names_out="one-to-one"), StandardScaler())
    rest = [name for name in FEATURES if name not in SKEWED]
    return ColumnTransformer([("skewed", log, list(SKEWED)), ("rest", StandardScaler(), rest)])
