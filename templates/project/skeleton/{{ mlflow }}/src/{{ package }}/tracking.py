"""Experiment tracking and model registry with MLflow; the store's address is `tracking.uri` in params.yaml."""

from __future__ import annotations

from typing import Any

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.pipeline import Pipeline

from .artifact import ModelCard
from .model import predict, score
from .schema import FEATURES, TARGET
from .settings import Settings


def record_training(model: Pipeline, rows: pd.DataFrame, *, card: ModelCard, settings: Settings) -> str:
    """Record parameters, versions, training metrics and the model with its signature; returns the id of the run."""
    _open(settings)
    sample = rows[list(FEATURES)].head(5)
    with mlflow.start_run() as run:
        mlflow.log_params({**settings.model.model_dump(), **settings.data.model_dump(mode="json")})
        mlflow.set_tags({"code_version": card.code_version, "data_version": card.data_version})
        mlflow.log_metrics(_named("train", score(rows[TARGET].tolist(), predict(model, rows))))
        signature = infer_signature(sample, predict(model, sample))
        logged = mlflow.sklearn.log_model(model, name="model", signature=signature, input_example=sample)
        mlflow.set_tag("model_uri", logged.model_uri)
    return str(run.info.run_id)


def record_evaluation(run_id: str, metrics: dict[str, Any], *, settings: Settings) -> None:
    """Add the metrics of the candidate and of what it is compared with to the run that trained it."""
    _open(settings)
    with mlflow.start_run(run_id=run_id):
        for part in ("test", "baseline", "champion"):
            mlflow.log_metrics(_named(part, metrics.get(part, {})))


def register_champion(card: ModelCard, *, settings: Settings) -> None:
    """Register the run's model and point the alias `champion` at it."""
    _open(settings)
    client, name = mlflow.MlflowClient(), settings.tracking.experiment
    uri = client.get_run(card.run_id).data.tags["model_uri"]
    registered = mlflow.register_model(uri, name, tags={"version": card.version})
    client.set_registered_model_alias(name, "champion", registered.version)


def _named(part: str, metrics: dict[str, float]) -> dict[str, float]:
    return {f"{part}_{name}": value for name, value in metrics.items()}


def _open(settings: Settings) -> None:
    mlflow.set_tracking_uri(settings.tracking.uri)
    mlflow.set_experiment(settings.tracking.experiment)
