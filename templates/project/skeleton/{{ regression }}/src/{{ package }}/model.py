"""The model: its hyperparameters, its pipeline, what it predicts, and the metrics that it is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline

from .features import preprocessing
from .schema import FEATURES

PRIMARY_METRIC = "r2"


class Hyperparameters(BaseModel):
    """The `model` section of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alpha: float = Field(gt=0)


def build(parameters: Hyperparameters, *, seed: int) -> Pipeline:
    """The unfitted pipeline: preprocessing and regressor, saved and served as one."""
    regressor = Ridge(alpha=parameters.alpha, random_state=seed)
    return Pipeline([("features", preprocessing()), ("regressor", regressor)])


def baseline() -> DummyRegressor:
    """The model that a candidate must beat: the mean of the training rows, whatever the features."""
    return DummyRegressor(strategy="mean")


def predict(model: Pipeline | DummyRegressor, rows: pd.DataFrame) -> list[float]:
    """The predicted progression for each row; other columns than the features are ignored."""
    return [float(value) for value in model.predict(rows[list(FEATURES)])]


def score(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """The metrics by name: explained variance, and errors in the unit of the target."""
    return {
        "r2": float(r2_score(truth, predicted)),
        "mean_absolute_error": float(mean_absolute_error(truth, predicted)),
        "root_mean_squared_error": float(root_mean_squared_error(truth, predicted)),
    }


def scorable(truth: Sequence[float]) -> bool:
    """Whether the metrics are defined for these rows."""
    return len(set(truth)) > 1
