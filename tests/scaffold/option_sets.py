"""The option sets of the template: every combination that makes a difference."""

from __future__ import annotations

import itertools

from mlready.scaffold.questions import read_questions
from mlready.scaffold.template import shipped

# As long as a name may be, so that lines with the name in them are checked at their longest.
NAME = "predicted-churn-risk-of-premium-accounts"
CHOICES = {question.name: question.choices for question in read_questions(shipped().folder) if question.choices}


def every_combination() -> list[dict[str, str]]:
    """All answers of a full project, and of a minimal one (which has no tracking and no serving)."""
    full = [dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())]
    minimal = [
        {"task": task, "ci": ci, "minimal": "true"} for task, ci in itertools.product(CHOICES["task"], CHOICES["ci"])
    ]
    return full + minimal


def name_of(answers: dict[str, str]) -> str:
    """A readable name: classification-mlflow-fastapi-github."""
    return "-".join("minimal" if key == "minimal" else value for key, value in answers.items())
