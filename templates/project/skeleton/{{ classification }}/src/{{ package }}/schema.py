"""The columns of the data, declared once: training, serving and monitoring all read them from here."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TARGET = "malignant"


class Features(BaseModel):
    """What is known before the prediction: means over the cell nuclei in one image of a breast mass."""

    model_config = ConfigDict(extra="forbid")

    radius: Annotated[float, Field(ge=1, le=50)]
    texture: Annotated[float, Field(ge=1, le=80)]
    perimeter: Annotated[float, Field(ge=5, le=350)]
    area: Annotated[float, Field(ge=10, le=5000)]
    smoothness: Annotated[float, Field(ge=0, le=1)]
    compactness: Annotated[float, Field(ge=0, le=2)]
    concavity: Annotated[float, Field(ge=0, le=2)]
    concave_points: Annotated[float, Field(ge=0, le=1)]
    symmetry: Annotated[float, Field(ge=0, le=1)]
    fractal_dimension: Annotated[float, Field(ge=0, le=1)]


class Row(Features):
    """One row of training data: the features and the truth."""

    malignant: Annotated[int, Field(ge=0, le=1)]


FEATURES = tuple(Features.model_fields)
