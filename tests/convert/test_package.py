"""What the written package looks like, and how it is written."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.convert.helpers import all_source, converted, notebook, notes, source_of

from mlready.cli.convert import convert as command
from mlready.convert import Options, convert
from mlready.errors import UsageError

TRAINING = (
    "#md # Churn\n\nSome prose.",
    "import numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import LogisticRegression\n"
    "from sklearn.metrics import accuracy_score\nfrom sklearn.model_selection import train_test_split\n"
    "import matplotlib.pyplot as plt\nimport json",
    "#md ## Load the data",
    "df = pd.read_csv('data/customers.csv')  # all of them\ndf.head()",
    "#md ## Preparing the features",
    "# no missing values\ndf = df.dropna()\ndf['ratio'] = df['a'] / df['b']\nX = df[['a', 'ratio']]\ny = df['churn']",
    "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)",
    "#md ## Train",
    "C = 0.5\nmodel = LogisticRegression(C=C, max_iter=500, random_state=42)\nmodel.fit(X_train, y_train)",
    "#md ## Evaluation",
    "predicted = model.predict(X_test)\naccuracy = accuracy_score(y_test, predicted)\nprint(accuracy)\naccuracy",
    "#md ## Figures",
    "plt.figure()\nplt.hist(df['ratio'])\nplt.show()",
)


def test_modules_by_activity_and_names_from_headings(tmp_path: Path) -> None:
    stages = converted(tmp_path, *TRAINING).plans[0].stages
    assert {stage.module for stage in stages} >= {"data", "features", "training", "evaluation", "plots"}
    assert {stage.name for stage in stages} >= {"load_data", "evaluate_evaluation"} or [stage.name for stage in stages]


def test_settings_hold_paths_seeds_sizes_and_named_constants(tmp_path: Path) -> None:
    config = source_of(converted(tmp_path, *TRAINING), "config")
    for line in (
        'customers_path: str = "data/customers.csv"',
        "seed: int = 42",
        "test_size: float = 0.2",
        "C: float = 0.5",
        "max_iter: int = 500",
    ):
        assert line in config


def test_comments_survive_and_unused_imports_do_not(tmp_path: Path) -> None:
    done = converted(tmp_path, *TRAINING)
    assert "# no missing values" in all_source(done)
    assert "# all of them" in all_source(done)
    assert not any("import json" in source_of(done, stage.module) for stage in done.plans[0].stages)
    assert (2, "dropped", "import json: never used") in notes(done)


def test_code_that_reads_many_settings_takes_the_configuration(tmp_path: Path) -> None:
    settings = "A = 1\nB = 2\nC = 3\nD = 4\nE = 5"
    done = converted(
        tmp_path, settings, "def area(x):\n    return x * A + B - C * D + E", "y = area(2)\nprint(A, y)", "print(A, B)"
    )
    source = source_of(done, "analysis")
    assert "def area(config: Config, x):" in source
    assert "y = area(config, 2)\n    print(config.A, y)" in source
    assert not any("mlready_token" in text for text in done.changes.files.values())
    step = done.plans[0].stages[0]
    assert len(step.parameters) == 1
    assert step.from_config == ("A", "B")


def test_few_settings_stay_parameters(tmp_path: Path) -> None:
    done = converted(tmp_path, "A = 1\nB = 2", "def area(x):\n    return x * A + B", "y = area(2)\nprint(A, y)")
    assert "def area(A, B, x):" in source_of(done, "analysis")


def test_no_step_reads_a_global(tmp_path: Path) -> None:
    done = converted(tmp_path, *TRAINING)
    for stage in done.plans[0].stages:
        tree = ast.parse(source_of(done, stage.module))
        top = {name for node in tree.body if isinstance(node, ast.Assign) for name in map(ast.unparse, node.targets)}
        assert not top
    assert "exec(" not in all_source(done)
    assert "globals()" not in all_source(done)


def test_the_package_passes_ruff(tmp_path: Path) -> None:
    done = converted(tmp_path, *TRAINING, "s = '%s' % dict(a=1)\nl = lambda x: x == None\n#\nlen(s)  # noqa: E501")
    assert "ruff: noqa" not in all_source(done)
    assert 's = "%s" % dict(a=1)  # noqa: C408, UP031\n' in all_source(done)
    ruff = Path(sys.executable).with_name("ruff")
    for arguments in (["check"], ["format", "--check"]):
        run = subprocess.run(
            [ruff, *arguments, "--isolated", "--no-cache", "."],
            cwd=tmp_path / "project",
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout


def test_a_string_that_a_backslash_continues_is_not_broken_by_a_mark(tmp_path: Path) -> None:
    done = converted(tmp_path, "n = [1]\nn.append(2)", 's = "{} and\\n \\\n  more".format(n)\nprint(s)')
    assert "# ruff: noqa: UP032" in all_source(done)
    assert '"{} and\\n \\\n  more".format(n)' in all_source(done)


def test_written_tests_pass_without_mlready(tmp_path: Path) -> None:
    converted(tmp_path, "N = 3\nxs = list(range(N))", "total = sum(xs)\nprint(total)")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in done.stdout, done.stdout
    assert "mlready" not in all_source(
        convert([tmp_path / "book.ipynb"], Options(into=tmp_path / "project", package="made"))
    )


def test_every_cell_has_a_place_in_the_record(tmp_path: Path) -> None:
    done = converted(tmp_path, *TRAINING, "!make", "print 'old'")
    record = json.loads((tmp_path / "project" / "conversion.json").read_text())
    cells = record["notebooks"][0]["cells"]
    assert [cell["number"] for cell in cells] == list(range(1, len(TRAINING) + 3))
    assert all(cell["to"] for cell in cells[:-1])
    assert cells[-1]["text"] == "print 'old'"
    assert any(note["kind"] == "refused" for note in cells[-1]["notes"])
    assert done.content == record


def test_the_thin_notebook_keeps_the_prose_and_calls_the_steps(tmp_path: Path) -> None:
    converted(tmp_path, *TRAINING)
    thin = json.loads((tmp_path / "project" / "notebooks" / "book.ipynb").read_text())
    sources = ["".join(cell["source"]) for cell in thin["cells"]]
    assert "# Churn\n\nSome prose." in sources
    assert any("load_data(config.customers_path)" in source for source in sources)


# ------------------------------------------------------------------------------------------------------------- writing


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    mine = tmp_path / "project" / "src" / "made" / "pipeline.py"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UsageError, match=r"would overwrite src/made/pipeline\.py"):
        converted(tmp_path, "a = 1")
    assert [path for path in (tmp_path / "project").rglob("*") if path.is_file()] == [mine]
    done = convert([tmp_path / "book.ipynb"], Options(into=tmp_path / "project", package="made", force=True))
    done.changes.apply(force=True)
    assert mine.read_text() != "mine"


def test_all_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "made").write_text("a file where a folder has to be")
    with pytest.raises(UsageError, match="cannot write"):
        converted(tmp_path, "a = 1")
    found = sorted(path.relative_to(tmp_path / "project").as_posix() for path in (tmp_path / "project").rglob("*"))
    assert found == ["src", "src/made"]


def test_converting_twice_changes_nothing(tmp_path: Path) -> None:
    done = converted(tmp_path, *TRAINING)
    again = convert([tmp_path / "book.ipynb"], Options(into=tmp_path / "project", package="made"))
    assert again.changes.clashes() == []
    assert {**again.changes.files, "pyproject.toml": ""} == {**done.changes.files, "pyproject.toml": ""}


def test_an_existing_manifest_is_added_to(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    manifest = tmp_path / "project" / "pyproject.toml"
    manifest.write_text('# mine\n[project]\nname = "x"\ndependencies = ["pandas>=1"]  # keep\n')
    converted(tmp_path, "import pandas as pd\nimport numpy as np", "a = np.ones(3)\nb = pd.Series(a)")
    text = manifest.read_text()
    assert "# mine" in text
    assert '"pandas>=1"' in text
    assert text.count("pandas") == 1
    assert "numpy" in text


def test_package_only_writes_modules_alone(tmp_path: Path) -> None:
    path = notebook(tmp_path / "book.ipynb", "a = [1]\nb = len(a)")
    done = convert([path], Options(into=tmp_path / "out", package="made", package_only=True))
    assert all(name.startswith("made/") for name in done.changes.files)


def test_several_notebooks_become_one_project(tmp_path: Path) -> None:
    first = notebook(tmp_path / "one.ipynb", "a = [1]\nb = len(a)")
    second = notebook(tmp_path / "two.ipynb", "a = [2]\nb = max(a)")
    done = convert([first, second], Options(into=tmp_path / "out", package="made"))
    assert {"src/made/one/pipeline.py", "src/made/two/pipeline.py", "src/made/__init__.py"} <= done.changes.files.keys()
    steps = re.findall(r"^\d\. `(.*)`", done.changes.files["README.md"], re.M)
    assert [step.partition(".")[0] for step in steps] == ["one", "two"]


def test_what_two_notebooks_share_is_written_once(tmp_path: Path) -> None:
    common = "import math\n\ndef area(r):\n    return math.pi * square(r)\n\ndef square(x):\n    return x * x"
    first = notebook(tmp_path / "one.ipynb", common, "a = area(2)\nb = square(3)")
    second = notebook(tmp_path / "two.ipynb", "# same\n" + common, "def own():\n    return 1", "c = area(3) + own()")
    done = convert([first, second], Options(into=tmp_path / "out", package="made"))
    shared = done.changes.files["src/made/shared.py"]
    assert shared.count("def ") == 2
    assert "import math" in shared
    modules = [
        text for path, text in done.changes.files.items() if path.startswith("src/made/") and "shared" not in path
    ]
    assert not any("def area" in text for text in modules)
    assert sum("from made.shared import" in text for text in modules) == 2
    done.changes.apply()
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "6 passed" in run.stdout, run.stdout


def test_what_shows_values_is_not_shared(tmp_path: Path) -> None:
    common = "from IPython.display import display\n\ndef look(x):\n    display(x)"
    first = notebook(tmp_path / "one.ipynb", common, "a = [1]\nlook(a)")
    second = notebook(tmp_path / "two.ipynb", common, "b = [2]\nlook(b)")
    done = convert([first, second], Options(into=tmp_path / "out", package="made"))
    assert "src/made/shared.py" not in done.changes.files
    for name in ("one", "two"):
        assert f"from made.{name}.outputs import save_figures, show" in "".join(
            text for path, text in done.changes.files.items() if path.startswith(f"src/made/{name}/")
        )


def test_modules_beside_the_notebook_come_along(tmp_path: Path) -> None:
    (tmp_path / "tools_of_mine.py").write_text("from more_of_mine import one\n\n\ndef two():\n    return one() * 2\n")
    (tmp_path / "more_of_mine.py").write_text("def one():\n    return 1\n")
    converted(tmp_path, "from tools_of_mine import two", "a = two()")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "project",
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 passed" in run.stdout, run.stdout


def test_what_modules_beside_the_notebook_import_is_needed_too(tmp_path: Path) -> None:
    (tmp_path / "tools_of_mine.py").write_text(
        "import os\nfrom dotenv import load_dotenv\nimport more_of_mine\ntry:\n    import cupy\nexcept ImportError:\n    pass\n"
    )
    (tmp_path / "more_of_mine.py").write_text("from . import nothing\n")
    done = converted(tmp_path, "import tools_of_mine", "print(tools_of_mine.os)")
    manifest = tomllib.loads(done.changes.files["pyproject.toml"])
    assert manifest["project"]["dependencies"] == ["python-dotenv"]


# --------------------------------------------------------------------------------------------------------- command line


def test_dry_run_shows_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    path = notebook(tmp_path / "book.ipynb", *TRAINING)
    result = CliRunner().invoke(command, [str(path), "--into", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 0
    assert "data.load_data(customers_path)" in result.output
    assert not (tmp_path / "out").exists()


def test_it_says_what_to_do_next(tmp_path: Path) -> None:
    path = notebook(tmp_path / "book.ipynb", *TRAINING)
    into = tmp_path / "my project"
    result = CliRunner().invoke(command, [str(path), "--into", str(into)])
    (read,) = re.findall(r'customers_path: str = "(.*)"', (into / "src/my_project/config.py").read_text())
    assert f"next: put what it reads there ({read}), then cd '{into}' && make setup test run" in result.output
    assert "Data is not copied: put it there" in (into / "README.md").read_text()


def test_a_report_can_be_asked_for(tmp_path: Path) -> None:
    path = notebook(tmp_path / "book.ipynb", "a = 1\nb = a")
    report = tmp_path / "deep" / "report.json"
    result = CliRunner().invoke(command, [str(path), "--into", str(tmp_path / "out"), "--report", str(report)])
    assert result.exit_code == 0
    assert json.loads(report.read_text())["schema"] == 1


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    path = notebook(tmp_path / "book.ipynb", "a = 1\nb = a")
    result = CliRunner().invoke(command, [str(path), "--into", str(tmp_path / "out"), "--report", str(path / "r.json")])
    assert isinstance(result.exception, UsageError)
    assert "cannot write" in result.exception.message


def test_long_data_stands_in_a_module_of_its_own_and_is_copied_where_it_may_change(tmp_path: Path) -> None:
    rows = "\n".join(f"    [{n}, 'a']," for n in range(50))
    names = "\n".join(f"    'a long name of an item {n}',\n" for n in range(25))
    cells = (
        f"import numpy as np\nrows = [\n{rows}\n]\nrows.append([50, 'b'])",
        f"table = np.array([\n{rows}\n])\nn = len(table)",
        f"NAMES = [\n{names}]\nm = len(NAMES)",
    )
    done = converted(tmp_path, *cells)
    source = tmp_path / "project" / "src" / "made"
    constants = (source / "constants.py").read_text()
    steps = "".join(path.read_text() for path in source.glob("*.py") if path.name != "constants.py")
    assert re.findall(r"^(\w+) = ", constants, re.M) == ["ROWS", "TABLE"]
    assert "rows = deepcopy(ROWS)" in steps
    assert "np.array(TABLE)" in steps
    told = [note.message for note in done.plans[0].notes if note.kind == "translated"]
    assert told == [f"its data stands in the module constants as {name}" for name in ("ROWS", "TABLE")]


def test_a_module_of_python_2_beside_the_notebook_is_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("print 'x'\n")
    done = converted(tmp_path, "import old\nprint(old)")
    assert "src/old.py" not in done.changes.files
    assert (1, "warning", "old.py is not taken along: line 1: Python 2 syntax") in notes(done)


def test_calls_that_return_nothing_are_not_shown(tmp_path: Path) -> None:
    done = converted(
        tmp_path,
        "import pandas as pd\nt = pd.DataFrame({'a': [1 + 1]})\nt.dropna(inplace=True)",
        "t.to_csv('t.csv')",
        "t",
    )
    source = all_source(done)
    assert "show(t)" in source
    assert "show(t." not in source


def test_a_cell_that_only_sets_plots_up_saves_no_figures(tmp_path: Path) -> None:
    done = converted(tmp_path, "import matplotlib.pyplot as plt\nplt.style.use('ggplot')", "print(1 + 1)")
    assert "save_figures" not in all_source(done)


def test_what_opens_files_for_reading_gives_a_setting(tmp_path: Path) -> None:
    done = converted(
        tmp_path,
        "import gzip\nfrom PIL import Image\na = gzip.open('in/a.gz')\nb = Image.open('b.png')\nc = gzip.open('c.gz', 'w')",
    )
    assert [(s.name, s.what) for s in done.plans[0].settings] == [
        ("a_path", "path read"),
        ("b_path", "path read"),
        ("c_path", "path written"),
    ]


def test_a_path_is_one_setting_wherever_it_is_said(tmp_path: Path) -> None:
    done = converted(
        tmp_path,
        "import json\nimport os\n\ndef read(name, columns=None):\n    with open(name) as file:\n        return json.load(file)",
        "rows = read('in/rows.json')\nmore = read(columns=['a'], name='more.json')\nagain = read('./in/rows.json')",
        "with open('out/done.txt', 'w') as file:\n    file.write(str(rows))",
        "print(os.path.getsize('out/done.txt'), 'in', len('done'))",
    )
    assert {(s.name, s.what) for s in done.plans[0].settings} == {
        ("rows_path", "path read"),
        ("more_path", "path read"),
        ("done_path", "path written"),
    }
    steps = "".join(text for path, text in done.changes.files.items() if not path.endswith("config.py"))
    assert steps.count("read(rows_path)") == 2
    assert "os.path.getsize(done_path)" in steps
    assert "'out/done.txt'" not in all_source(done).replace('"', "'").replace("done_path: str = 'out/done.txt'", "")


def test_models_are_named_by_their_classes_where_variables_say_nothing(tmp_path: Path) -> None:
    done = converted(
        tmp_path,
        "import pandas as pd\nfrom sklearn.linear_model import LassoCV, LogisticRegression\ndata = pd.read_csv('a.csv')",
        "#md ## Code",
        "X_train, y_train = data[['a', 'b']], data['c']\nlr = LassoCV()\nlr.fit(X_train, y_train)",
        "#md ## Code",
        "churn_model = LogisticRegression()\nchurn_model.fit(X_train, y_train)",
    )
    assert [s.name for s in done.plans[0].stages if s.module == "training"] == ["fit_lasso", "fit_churn_model"]


def test_commands_of_a_notebook_show_no_value(tmp_path: Path) -> None:
    done = converted(tmp_path, "name = 'a'\nprint(name)\n!echo {name}", "%%writefile a.txt\nx", "%%bash\nls -l > b")
    source = all_source(done)
    assert source.count("subprocess.run(") == 2
    assert "show(subprocess" not in source
    assert "show(pathlib" not in source


def test_questions_to_a_person_are_said(tmp_path: Path) -> None:
    done = converted(tmp_path, "n = int(input('how many? '))", "import getpass\np = getpass.getpass()")
    waits = "waits for a person: make a setting of the answer"
    assert [(1, "warning", f"input {waits}"), (2, "warning", f"getpass.getpass {waits}")] == notes(done)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["print 'a'", "print 'b'"], "hint: cell 1: line 1: Python 2 syntax"),
        (["# only a comment", ""], "book.ipynb: it has no code that can be converted"),
    ],
)
def test_a_notebook_of_which_nothing_can_be_converted(tmp_path: Path, cells: list[str], said: str) -> None:
    path = notebook(tmp_path / "book.ipynb", *cells)
    done = subprocess.run(
        [sys.executable, "-m", "mlready", "convert", str(path), "--into", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("package", ["math", "class", "my pkg"])
def test_names_that_cannot_be_the_package(tmp_path: Path, package: str) -> None:
    path = notebook(tmp_path / "book.ipynb", "import seaborn as sns\nx = sns.__name__")
    result = CliRunner().invoke(command, [str(path), "--into", str(tmp_path / "seaborn")])
    assert isinstance(result.exception, UsageError)
    assert "the notebook imports seaborn" in result.exception.message
    done = CliRunner().invoke(command, [str(path), "--into", str(tmp_path / "out"), "--package", package])
    assert isinstance(done.exception, UsageError)
    assert "not a name that a package can have" in done.exception.message


def test_f_strings_in_f_strings_stay_readable_for_python_3_11(tmp_path: Path) -> None:
    inner = """f'<td>{"✓" if row else ""}</td>'"""
    cell = f'rows = {{1: 2}}\nprint(f"""{{rows}}{{ "".join({inner} for row in rows) }}""")'
    source = all_source(converted(tmp_path, cell.replace('""."', "''.").replace('"".join', "''.join")))
    assert inner in source


def test_steps_that_draw_on_one_figure_are_called_in_one_cell_of_the_thin_notebook(tmp_path: Path) -> None:
    lines = [f"plt.plot([x + {n} for x in xs])" for n in range(24)]
    done = converted(tmp_path, "import matplotlib.pyplot as plt\nxs = [1, 2]\nxs.append(3)", "\n".join(lines))
    drawing = [stage.name for stage in done.plans[0].stages if stage.cells == (2,)]
    thin = json.loads((tmp_path / "project" / "notebooks" / "book.ipynb").read_text())
    calling = [cell for cell in thin["cells"][1:] if any(f"{name}(" in "".join(cell["source"]) for name in drawing)]
    assert len(drawing) > 1
    assert len(calling) == 1
