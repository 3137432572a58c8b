"""Ten findings that show whether the audit understands a repository: small trees in, the words and the place out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from mlready.audit import AuditOptions, audit_path
from mlready.config import Config
from mlready.findings import Site
from mlready.rules.examples import percent_to_notebook


@pytest.fixture
def findings(tmp_path: Path) -> FindingsOf:
    return FindingsOf(tmp_path)


class FindingsOf:
    """Writes a tree, commits it, audits it and gives the broken or partly met sites of a rule."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, rule: str, files: dict[str, str]) -> list[Site]:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            plain = dedent(text).lstrip("\n")
            path.write_text(json.dumps(percent_to_notebook(plain), indent=1) if name.endswith(".ipynb") else plain)
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All"]):
            identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
            subprocess.run(["git", *identity, *command], cwd=self.folder, check=True)
        options = AuditOptions(external=False, use_cache=False)
        report = audit_path(self.folder, config=Config(), options=options).report
        result = next(r for r in report.main.rules if r.id == rule)
        return [site for site in result.sites if site.credit < 1]


def _place(site: Site) -> tuple[str, int]:
    assert site.where is not None
    return site.where.path, site.where.line


CELLS_BEFORE = "\n".join(f"# %%\ncolumn_{i} = data['f{i}'].describe()\n" for i in range(12))

LEAKY_NOTEBOOK = f"""
# %%
import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
data = pd.read_csv("data/churn.csv")
{CELLS_BEFORE}
# %%
scaler = StandardScaler()
X = scaler.fit_transform(data.drop(columns=["churn"]))
# %%
y = data["churn"]
# %%
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
# %%
model = LogisticRegression().fit(X_train, y_train)
print(f1_score(y_test, model.predict(X_test)))
joblib.dump(model, "models/churn.joblib")
"""

SERVING_API = """
import joblib
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load("models/churn.joblib")


class Customer(BaseModel):
    age: int
    income: float


@app.post("/predict")
def predict(customer: Customer) -> dict:
    return {"churn": int(model.predict([[customer.age, customer.income]])[0])}
"""


def test_a_scaler_fitted_before_the_split_and_the_service_of_that_model(findings: FindingsOf) -> None:
    sites = findings("SKW005", {"notebooks/churn.ipynb": LEAKY_NOTEBOOK, "service/api.py": SERVING_API})
    (site,) = sites
    assert site.where is not None
    assert (site.where.path, site.where.cell, site.where.line) == ("notebooks/churn.ipynb", 14, 2)
    assert "StandardScaler is fitted in cell 14, before the split in cell 16" in site.message
    assert "service/api.py:6 serves this model" in site.message


def test_serving_fills_zero_where_training_fills_the_median(findings: FindingsOf) -> None:
    sites = findings(
        "SKW003",
        {
            "train.py": """
                import joblib
                import pandas as pd
                from sklearn.linear_model import LogisticRegression


                def main():
                    data = pd.read_csv("data/churn.csv")
                    data["income"] = data["income"].fillna(data["income"].median())
                    model = LogisticRegression().fit(data[["age", "income"]], data["churn"])
                    joblib.dump(model, "models/churn.joblib")


                if __name__ == "__main__":
                    main()
                """,
            "api.py": """
                import joblib
                import pandas as pd
                from fastapi import FastAPI
                from pydantic import BaseModel

                app = FastAPI()
                model = joblib.load("models/churn.joblib")


                class Customer(BaseModel):
                    age: int
                    income: float | None


                @app.post("/predict")
                def predict(customer: Customer) -> dict:
                    row = pd.DataFrame([customer.model_dump()])
                    row["income"] = row["income"].fillna(0)
                    return {"churn": int(model.predict(row)[0])}
                """,
        },
    )
    site = next(s for s in sites if s.where and s.where.path == "api.py")
    assert _place(site) == ("api.py", 18)
    assert "0" in site.message
    assert "median" in site.message


def test_a_request_that_lacks_a_feature(findings: FindingsOf) -> None:
    sites = findings(
        "FEA007",
        {
            "features.py": 'FEATURES = ["age", "income", "plan", "region", "tenure"]\n',
            "train.py": """
                import joblib
                import pandas as pd
                from sklearn.ensemble import RandomForestClassifier

                from features import FEATURES


                def main():
                    data = pd.read_csv("data/churn.csv")
                    model = RandomForestClassifier(random_state=0).fit(data[FEATURES], data["churn"])
                    joblib.dump(model, "models/churn.joblib")


                if __name__ == "__main__":
                    main()
                """,
            "api.py": """
                import joblib
                import pandas as pd
                from fastapi import FastAPI
                from pydantic import BaseModel

                app = FastAPI()
                model = joblib.load("models/churn.joblib")


                class Customer(BaseModel):
                    age: int
                    income: float
                    plan: str
                    region: str


                @app.post("/predict")
                def predict(customer: Customer) -> dict:
                    return {"churn": int(model.predict(pd.DataFrame([customer.model_dump()]))[0])}
                """,
        },
    )
    (site,) = sites
    assert _place(site) == ("api.py", 10)
    assert "4 fields and training uses 5" in site.message
    assert "tenure" in site.message


