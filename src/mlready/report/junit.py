"""JUnit XML: a suite for each factor, a test case for each rule."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlready.findings import FactorResult, RuleResult
from mlready.report.rows import path_prefix, shown_sites
from mlready.report.text import printable

if TYPE_CHECKING:
    from mlready.audit import Judged
    from mlready.report import Style


def render(judged: Sequence[Judged], _style: Style) -> str:
    """The suites of all audited paths under one root."""
    root = ET.Element("testsuites", name="mlready")
    for item in judged:
        prefix = path_prefix(item.folder)
        for factor in item.report.main.factors:
            root.append(_suite(factor, prefix, item))
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("errors", "0")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(factor: FactorResult, prefix: str, item: Judged) -> ET.Element:
    suite = ET.Element("testsuite", name=f"{factor.number}. {factor.title}", errors="0", time="0")
    properties = ET.SubElement(suite, "properties")
    score = "" if factor.score is None else f"{factor.score:.1f}"
    for name, value in (("score", score), ("path", printable(str(item.root))), ("profile", item.report.profile)):
        ET.SubElement(properties, "property", name=name, value=value)
    for rule in factor.rules:
        suite.append(_case(factor, rule, prefix))
    suite.set("tests", str(len(factor.rules)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _case(factor: FactorResult, rule: RuleResult, prefix: str) -> ET.Element:
    case = ET.Element("testcase", name=f"{rule.id} {rule.name}", classname=f"mlready.{factor.slug}", time="0")
    if rule.status in ("unknown", "not-applicable"):
        ET.SubElement(case, "skipped", message=printable(rule.reason))
    elif rule.status in ("fail", "partial"):
        open_ = [site for site in shown_sites(rule) if not site.suppressed]
        first = open_[0].message if open_ else rule.title
        failure = ET.SubElement(case, "failure", message=printable(first), type=rule.severity)
        places = [f"{prefix}{site.where}: {site.message}" if site.where else site.message for site in open_]
        failure.text = "\n".join([*(printable(place) for place in places), f"fix: {rule.fix}"])
    hidden = [f"suppressed: {site.where}: {site.suppressed}" for site in rule.sites if site.suppressed]
    if hidden:
        ET.SubElement(case, "system-out").text = "\n".join(printable(line) for line in hidden)
    return case
