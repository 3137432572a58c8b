"""The saved model: the fitted pipeline and, beside it, what it is made of, so that every prediction can be traced."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import sklearn
import skops.io
from pydantic import BaseModel
from sklearn.pipeline import Pipeline

_MODEL = "model.skops"
_CARD = "model.json"


class ModelCard(BaseModel):
    """Where a model comes from; the version is the hash of its file, so the same version is always the same model."""

    version: str = ""
    run_id: str = ""
    code_version: str
    data_version: str
    features: list[str]
    scikit_learn: str = sklearn.__version__


def save(folder: Path, model: Pipeline, card: ModelCard) -> ModelCard:
    """Write the pipeline and its card; returns the card with the version filled in."""
    folder.mkdir(parents=True, exist_ok=True)
    skops.io.dump(model, folder / _MODEL)
    complete = card.model_copy(update={"version": digest(folder / _MODEL)})
    (folder / _CARD).write_text(complete.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return complete


def load(folder: Path) -> tuple[Pipeline, ModelCard]:
    """Read a model that `save` wrote: no code in the file is run, and ValueError is raised if it was changed since."""
    card = read_card(folder)
    if digest(folder / _MODEL) != card.version:
        raise ValueError(f"{folder / _MODEL} is not the file that {_CARD} describes")
    return skops.io.load(folder / _MODEL), card


def read_card(folder: Path) -> ModelCard:
    """What the model in this folder is made of."""
    if not exists(folder):
        raise FileNotFoundError(f"there is no model in {folder}")
    return ModelCard.model_validate_json((folder / _CARD).read_text(encoding="utf-8"))


def exists(folder: Path) -> bool:
    """Whether a model was saved in this folder."""
    return (folder / _CARD).is_file()


def digest(path: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def code_version() -> str:
    """The commit of the working tree, with a mark if it was edited; "unknown" outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
