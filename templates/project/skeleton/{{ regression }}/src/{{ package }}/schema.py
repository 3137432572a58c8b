"""The columns of the data, declared once: training, serving and monitoring all read them from here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

TARGET = "progression"


class Features(BaseModel):
    """What is known before the prediction: one patient at the first visit."""

    model_config = ConfigDict(extra="forbid")

    age: Annotated[float, Field(ge=0, le=120)]
    sex: Literal[1, 2]
    bmi: Annotated[float, Field(ge=10, le=80)]
    blood_pressure: Annotated[float, Field(ge=30, le=200)]
    total_cholesterol: Annotated[float, Field(ge=40, le=600)]
    ldl: Annotated[float, Field(ge=10, le=500)]
    hdl: Annotated[float, Field(ge=5, le=200)]
    cholesterol_ratio: Annotated[float, Field(ge=1, le=20)]
    log_triglycerides: Annotated[float, Field(ge=1, le=10)]
    glucose: Annotated[float, Field(ge=20, le=500)]


class Row(Features):
    """One row of training data: the features and the truth."""

    progression: Annotated[float, Field(ge=0, le=400)]


FEATURES = tuple(Features.model_fields)
