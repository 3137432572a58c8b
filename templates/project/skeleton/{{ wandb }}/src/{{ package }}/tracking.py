"""Experiment tracking with Weights & Biases; offline until `tracking.mode` in params.yaml says online."""

from __future__ import annotations

from typing import Any

import pandas as pd
import wandb
from sklearn.pipeline import Pipeline

from .artifact import ModelCard
from .model import predict, score
from .schema import TARGET
from .settings import Settings


def record_training(model: Pipeline, rows: pd.DataFrame, *, card: ModelCard, settings: Settings) -> str:
    """Record parameters, code and data version and training metrics; returns the id of the run."""
    parameters = settings.model_dump(mode="json", include={"data", "model"})
    config = {**parameters, "code_version": card.code_version, "data_version": card.data_version}
    with wandb.init(config=config, **_where(settings)) as run:
        run.log(_named("train", score(rows[TARGET].tolist(), predict(model, rows))))
        return str(run.id)


def record_evaluation(run_id: str, metrics: dict[str, Any], *, settings: Settings) -> None:
    """Add the metrics of the candidate and of what it is compared with to the run that trained it."""
    with wandb.init(id=run_id, **_where(settings)) as run:
        for part in ("test", "baseline", "champion"):
            run.log(_named(part, metrics.get(part, {})))


def register_champion(card: ModelCard, *, settings: Settings) -> None:
    """Upload the champion as a versioned model artifact, under the alias `champion`."""
    with wandb.init(id=card.run_id, **_where(settings)) as run:
        model = wandb.Artifact(settings.tracking.project, type="model", metadata=card.model_dump())
        model.add_dir(str(settings.models / "champion"))
        run.log_artifact(model, aliases=["champion", card.version])


def _named(part: str, metrics: dict[str, float]) -> dict[str, float]:
    return {f"{part}_{name}": value for name, value in metrics.items()}


def _where(settings: Settings) -> dict[str, Any]:
    return {"project": settings.tracking.project, "mode": settings.tracking.mode, "resume": "allow"}