def test_the_image_installs_another_version_than_training_locks(findings: FindingsOf) -> None:
    sites = findings(
        "SKW007",
        {
            "requirements.txt": "scikit-learn==1.4.2\npandas==2.2.2\n",
            "train.py": """
                import joblib
                import pandas as pd
                from sklearn.svm import SVC

                if __name__ == "__main__":
                    data = pd.read_csv("data/churn.csv")
                    joblib.dump(SVC().fit(data[["age"]], data["churn"]), "model.joblib")
                """,
            "service/requirements.txt": "scikit-learn==1.3.0\nfastapi==0.115.0\n",
            "service/Dockerfile": """
                FROM python:3.11-slim
                COPY service/requirements.txt /tmp/requirements.txt
                RUN pip install -r /tmp/requirements.txt
                COPY service /app
                CMD ["uvicorn", "service.api:app"]
                """,
            "service/api.py": SERVING_API,
        },
    )
    said = " ".join(site.message for site in sites)
    assert "1.4.2" in said
    assert "1.3.0" in said
    assert "scikit-learn" in said
    assert any(site.where and site.where.path.startswith("service/") for site in sites)


TRAINING = """
import joblib
import pandas as pd
from sklearn.svm import SVC


def main():
    data = pd.read_csv("data/churn.csv")
    model = SVC(C=1.0).fit(data[["age"]], data["churn"])
    joblib.dump(model, "models/model.pkl")


if __name__ == "__main__":
    main()
"""


def test_every_run_overwrites_the_model(findings: FindingsOf) -> None:
    (site,) = findings("VER005", {"train.py": TRAINING})
    assert _place(site) == ("train.py", 9)
    assert site.message == "every run overwrites models/model.pkl: nobody can roll back"


def test_the_schedule_trains_on_data_committed_to_git(findings: FindingsOf) -> None:
    workflow = """
        name: retrain
        on:
          schedule:
            - cron: "0 3 * * 1"
        jobs:
          train:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - run: pip install -r requirements.txt
              - run: python train.py
        """
    table = "age,churn\n31,0\n52,1\n"
    (site,) = findings(
        "DRF002", {"train.py": TRAINING, "data/churn.csv": table, ".github/workflows/retrain.yml": workflow}
    )
    assert _place(site) == (".github/workflows/retrain.yml", 11)
    assert "data committed to git" in site.message
    assert "python train.py" in site.message


def test_dvc_without_its_lock_and_with_a_remote_in_tmp(findings: FindingsOf) -> None:
    sites = findings(
        "VER011",
        {
            "train.py": TRAINING,
            ".gitignore": "dvc.lock\ndata/\nmodels/\n",
            ".dvc/config": "[core]\n    remote = local\n['remote \"local\"']\n    url = /tmp/dvc-store\n",
            "dvc.yaml": """
                stages:
                  train:
                    cmd: python train.py
                    deps:
                      - data/churn.csv
                    outs:
                      - models/model.pkl
                """,
        },
    )
    said = {site.where.path: site.message for site in sites if site.where}
    assert "dvc.lock" in said["dvc.yaml"]
    assert "ignored" in said["dvc.yaml"]
    assert "/tmp/dvc-store" in said[".dvc/config"]


def test_a_configuration_that_nothing_reads(findings: FindingsOf) -> None:
    sites = findings(
        "DES006",
        {
            "configs/train.yaml": "lr: 0.01\nepochs: 20\n",
            "train.py": """
                import torch


                def main(model, batches, loss_of):
                    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
                    for batch in batches:
                        optimizer.zero_grad()
                        loss_of(model, batch).backward()
                        optimizer.step()


                if __name__ == "__main__":
                    main(torch.nn.Linear(3, 1), [], None)
                """,
        },
    )
    site = next(s for s in sites if "nothing reads it" in s.message)
    assert _place(site) == ("train.py", 5)
    assert site.message == "configs/train.yaml says lr 0.01, nothing reads it, and SGD has 0.1"


def test_the_model_is_loaded_for_each_request(findings: FindingsOf) -> None:
    (site,) = findings(
        "DEP013",
        {
            "api.py": """
                import joblib
                from fastapi import FastAPI
                from pydantic import BaseModel

                app = FastAPI()


                class Customer(BaseModel):
                    age: int


                @app.post("/predict")
                def predict(customer: Customer) -> dict:
                    model = joblib.load("models/churn.joblib")
                    return {"churn": int(model.predict([[customer.age]])[0])}
                """,
        },
    )
    assert _place(site) == ("api.py", 14)
    assert "joblib.load" in site.message
    assert "request" in site.message


TESTED_WITHOUT_TRAINING = {
    "train.py": TRAINING,
    "text.py": "def clean(word):\n    word = word.strip()\n    return word.lower()\n",
    "tests/test_text.py": 'from text import clean\n\n\ndef test_clean():\n    assert clean(" A ") == "a"\n',
    ".github/workflows/ci.yml": """
        name: ci
        on: [push, pull_request]
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - run: pip install -r requirements.txt
              - run: pytest
        """,
    "README.md": """
        # Churn

        ```bash
        pip install -r requirements.txt
        python scripts/run_training.py
        ```
        """,
}


def test_tests_run_in_ci_and_none_reaches_training(findings: FindingsOf) -> None:
    (site,) = findings("TST004", TESTED_WITHOUT_TRAINING)
    assert site.credit == 0
    assert "no test" in site.message
    assert "train" in site.message


def test_the_command_of_the_readme_does_not_exist(findings: FindingsOf) -> None:
    (site,) = findings("DES009", TESTED_WITHOUT_TRAINING)
    assert _place(site) == ("README.md", 5)
    assert site.message == "the README's command does not exist: python scripts/run_training.py"
