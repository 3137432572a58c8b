"""The preprocessing: part of the model's pipeline, so that serving can only use what training fitted."""

from __future__ import annotations

from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .schema import FEATURES

CATEGORIES = ("sex",)


def preprocessing() -> ColumnTransformer:
    """Encode the categories and standardize the rest; columns are chosen by name."""
    numbers = [name for name in FEATURES if name not in CATEGORIES]
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), numbers),
            ("categories", OneHotEncoder(drop="if_binary", handle_unknown="ignore"), list(CATEGORIES)),
        ]
    )
