"""How audits and labels are joined, on audits small enough to check by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.benchmarks import rule_labels
from tests.benchmarks.accuracy_page import page
from tests.benchmarks.agreement import Confusion
from tests.benchmarks.audits import Audit
from tests.benchmarks.corpora import HERE, Repository, repositories, table
from tests.benchmarks.draw import POPULATIONS, Site, draw
from tests.benchmarks.factors import (
    BIN_EDGES,
    HELD_OUT,
    Cell,
    agreement,
    cells,
    labelled_repositories,
    mean_kappa,
    measured,
)
from tests.benchmarks.rule_labels import (
    AIMS,
    SITES,
    Drawn,
    drawn_sites,
    hand_checks,
    reader_agreement,
    undeclared_imports,
)


def audited(score: float | None = None, **sites: list[tuple[str, float, str]]) -> Audit:
    rules = [
        {
            "id": rule,
            "status": "pass" if all(credit == 1 for _, credit, _ in found) else "fail",
            "sites": [
                {"path": path, "line": 1, "credit": credit, "message": message, "suppressed": None}
                for path, credit, message in found
            ],
        }
        for rule, found in sites.items()
    ]
    factors = [{"number": number, "score": score, "rules": rules if number == 1 else []} for number in range(1, 13)]
    return Audit({"score": score, "project": {"activities": {"train": 1}}, "factors": factors}, 0)


def cell(repo: str, label: int, score: float | None, factor: int = 1) -> Cell:
    return Cell(repo, factor, label, score, "why")


def test_an_audit_without_json_has_no_scores_and_no_sites() -> None:
    nothing = Audit({}, 3)
    assert nothing.score is None
    assert set(nothing.factor_scores().values()) == {None}
    assert list(nothing.sites("REP004")) == []


def test_a_factor_that_is_not_asked_counts_as_absent() -> None:
    assert cell("a/b", 0, None).level == 0


def test_bin_edges_ascend() -> None:
    assert list(BIN_EDGES) == sorted(BIN_EDGES)


@pytest.mark.parametrize("path", [HERE / "factor-labels.tsv", *[sample.labels for sample in HELD_OUT]])
def test_every_labelled_repository_has_twelve_cells(path: Path) -> None:
    repos = labelled_repositories(path)
    found = cells({one.repo: audited(50.0) for one in repos}, path)
    assert len(found) == 12 * len(repos)
    assert {one.sha for one in repos} <= {one.sha for one in repositories()}


def test_no_repository_is_labelled_twice() -> None:
    paths = [HERE / "factor-labels.tsv", *[sample.labels for sample in HELD_OUT]]
    labelled = [one.repo for path in paths for one in labelled_repositories(path)]
    assert len(labelled) == len(set(labelled))


def test_bias_is_steps_above_the_label() -> None:
    figures = agreement([cell("a/a", 0, 90.0), cell("b/b", 1, None), cell("c/c", 1, 40.0)])
    assert (figures["bias"], figures["factors"][0]["bias"], figures["equal"]) == (0.33, 0.33, 1)


def test_figures_of_three_repositories() -> None:
    found = [cell("a/a", 0, 5.0), cell("b/b", 1, 40.0), cell("c/c", 2, 90.0), cell("c/c", 0, 95.0, factor=2)]
    figures = measured(found, {"a/a": 5.0, "b/b": 40.0, "c/c": 92.0})
    assert figures["factors"][0]["kappa"] == 1.0
    assert figures["over_credit"] == 1
    assert figures["project"]["spearman"] == 1.0
    assert [one["repo"] for one in figures["disagreements"]] == ["c/c"]


def test_the_mean_kappa_leaves_out_factors_where_it_is_undefined() -> None:
    varied = [cell("a/a", 0, 5.0), cell("b/b", 2, 90.0)]
    constant = [cell("a/a", 0, 5.0, factor=2), cell("b/b", 0, 5.0, factor=2)]
    assert mean_kappa(varied + constant) == 1.0


def test_undeclared_imports_are_read_from_the_broken_sites() -> None:
    found = audited(REP001=[("a.py", 0.0, "imports yaml, and nothing declares PyYAML"), ("a.py", 1.0, "imports numpy")])
    assert undeclared_imports(found) == {"yaml"}


def test_a_site_on_which_readers_disagree_has_no_label() -> None:
    assert Drawn("a/b", "a.py", "", ("1", "0")).agreed is None
    assert Drawn("a/b", "a.py", "", ("1", None)).agreed == "1"


@pytest.mark.parametrize("rule", sorted(POPULATIONS))
def test_at_least_sixty_sites_are_drawn_and_read_with_known_labels(rule: str) -> None:
    sites = drawn_sites(rule)
    known = {"1", "0", "part", "order", "gaps", "ok"}
    assert len(sites) >= 60
    assert all(site.labels[0] in known for site in sites)


@pytest.mark.parametrize("rule", sorted(POPULATIONS))
def test_drawn_sites_point_at_commits_of_the_table(rule: str) -> None:
    commits = {(one.repo, one.sha) for one in repositories()}
    assert {(row["repo"], row["sha"]) for row in table(SITES / f"{rule}.tsv")} <= commits


def test_each_aim_has_a_drawn_table_and_each_table_an_aim() -> None:
    assert {aim.rule for aim in AIMS} == set(POPULATIONS)


def test_a_drawn_file_is_judged_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sites = [Drawn("a/b", path, "", (label, None)) for path, label in (("x.py", "1"), ("y.py", "0"), ("z.py", "part"))]
    monkeypatch.setattr(rule_labels, "drawn_sites", lambda rule: sites if rule == "SKW005" else [])
    broken, clean = audited(SKW005=[("x.py", 0.0, "")]), audited(SKW005=[])
    leakage = rule_labels.drawn_measures({"a/b:x.py": broken, "a/b:y.py": clean, "a/b:z.py": broken})[0]
    assert leakage.told()["precision"] == leakage.told()["recall"] == 1.0
    assert leakage.left_aside == 1


def test_what_the_audit_declines_to_judge_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_labels, "drawn_sites", lambda rule: [Drawn("a/b", "", "", ("1", None))])
    declined = Audit(audited(TST001=[]).data, 3)
    tests_exist = next(one for one in rule_labels.drawn_measures({"a/b": declined}) if one.rule == "TST001")
    assert (tests_exist.counts.misses, tests_exist.left_aside) == (0, 1)


def test_a_draw_takes_one_site_from_each_population_before_a_second() -> None:
    big = [Site("a/a", "1", f"{number}.py", "") for number in range(50)]
    small = [Site("b/b", "2", "only.py", "")]
    drawn = draw([big, small, []], 3, seed=1)
    assert [site.repo for site in drawn] == ["a/a", "a/a", "b/b"]
    assert drawn == draw([big, small, []], 3, seed=1)


def test_checks_are_counted_by_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "REP004.tsv").write_text(
        "round\trepo\tright\tnote\n1\ta/b\t1\t\n1\ta/b\t0\t\n1\ta/b\t?\t\n2\ta/b\t1\t\n", encoding="utf-8"
    )
    monkeypatch.setattr(rule_labels, "CHECKS", tmp_path)
    counted = [(one["rule"], one["round"], one["right"], one["read"]) for one in hand_checks()]
    assert counted == [("REP004", 1, 1, 2), ("REP004", 2, 1, 1)]


def figures(**changed: Any) -> dict[str, Any]:
    found = [cell("a/a", 0, 90.0), cell("b/b", 2, 90.0)]
    counted = rule_labels.Measured("seeds", "REP004", "2 cases", Confusion(1, 0, 0, 1)).told()
    plain = {"version": "1.0", "edges": list(BIN_EDGES), "factors": measured(found, {"a/a": 90.0, "b/b": 90.0})}
    plain["held_out"] = [{**sample.told({}), "now": agreement(found)} for sample in HELD_OUT]
    rules = {"rules": [counted], "readers": [reader_agreement("REP004")], "wrong": [], "hand_checks": []}
    return {**plain, **rules, "missing": [], "failed": {}, "crashed": {}, **changed}


def test_the_page_tells_intervals_and_what_was_not_measured() -> None:
    text = page(figures(missing=["x/y"]))
    assert "1.00 [0.21, 1.00]" in text
    assert "| bias | -0.06 | +1.00 |" in text
    assert text.count("## Factors, ") == len(HELD_OUT)
    assert "Not measured" in text
    assert "- x/y: not to be had at the labelled commit" in text


def test_the_page_names_rules_that_crashed() -> None:
    broken = Audit({"factors": [{"rules": [{"id": "DEP001", "reason": "the rule crashed: KeyError"}]}]}, 0)
    assert broken.crashed() == ["DEP001"]
    assert "- a/a: DEP001 crashed" in page(figures(crashed={"a/a": broken.crashed()}))


def test_the_page_names_every_repository_two_steps_apart() -> None:
    assert "| a/a | 1 | 0 | 90.00 | why |" in page(figures())


def test_a_repository_knows_its_folder() -> None:
    assert Repository("owner/name", "sha", "labelled").folder == "owner__name"
