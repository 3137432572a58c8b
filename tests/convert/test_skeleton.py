"""The project around a converted package: the template's files where they fit, and a word on every one that is left out."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from tests.convert.helpers import converted, notebook

from mlready.cli.convert import convert as command
from mlready.convert import Conversion, Options, convert
from mlready.convert.card import CARD
from mlready.convert.environment import python_version
from mlready.convert.skeleton import NOT_FOR_NOTEBOOKS, PARTS
from mlready.errors import UsageError
from mlready.resources import templates_dir

TRAINING = (
    "#md # Churn\n\nWho will leave next month, so that somebody can call them before they do.",
    "import pandas as pd\nfrom sklearn.linear_model import LogisticRegression\n"
    "from sklearn.metrics import accuracy_score\nfrom sklearn.model_selection import train_test_split",
    "df = pd.read_csv('customers.csv')",
    "X_train, X_test, y_train, y_test = train_test_split(df[['a']], df['y'], test_size=0.2, random_state=42)",
    "model = LogisticRegression(C=0.5)\nmodel.fit(X_train, y_train)",
    "accuracy = accuracy_score(y_test, model.predict(X_test))\nprint(accuracy)",
)
COUNTING = ("xs = [1, 2, 3]", "total = sum(xs)\nprint(total)")


def environment(folder: Path, **versions: str) -> Path:
    """An interpreter with distributions beside it, as far as their metadata goes."""
    site = folder / "lib" / "python3.12" / "site-packages"
    for name, version in versions.items():
        info = site / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n", encoding="utf-8")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").touch()
    (folder / "pyvenv.cfg").write_text("version = 3.12.1\n", encoding="utf-8")
    return folder / "bin" / "python"


def names_in_template() -> set[str]:
    """Path of every file of the template, the folders of options left out."""
    skeleton = templates_dir() / "project" / "skeleton"
    paths = [path.relative_to(skeleton) for path in skeleton.rglob("*") if path.is_file()]
    plain = ["/".join(p for p in path.parts if p == "{{ package }}" or "{{" not in p) for path in paths]
    return {name.removesuffix(".jinja") for name in plain if name and "__pycache__" not in name}


def lines_left_out(done: Conversion) -> dict[str, str]:
    return {name: part["reason"] for part in done.content["skeleton"]["left_out"] for name in part["parts"]}


# ---------------------------------------------------------------------------------------------------- one home of texts


def test_every_file_of_the_template_is_taken_or_left_out_with_a_reason() -> None:
    patterns = [pattern for part in NOT_FOR_NOTEBOOKS for pattern in part.parts]
    others = {".gitlab-ci.yml", "azure-pipelines.yml"}
    for name in names_in_template() - others:
        left_out = any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        assert (name in PARTS) != left_out, name
    assert names_in_template() >= set(PARTS)


def test_the_record_and_the_page_say_what_is_left_out(tmp_path: Path) -> None:
    done = converted(tmp_path, *COUNTING)
    left_out = lines_left_out(done)
    assert left_out["dvc.yaml"]
    assert left_out["docs/model-card.md"] == "the notebook fits no model"
    page = (tmp_path / "project" / "CONVERSION.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in left_out)
    written = done.content["skeleton"]["written"]
    assert all((tmp_path / "project" / name).is_file() for name in written)


def test_nothing_is_written_for_what_is_not_there(tmp_path: Path) -> None:
    converted(tmp_path, *COUNTING)
    for name in ("params.yaml", "dvc.yaml", "compose.yaml", "deploy", "uv.lock", ".copier-answers.yml", "docs"):
        assert not (tmp_path / "project" / name).exists(), name
    texts = [
        (tmp_path / "project" / name).read_text(encoding="utf-8") for name in PARTS if name not in (".gitignore", CARD)
    ]
    for word in ("mypy", "champion", "params.yaml", "mlflow", "uv.lock", "make train", "drift"):
        assert not any(word in text for text in texts), word


# ------------------------------------------------------------------------------------------------------ what is written


@pytest.mark.parametrize("cells", [TRAINING, COUNTING], ids=["training", "counting"])
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "free"])
def test_every_part_parses_and_passes_its_checker(cells: tuple[str, ...], locked: bool, tmp_path: Path) -> None:
    known = {"pandas": "2.2", "scikit_learn": "1.6", "joblib": "1.4"} if locked else {"six": "1.0"}
    python = environment(tmp_path / "env", **known)
    path = notebook(tmp_path / "book.ipynb", *cells)
    root = tmp_path / "project"
    done = convert([path], Options(into=root, package="made", python=python))
    done.changes.apply()
    tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    for name in PARTS:
        text = (root / name).read_text(encoding="utf-8") if (root / name).exists() else "# left out\n"
        assert not re.search(r"\{%|%\}|(?<!\$)\{\{", text), name
        assert re.search(r"[^\n]\n\Z", text), name
        if name.endswith((".yml", ".yaml")):
            assert yaml.safe_load(text), name
    ci = ".github/workflows/ci.yml"
    for tool in (
        ["hadolint", "Dockerfile"],
        ["actionlint", ci],
        ["zizmor", "--offline", "--quiet", "--persona", "pedantic", ".github"],
        ["check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"],
    ):
        program = Path(sys.executable).with_name(tool[0])
        checked = subprocess.run([program, *tool[1:]], cwd=root, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_targets_and_files_that_are_named_exist(tmp_path: Path) -> None:
    converted(tmp_path, *TRAINING)
    root = tmp_path / "project"
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for name in (".github/workflows/ci.yml", "README.md", ".devcontainer/devcontainer.json", ".pre-commit-config.yaml"):
        assert set(re.findall(r"\bmake ([a-z]+)", (root / name).read_text(encoding="utf-8"))) <= targets, name
    for allowed in re.findall(r"^!(.+)$", (root / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE):
        assert (root / allowed).exists(), allowed


def test_python_and_versions_are_those_of_the_notebook(tmp_path: Path) -> None:
    python = environment(tmp_path / "env", pandas="2.2.3", scikit_learn="1.6.1", joblib="1.4.2")
    path = notebook(tmp_path / "book.ipynb", *TRAINING)
    files = convert([path], Options(into=tmp_path / "out", package="made", python=python)).changes.files
    assert 'requires-python = ">=3.12"' in files["pyproject.toml"]
    assert "python:3.12.11-slim" in files["Dockerfile"]
    assert "pandas==2.2.3" in files["requirements.lock"]
    assert "-r requirements.lock" in files["Makefile"]


def test_without_versions_there_is_no_lock_and_nothing_names_one(tmp_path: Path) -> None:
    python = environment(tmp_path / "env", six="1.0")
    path = notebook(tmp_path / "book.ipynb", *TRAINING)
    files = convert([path], Options(into=tmp_path / "out", package="made", python=python)).changes.files
    assert "requirements.lock" not in files
    assert not any("requirements.lock" in files[name] for name in PARTS)


def test_the_python_of_an_environment_is_read_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "conda" / "lib" / "python3.13" / "site-packages").mkdir(parents=True)
    assert python_version(tmp_path / "conda" / "bin" / "python") == "3.13"
    assert python_version(tmp_path / "none" / "bin" / "python") == f"3.{sys.version_info.minor}"


def test_coverage_is_asked_for_only_where_nothing_can_be_missing(tmp_path: Path) -> None:
    complete = converted(tmp_path / "a", *COUNTING).changes.files["Makefile"]
    reading = converted(tmp_path / "b", *TRAINING).changes.files["Makefile"]
    assert "--cov-fail-under=80" in complete
    assert "--cov" not in reading


def test_the_model_card_has_the_facts_of_the_code(tmp_path: Path) -> None:
    card = converted(tmp_path, *TRAINING).changes.files["docs/model-card.md"]
    for fact in (
        "> Who will leave next month",
        "`sklearn.linear_model.LogisticRegression`",
        "`C`: `0.5`",
        "`customers.csv`",
        "`sklearn.model_selection.train_test_split` (seed 42)",
        "`sklearn.metrics.accuracy_score`",
    ):
        assert fact in card


def test_several_notebooks_have_a_command_each(tmp_path: Path) -> None:
    paths = [notebook(tmp_path / f"{name}.ipynb", *COUNTING) for name in ("one", "two")]
    files = convert(paths, Options(into=tmp_path / "out", package="made")).changes.files
    scripts = tomllib.loads(files["pyproject.toml"])["project"]["scripts"]
    assert scripts == {"made-one": "made.one.__main__:main", "made-two": "made.two.__main__:main"}
    assert "\tpython -m made.one\n\tpython -m made.two\n" in files["Makefile"]


# --------------------------------------------------------------------------------------------------- an existing project


def test_parts_that_the_folder_has_are_left_alone_and_named(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "README.md").write_text("mine", encoding="utf-8")
    (root / "Makefile").write_text("run:\n", encoding="utf-8")
    done = converted(tmp_path, *COUNTING)
    assert (root / "README.md").read_text(encoding="utf-8") == "mine"
    left_out = lines_left_out(done)
    assert left_out["README.md"] == "the folder has its own"
    assert left_out[".github/workflows/ci.yml"] == "it is written for our Makefile"
    assert not (root / ".github" / "workflows").exists()
    assert (root / "Dockerfile").exists()


def test_what_the_same_run_wrote_before_is_no_part_of_the_folders_own(tmp_path: Path) -> None:
    first = converted(tmp_path, *COUNTING)
    path = notebook(tmp_path / "book.ipynb", *COUNTING, "#md ## Then", "again = total + 1")
    options = Options(into=tmp_path / "project", package="made", ours=frozenset(first.changes.files))
    assert "README.md" in convert([path], options).changes.files
    assert "README.md" not in convert([path], replace(options, ours=frozenset())).changes.files


def test_force_takes_the_parts_over(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "README.md").write_text("mine", encoding="utf-8")
    path = notebook(tmp_path / "book.ipynb", *COUNTING)
    result = CliRunner().invoke(command, [str(path), "--into", str(root), "--force"])
    assert result.exit_code == 0, result.output
    assert "make setup" in (root / "README.md").read_text(encoding="utf-8")


def test_an_existing_manifest_gets_groups_and_tools_and_keeps_its_own(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    manifest = root / "pyproject.toml"
    manifest.write_text(
        '# mine\n[build-system]\nrequires = ["setuptools"]\n\n[project]\nname = "theirs"\nversion = "3"\n'
        'dependencies = ["pandas>=1"]  # keep\n\n[tool.ruff]\nline-length = 99\n',
        encoding="utf-8",
    )
    converted(tmp_path, *TRAINING)
    text = manifest.read_text(encoding="utf-8")
    content = tomllib.loads(text)
    assert "# mine" in text
    assert content["project"]["name"] == "theirs"
    assert [entry.split("=")[0] for entry in content["project"]["dependencies"]] == [
        "pandas>",
        "joblib",
        "scikit-learn",
    ]
    assert content["build-system"] == {"requires": ["setuptools"]}
    assert content["tool"]["ruff"]["line-length"] == 99
    assert any(entry.startswith("pytest") for entry in content["dependency-groups"]["dev"])
    again = convert([tmp_path / "book.ipynb"], Options(into=root, package="made"))
    assert "pyproject.toml" not in again.changes.files


def test_how_they_build_their_package_stays_theirs(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    theirs = '[project]\nname = "theirs"\nversion = "3"\n\n[tool.hatch.build.targets.wheel]\npackages = ["lib"]\n'
    (root / "pyproject.toml").write_text(theirs, encoding="utf-8")
    converted(tmp_path, *COUNTING)
    content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert content["tool"]["hatch"] == {"build": {"targets": {"wheel": {"packages": ["lib"]}}}}


@pytest.mark.parametrize("content", [b"[project", b'name = "\xff"\n'])
def test_a_manifest_that_cannot_be_read_stops_everything(content: bytes, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_bytes(content)
    path = notebook(tmp_path / "book.ipynb", *COUNTING)
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        convert([path], Options(into=root, package="made"))
    assert [entry.name for entry in root.iterdir()] == ["pyproject.toml"]


def test_package_only_adds_dependencies_to_the_manifest_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "theirs"\nversion = "3"\n', encoding="utf-8")
    path = notebook(tmp_path / "nb" / "book.ipynb", *TRAINING)
    done = convert([path], Options(into=tmp_path, package="made", package_only=True))
    content = tomllib.loads(done.changes.files["pyproject.toml"])
    assert content.keys() == {"project"}
    assert len(content["project"]["dependencies"]) == 3
    assert all(name.startswith("made/") for name in done.changes.files if name != "pyproject.toml")


def test_the_plan_names_the_parts_that_stay(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "README.md").write_text("mine", encoding="utf-8")
    path = notebook(tmp_path / "book.ipynb", *COUNTING)
    result = CliRunner().invoke(command, [str(path), "--into", str(root), "--dry-run"])
    assert "left alone: README.md (the folder has its own)" in result.output


def test_a_title_cannot_break_the_manifest(tmp_path: Path) -> None:
    path = notebook(tmp_path / 'odd "name" \\ here.ipynb', *COUNTING)
    done = convert([path], Options(into=tmp_path / "out", package="made"))
    assert tomllib.loads(done.changes.files["pyproject.toml"])["project"]["description"] == "Odd name here"
    assert json.loads(done.changes.files["conversion.json"])


# ----------------------------------------------------------------------------------------------------- what a run leaves


FITTING = (
    "from sklearn.datasets import load_iris\nfrom sklearn.metrics import accuracy_score\n"
    "from sklearn.tree import DecisionTreeClassifier",
    "X, y = load_iris(return_X_y=True)",
    "model = DecisionTreeClassifier(max_depth=2, random_state=0)\nmodel.fit(X, y)",
    "predicted = model.predict(X)\naccuracy = accuracy_score(y, predicted)",
    "print(accuracy)\ntree = DecisionTreeClassifier()\nprint(tree)",
)


STANDING_IN = {
    "joblib.py": "import pickle\n\n\ndef dump(value, path):\n    path.write_bytes(pickle.dumps(value))\n",
    "sklearn/__init__.py": "",
    "sklearn/datasets.py": "def load_iris(return_X_y):\n    return [[1], [2]], [0, 1]\n",
    "sklearn/metrics.py": "def accuracy_score(y, predicted):\n    return 0.5\n",
    "sklearn/tree.py": "class DecisionTreeClassifier:\n    def __init__(self, **settings):\n        pass\n\n"
    "    def fit(self, X, y):\n        self.y = y\n        {hook}\n\n    def predict(self, X):\n        return self.y\n",
}
"""The few names of scikit-learn that FITTING uses; what is tested is what the written command does with them."""


def run_made(folder: Path, *, hook: str) -> subprocess.CompletedProcess[str]:
    converted(folder, *FITTING)
    for name, text in STANDING_IN.items():
        (folder / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "site" / name).write_text(text.replace("{hook}", hook), encoding="utf-8")
    path = f"{folder / 'site'}:{folder / 'project' / 'src'}"
    run = [sys.executable, "-m", "made"]
    return subprocess.run(
        run, cwd=folder / "project", env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )


def test_a_run_leaves_the_fitted_models_and_the_metrics(tmp_path: Path) -> None:
    run_made(tmp_path, hook="pass")
    outputs = tmp_path / "project" / "outputs"
    assert {path.name for path in outputs.iterdir()} == {"model.joblib", "metrics.json"}
    assert json.loads((outputs / "metrics.json").read_text(encoding="utf-8")) == {"accuracy": 0.5}


def test_a_model_that_cannot_be_saved_is_named_and_stops_nothing(tmp_path: Path) -> None:
    done = run_made(tmp_path, hook="self.f = lambda: 1")
    assert "model was not saved: " in done.stderr
    assert [path.name for path in (tmp_path / "project" / "outputs").iterdir()] == ["metrics.json"]


def test_models_and_metrics_are_results_though_later_steps_use_them(tmp_path: Path) -> None:
    done = converted(tmp_path, *FITTING)
    assert set(done.plans[0].results) >= {"model", "accuracy"}
    assert "tree" not in done.plans[0].results
    assert "save_models(results, ('model',)" in done.changes.files["src/made/__main__.py"].replace('"', "'")
    assert "joblib" in done.changes.files["pyproject.toml"]


def test_without_a_model_nothing_saves_one(tmp_path: Path) -> None:
    done = converted(tmp_path, *COUNTING)
    assert not any("joblib" in text or "save_models" in text for text in done.changes.files.values())


def test_the_columns_of_the_data_beside_the_notebook_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("a,name,y\n1,x,0\n2.5,,1\n", encoding="utf-8")
    done = converted(tmp_path, *TRAINING)
    assert "'a': 'number', 'name': 'text', 'y': 'number'" in plain(done.changes.files["src/made/inputs.py"])
    assert "check_inputs(config)" in done.changes.files["src/made/__main__.py"]
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_inputs.py"]
    ran = subprocess.run(test, cwd=tmp_path / "project", capture_output=True, text=True, check=False)
    assert "2 passed, 1 skipped" in ran.stdout, ran.stdout
    (tmp_path / "project" / "customers.csv").write_text("a,name,y\n1,x,high\n", encoding="utf-8")
    ran = subprocess.run(test, cwd=tmp_path / "project", capture_output=True, text=True, check=False)
    assert "y is no number: 'high'" in ran.stdout


@pytest.mark.parametrize(
    ("read", "content"),
    [
        ("pd.read_csv('customers.csv', header=None)", "1,x,0\n"),
        ("pd.read_csv('customers.csv', names=['a', 'b'])", "1,x\n"),
        ("pd.read_csv('customers.csv', skiprows=1)", "hello\na,b\n1,2\n"),
        ("pd.read_csv('customers.csv', sep=r'\\s+')", "a b\n1 2\n"),
        ("pd.read_csv('customers.csv')", "a,a\n1,2\n"),
        ("pd.read_csv('customers.csv')", "a,b\n"),
        ("pd.read_csv('customers.csv')", ""),
        ("pd.read_csv('elsewhere.csv')", "a,b\n1,2\n"),
        ("pd.read_parquet('customers.csv')", "a,b\n1,2\n"),
    ],
)
def test_what_the_first_line_does_not_say_is_not_asked_for(read: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(content, encoding="utf-8")
    files = converted(tmp_path, "import pandas as pd", f"df = {read}", "print(df)").changes.files
    assert "src/made/inputs.py" not in files
    assert "tests/test_inputs.py" not in files


def test_separators_and_places_of_columns_are_understood(tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_bytes(b"\xef\xbb\xbfa\tb\n1\t2\n")
    (tmp_path / "two.csv").write_text("a;b\n1;x\n", encoding="utf-8")
    reads = "one = pd.read_table('one.tsv')\ntwo = pd.read_csv('two.csv', sep=';', index_col='a')"
    text = converted(tmp_path, "import pandas as pd", reads, "print(one, two)").changes.files["src/made/inputs.py"]
    assert "'one_path': {'a': 'number', 'b': 'number'}" in plain(text)
    assert "'two_path': {'a': 'number', 'b': 'text'}" in plain(text)
    assert "';'" in plain(text)


def plain(code: str) -> str:
    """Code on one line, with single quotes and no trailing commas."""
    return re.sub(r",? ([}])", r"\1", re.sub(r"([{]) ", r"\1", " ".join(code.replace('"', "'").split())))


@pytest.mark.parametrize(
    ("cell", "saves"),
    [
        ("n = len(xs)", True),
        ("share = sum(xs) / 3", True),
        ("label = str(xs)", False),
        ("ys = [x + 1 for x in xs]", False),
    ],
)
def test_numbers_are_saved_where_there_may_be_some(cell: str, saves: bool, tmp_path: Path) -> None:
    files = converted(tmp_path, "xs = list(range(3))", cell).changes.files
    assert ("save_numbers" in files["src/made/__main__.py"]) == saves
    assert ("results.json" in files["README.md"]) == saves


def test_two_notebooks_keep_their_results_apart(tmp_path: Path) -> None:
    paths = [notebook(tmp_path / f"{name}.ipynb", "xs = [1, 2]", "n = len(xs)") for name in ("one", "two")]
    files = convert(paths, Options(into=tmp_path / "out", package="made")).changes.files
    assert '"outputs/one/results.json"' in files["src/made/one/__main__.py"]
    assert '"outputs/two/results.json"' in files["src/made/two/__main__.py"]
