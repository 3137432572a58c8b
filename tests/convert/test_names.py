"""Names that a person would choose."""

from __future__ import annotations

import pytest

from mlready.convert.names import from_heading, package_name, unique


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
        ("数据", "plot", ""),
    ],
)
def test_from_headings(heading: str, verb: str, name: str) -> None:
    assert from_heading(heading, verb=verb) == name


def test_a_taken_name_gets_a_hint_before_a_number() -> None:
    assert unique("plot_age", {"plot_age"}, ["df"]) == "plot_age_df"
    assert unique("plot_age", {"plot_age", "plot_age_df"}, ["df"]) == "plot_age_2"
    assert unique("show", set()) == "show_2"


@pytest.mark.parametrize(
    ("text", "name"),
    [("Churn-2024", "churn_2024"), ("01 first", "nb_01_first"), ("class", "class_project"), ("***", "analysis")],
)
def test_package_names_can_be_imported(text: str, name: str) -> None:
    assert package_name(text) == name
    assert name.isidentifier()
