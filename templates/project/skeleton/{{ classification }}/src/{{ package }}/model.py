"""The model: its hyperparameters, its pipeline, what it predicts, and the metrics that it is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import Pipeline

from .features import preprocessing
from .schema import FEATURES

PRIMARY_METRIC = "roc_auc"


class Hyperparameters(BaseModel):
    """The `model` section of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    C: float = Field(gt=0)
    max_iter: int = Field(gt=0)


def build(parameters: Hyperparameters, *, seed: int) -> Pipeline:
    """The unfitted pipeline: preprocessing and classifier, saved and served as one."""
    classifier = LogisticRegression(C=parameters.C, max_iter=parameters.max_iter, random_state=seed)
    return Pipeline([("features", preprocessing()), ("classifier", classifier)])


def baseline() -> DummyClassifier:
    """The model that a candidate must beat: the share of malignant rows, whatever the features."""
    return DummyClassifier(strategy="prior")


def predict(model: Pipeline | DummyClassifier, rows: pd.DataFrame) -> list[float]:
    """The probability of a malignant mass for each row; other columns than the features are ignored."""
    return [float(p) for p in model.predict_proba(rows[list(FEATURES)])[:, 1]]


def score(truth: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """The metrics by name: ranking (needs both classes) and calibration of the probabilities."""
    return {
        "roc_auc": float(roc_auc_score(truth, predicted)),
        "average_precision": float(average_precision_score(truth, predicted)),
        "log_loss": float(log_loss(truth, predicted, labels=[0, 1])),
    }


def scorable(truth: Sequence[float]) -> bool:
    """Whether the metrics are defined for these rows."""
    return len(set(truth)) == 2
