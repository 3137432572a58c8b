"""When a repository is several projects."""

from __future__ import annotations

import pytest
from tests.project.trees import project

from mlready.audit import AuditOptions, choose_profile, judge_project
from mlready.config import Config
from mlready.project.subprojects import find_subprojects

TRAIN = "from sklearn.svm import SVC\nSVC().fit([[1], [2]], [1, 2])\n"
NEEDS = "scikit-learn\n"


def folders(files: dict[str, str]) -> list[str]:
    return [part.base for part in find_subprojects(project(files))]


def trainer(folder: str) -> dict[str, str]:
    return {f"{folder}/train.py": TRAIN, f"{folder}/requirements.txt": NEEDS}


def test_folders_that_declare_and_train_on_their_own_are_projects() -> None:
    assert folders({**trainer("price"), **trainer("demand")}) == ["demand", "price"]


@pytest.mark.parametrize(
    "files",
    [
        {"train.py": TRAIN, "requirements.txt": NEEDS},
        trainer("model"),
        {**trainer("model"), "api/app.py": "print(1)\n", "api/requirements.txt": "fastapi\n"},
        {"a/train.py": TRAIN, "b/train.py": TRAIN, "requirements.txt": NEEDS},
        {**trainer("examples/one"), **trainer("examples/two")},
        {**trainer("tutorials/1"), **trainer("docs/2")},
    ],
    ids=["root", "one folder", "training beside serving", "one manifest for both", "examples", "tutorials"],
)
def test_one_project(files: dict[str, str]) -> None:
    assert folders(files) == []


def test_the_outermost_folder_is_the_project() -> None:
    assert folders({**trainer("price"), **trainer("price/inner"), **trainer("demand")}) == ["demand", "price"]


def test_what_stands_at_the_root_counts_for_all_and_siblings_do_not_see_each_other() -> None:
    ci = "on: push\njobs:\n  t:\n    runs-on: x\n    steps:\n      - run: pytest\n"
    files = {**trainer("price"), **trainer("demand"), ".github/workflows/ci.yml": ci}
    demand, price = find_subprojects(project(files))
    assert set(price.by_path) == {"price/train.py", "price/requirements.txt", ".github/workflows/ci.yml"}
    assert price.by_path[".github/workflows/ci.yml"].shared
    assert not price.by_path["price/train.py"].shared
    assert demand.automations


def test_a_finding_without_a_place_names_the_projects_that_it_is_true_of() -> None:
    reads = "import pandas as pd\nrows = pd.read_csv('rows.csv')\n"
    checks = "import pandera as pa\npa.DataFrameSchema({}).validate(rows)\n"
    files = {**trainer("demand"), **trainer("price"), **trainer("stock")}
    files |= {f"{name}/train.py": reads + TRAIN for name in ("demand", "stock")}
    files["price/train.py"] = reads + checks + TRAIN
    report = judge_project(
        project(files), profile=choose_profile("production"), config=Config(), options=AuditOptions()
    )
    told = {rule.id: [s.message for s in rule.sites if s.credit < 1] for f in report.main.factors for rule in f.rules}
    assert told["FEA001"] == ["nothing declares which columns the data has, and of which types (in demand, stock)"]
    assert told["TST001"] == ["there are no tests"]
