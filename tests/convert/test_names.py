"""Names that a person would choose."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.convert.helpers import converted, source_of

from mlready.convert.names import from_heading, package_name, snake, unique


@pytest.mark.parametrize(
    ("heading", "verb", "name"),
    [
        ("3. Training the model", "fit", "train_model"),
        ("Load the data", "load", "load_data"),
        ("Random Forest", "fit", "fit_random_forest"),
        ("Let's plot our results!", "plot", "plot_results"),
        ("Splitting into train and test", "split", "split_train_test"),
        ("Testing endogeneity", "evaluate", "check_endogeneity"),
        ("The :class:`~sklearn.svm.SVC` again", "fit", "fit_svc_again"),
        ("5.", "plot", ""),
        ("Model evaluation", "evaluate", "evaluate_model"),
        ("2. Data loading and preprocessing", "load", "load_data"),
        ("Training history", "plot", "plot_training_history"),
        ("Exercise 3: Build a tree", "fit", "build_tree"),
        ("Table of contents", "compute", ""),
        ("Imputação de missings", "prepare", "prepare_imputacao_missings"),
        ("数据", "plot", ""),
    ],
)
def test_from_headings(heading: str, verb: str, name: str) -> None:
    assert from_heading(heading, verb=verb) == name


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        (["#md ## Load the entries", "rows = [1, 2]\nrows"], "data.load_entries"),
        (["#md **Clean the names**", "names = ['a ']\nnames = [n.strip() for n in names]"], "features.clean_names"),
        (["# Count the rows\nn = len('abc')\nprint(n)"], "analysis.count_rows"),
        (
            ["import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('Loss by epoch')\nplt.show()"],
            "plots.plot_loss_epoch",
        ),
        (["import warnings\nwarnings.filterwarnings('ignore')"], "setup.configure_warnings"),
        (["#md # Introduction", "rowCount = 1 + 1\nprint(rowCount)"], "analysis.compute_row_count"),
    ],
)
def test_steps_are_named_by_what_their_author_wrote(tmp_path: Path, cells: list[str], name: str) -> None:
    stage = converted(tmp_path, *cells).plans[0].stages[0]
    assert f"{stage.module}.{stage.name}" == name


def test_docstrings_have_the_title_without_its_number_and_the_first_paragraph(tmp_path: Path) -> None:
    text = "#md ## 2.1 Load rows\n\nThe rows come from the *registry* of last year. There are two.\n\n- a list"
    source = source_of(converted(tmp_path, text, "rows = [1, 2]\nrows.append(3)\nprint(rows)"), "data")
    assert '"""Load rows.\n\n    The rows come from the registry of last year. There are two.\n    """' in source


def test_prose_that_ends_in_a_quotation_gets_no_second_stop(tmp_path: Path) -> None:
    text = '#md ## Load rows\n\nThey call the ones in the middle of it "the valleys of the region."'
    source = source_of(converted(tmp_path, text, "rows = {1: 2}\nprint(rows)"), "data")
    assert "'the valleys of the region.'\n" in source


def test_a_loop_variable_names_no_step(tmp_path: Path) -> None:
    done = converted(tmp_path, "tables = [{'a': 1}, {'b': 2}]\nfor table in tables:\n    table['c'] = 3\nprint(tables)")
    assert [stage.name for stage in done.plans[0].stages] == ["prepare_tables"]


@pytest.mark.parametrize(
    ("name", "snake_name"),
    [
        ("FormationPlaneKNN", "formation_plane_knn"),
        ("D2DirectionChecker", "d2_direction_checker"),
        ("UNet3D", "u_net3d"),
    ],
)
def test_names_of_classes_in_names_of_steps(name: str, snake_name: str) -> None:
    assert snake(name) == snake_name


def test_a_taken_name_gets_a_hint_before_a_number() -> None:
    assert unique("plot_age", {"plot_age"}, ["df"]) == "plot_age_df"
    assert unique("plot_age", {"plot_age", "plot_age_df"}, ["df"]) == "plot_age_2"
    assert unique("show", set()) == "show_2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Churn-2024", "churn_2024"),
        ("01 first", "nb_01_first"),
        ("class", "class_project"),
        ("random", "random_project"),
        ("***", "analysis"),
    ],
)
def test_package_names_can_be_imported(text: str, name: str) -> None:
    assert package_name(text) == name
    assert name.isidentifier()
