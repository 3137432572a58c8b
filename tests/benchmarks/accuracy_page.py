"""docs/accuracy.md from the figures of one accuracy run: no number on that page is typed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.benchmarks.corpora import HERE, table

_HEAD = """\
# Accuracy

How far mlready {version} agrees with labels that people made. `make accuracy` writes this page from
`tests/benchmarks/accuracy.json`; do not edit it. What the labels mean, who made them and under which licenses:
`tests/benchmarks/README.md`.
"""


def page(figures: dict[str, Any]) -> str:
    """The whole page as Markdown."""
    parts = [
        _HEAD.format(version=figures["version"]),
        *_factors(figures["factors"], figures["edges"]),
        *[part for sample in figures["held_out"] for part in _held_out(sample)],
        *_rules(figures["rules"], figures["readers"]),
        *_hand_checks(figures["hand_checks"]),
        *_disagreements(figures["factors"]["disagreements"]),
        *_missing(figures),
    ]
    return "\n".join(parts)


def _factors(found: dict[str, Any], edges: Sequence[float]) -> Iterable[str]:
    yield "## Factors\n"
    yield (
        f"{found['repositories']} labelled repositories, {found['cells']} cells (repository x factor). Labels are 0 absent, "
        f"1 partial, 2 present; a score is binned at {edges[0]:g} and {edges[1]:g}, a factor that is not asked of the "
        "kind of project counts as absent. Kappa is quadratic-weighted. In brackets: the lowest and highest value when "
        "one repository is left out. Nothing is fitted to the labels, so leaving one out shows how much single "
        "repositories weigh.\n"
    )
    rows = [[*_overall(found)]]
    yield _markdown(["measure", "value", "one left out", "aim"], rows[0])
    header = ["factor", "labels 0/1/2", "scores 0/1/2", "kappa", "one left out", "Spearman", "equal", "over-credit"]
    yield _markdown(header, [_factor_row(row) for row in found["factors"]])


def _overall(found: dict[str, Any]) -> Iterable[list[str]]:
    project = found["project"]
    yield ["mean kappa of the factors", _n(found["mean_kappa"]), _span(found["left_out"]["mean_kappa"]), ">= 0.75"]
    yield ["kappa over all cells", _n(found["pooled_kappa"]), "", ""]
    yield ["over-credit (score 2, label 0)", _share(found["over_credit"], found["cells"]), "", "< 3 %"]
    yield ["under-credit (score 0, label 2)", _share(found["under_credit"], found["cells"]), "", ""]
    yield ["project score, Spearman", _n(project["spearman"]), _span(project["left_out"]), ">= 0.9"]


def _factor_row(row: dict[str, Any]) -> list[str]:
    counts = ["/".join(map(str, row[key])) for key in ("labels", "levels")]
    figures = [_n(row["kappa"]), _span(row["left_out"]), _n(row["spearman"])]
    return [str(row["factor"]), *counts, *figures, f"{row['equal']} of {row['cells']}", str(row["over_credit"])]


_NEVER_SEEN = """{repositories} more repositories, {cells} cells, that nobody had looked at while the rules were written. {readers}
and labelled them by the same definitions, before the audit was run on them and without looking at its rules.
`first` is the version of that day. What was found wrong was mended after it, so `now` is no longer held out, and only
`first` says what to expect of a repository that is new. Bias: steps that the score stands above the label, on average.
"""


def _held_out(found: dict[str, Any]) -> Iterable[str]:
    first, now = found["first"], found["now"]
    yield f"## {found['title']}\n"
    yield _NEVER_SEEN.format(**first, readers=found["readers"])
    measures = [
        ("mean kappa of the factors", lambda one: _n(one["mean_kappa"])),
        ("kappa over all cells", lambda one: _n(one["pooled_kappa"])),
        ("same step", lambda one: _share(one["equal"], one["cells"])),
        ("over-credit (score 2, label 0)", lambda one: _share(one["over_credit"], one["cells"])),
        ("under-credit (score 0, label 2)", lambda one: _share(one["under_credit"], one["cells"])),
        ("bias", lambda one: _signed(one["bias"])),
    ]
    yield _markdown(["measure", "first", "now"], [[name, told(first), told(now)] for name, told in measures])
    header = ["factor", "labels 0/1/2", "first 0/1/2", "kappa", "equal", "bias", "now 0/1/2", "kappa", "equal", "bias"]
    pairs = zip(first["factors"], now["factors"], strict=True)
    yield _markdown(header, [_held_out_row(before, after) for before, after in pairs])


def _held_out_row(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    row = [str(before["factor"]), "/".join(map(str, before["labels"]))]
    for one in (before, after):
        levels = "/".join(map(str, one["levels"]))
        row += [levels, _n(one["kappa"]), f"{one['equal']} of {one['cells']}", _signed(one["bias"])]
    return row


def _signed(value: float | None) -> str:
    return "not measured" if value is None else f"{value:+.2f}"


def _rules(rows: list[dict[str, Any]], readers: list[dict[str, Any]]) -> Iterable[str]:
    yield "## Single rules\n"
    yield (
        "Counts, then precision and recall with 95 % Wilson intervals. Sites on which readers disagree, or that are "
        "arguable by the reader's own note, are left aside and counted.\n"
    )
    published = {row["rule"]: row for row in table(HERE / "published.tsv")}
    header = ["aim", "rule", "labels", "hit", "false alarm", "missed", "rightly silent", "aside", "precision", "recall"]
    yield _markdown([*header, "published best"], [_rule_row(row, published) for row in rows])
    yield "Published best (precision / recall) and where from:\n"
    yield _markdown(
        ["aim", "unit", "precision", "recall", "source"],
        [[row["aim"], row["unit"], row["precision"], row["recall"], row["source"]] for row in published.values()],
    )
    yield "How far the two readers of the drawn sites agree:\n"
    yield _markdown(
        ["rule", "sites read by both", "same label", "Cohen's kappa"],
        [_reader_row(row) for row in readers],
    )


def _rule_row(row: dict[str, Any], published: dict[str, dict[str, str]]) -> list[str]:
    best = published.get(row["rule"], {"precision": "", "recall": ""})
    counts = [str(row[key]) for key in ("hits", "false_alarms", "misses", "rejections", "left_aside")]
    figures = [
        _with_interval(row["precision"], row["precision_interval"]),
        _with_interval(row["recall"], row["recall_interval"]),
    ]
    beside = " / ".join(value or "-" for value in (best["precision"], best["recall"]))
    return [row["aim"], row["rule"], row["source"], *counts, *figures, beside if beside != "- / -" else ""]


def _reader_row(row: dict[str, Any]) -> list[str]:
    if not row["sites"]:
        return [row["rule"], "0", "not measured", "not measured"]
    return [row["rule"], str(row["sites"]), _share(row["same"], row["sites"]), _n(row["kappa"])]


_HAND_CHECKED = """Findings on public repositories, read by somebody who did not write the rule. Aim: 9 of 10 right. Each round is a new
draw, from the version of its day: what a round found wrong was mended after it and became an example of the rule. From
round 2 on, repositories that nobody had looked at while the rules were written are drawn first.
"""


def _hand_checks(rows: list[dict[str, Any]]) -> Iterable[str]:
    yield "## Findings read by hand\n"
    yield _HAND_CHECKED
    if not rows:
        yield "Not measured.\n"
        return
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_rule.setdefault(row["rule"], []).append(row)
    last = [by_rule[rule][-1] for rule in sorted(by_rule)]
    right, read = sum(row["right"] for row in last), sum(row["read"] for row in last)
    yield f"Last rounds together: {_share(right, read)} right.\n"
    table = [
        [
            row["rule"],
            str(row["round"]),
            f"{row['right']} of {row['read']}",
            _interval(row["interval"]),
            _earlier(by_rule[row["rule"]]),
        ]
        for row in last
    ]
    yield _markdown(["rule", "round", "right", "95 % interval", "earlier rounds"], table)


def _earlier(rounds: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['right']} of {row['read']}" for row in rounds[:-1])


def _disagreements(cells: list[dict[str, Any]]) -> Iterable[str]:
    yield "## Where score and label are two steps apart\n"
    if not cells:
        yield "Nowhere.\n"
        return
    rows = [
        [
            cell["repo"],
            str(cell["factor"]),
            str(cell["label"]),
            f"{_n(cell['score'])}",
            cell["evidence"].replace("|", "/"),
        ]
        for cell in cells
    ]
    yield _markdown(["repository", "factor", "label", "score", "evidence of the label"], rows)


def _missing(figures: dict[str, Any]) -> Iterable[str]:
    if figures["missing"] or figures["failed"] or figures["crashed"]:
        yield "## Not measured\n"
        yield from (f"- {repo}: not to be had at the labelled commit" for repo in figures["missing"])
        yield from (f"- {repo}: {reason}" for repo, reason in figures["failed"].items())
        yield from (f"- {repo}: {', '.join(rules)} crashed" for repo, rules in figures["crashed"].items())
        yield ""


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def _n(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "none"


def _span(values: Sequence[float | None]) -> str:
    low, high = values
    return "" if low is None or high is None else f"[{low:.2f}, {high:.2f}]"


def _interval(values: Sequence[float] | None) -> str:
    return "" if values is None else f"[{values[0]:.2f}, {values[1]:.2f}]"


def _with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    return "not measured" if value is None else f"{value:.2f} {_interval(interval)}"
