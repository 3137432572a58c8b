"""The page in real headless Chromium: opened, filtered, driven by keyboard, printed, with 10,000 findings."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gates.samples import TRAIN, notebook
from mlready.audit import Judged
from mlready.findings import Location, Site

from .conftest import Audit, shown
from .test_hostile import project as hostile

pytestmark = pytest.mark.slow

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1100,1000",
)  # fmt: skip
PROJECT = {
    "train.py": TRAIN,
    "src/paths.py": "open('/home/ann/a.csv')\n",
    "notebooks/a.ipynb": notebook("import pandas as pd", "x = 1\npd.read_csv('/home/ann/a.csv')\ny = 2"),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("install it: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Any:
    def call(judged: Judged) -> Any:
        path = tmp_path / "report.html"
        path.write_text(shown("html", judged))
        browser.get(path.as_uri())
        return browser

    yield call
    assert [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]] == [], "console errors"


def count(page: Any) -> str:
    return str(page.execute_script("return document.querySelector('output').value"))


def visible_paths(page: Any) -> set[str]:
    script = "return [...document.querySelectorAll('.site')].filter(e => e.offsetParent && !e.hidden).map(e => e.dataset.path)"
    return set(page.execute_script(script))


def choose(page: Any, name: str, value: str) -> None:
    script = "const e = document.querySelector(`[name=${arguments[0]}]`); e.value = arguments[1]; e.dispatchEvent(new Event('input', {bubbles: true}))"
    page.execute_script(script, name, value)
    time.sleep(0.3)


def test_score_factors_and_what_to_do(open_page: Any, audit: Audit) -> None:
    judged = audit(PROJECT)
    page = open_page(judged)
    text = page.find_element("tag name", "main").text
    assert f"{judged.report.main.score:.0f} of 100" in " ".join(text.split())
    for factor in judged.report.main.factors:
        assert factor.title in text
    bars = page.execute_script("return [...document.querySelectorAll('.bar i')].map(e => parseFloat(e.style.width))")
    assert bars == [round(f.score, 1) for f in judged.report.main.factors if f.score is not None]
    assert "points" in page.find_element("css selector", "ol.todo li").text


def test_filters(open_page: Any, audit: Audit) -> None:
    page = open_page(audit(PROJECT))
    whole = int(count(page).split()[2])
    assert count(page) == f"{whole} of {whole} findings"
    choose(page, "path", "NOTEBOOKS/")
    assert visible_paths(page) == {"notebooks/a.ipynb"}
    choose(page, "path", "")
    choose(page, "severity", "error")
    assert 0 < int(count(page).split()[0]) < whole
    shown_ = page.execute_script(
        "return [...document.querySelectorAll('.rule:not([hidden])')].map(e => e.dataset.severity)"
    )
    assert set(shown_) == {"error"}
    choose(page, "severity", "")
    choose(page, "factor", "descriptive-code")
    shown_ = page.execute_script(
        "return [...document.querySelectorAll('.rule:not([hidden])')].map(e => e.dataset.factor)"
    )
    assert set(shown_) == {"descriptive-code"}


def test_keyboard(open_page: Any, audit: Audit) -> None:
    from selenium.webdriver import ActionChains, Keys

    page = open_page(audit(PROJECT))
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert page.switch_to.active_element.text == "Skip to the findings"
    ActionChains(page).send_keys("/").send_keys("train").pause(0.3).perform()
    assert page.switch_to.active_element.get_attribute("name") == "path"
    assert visible_paths(page) == {"train.py"}
    ActionChains(page).send_keys(Keys.ESCAPE).pause(0.3).perform()
    assert count(page).split()[0] == count(page).split()[2]


def test_excerpts_mark_the_line(open_page: Any, audit: Audit) -> None:
    page = open_page(audit(PROJECT))
    marked = page.execute_script("return [...document.querySelectorAll('pre .at')].map(e => e.textContent)")
    assert any("pd.read_csv('/home/ann/a.csv')" in line for line in marked)
    assert any("RandomForestClassifier()" in line for line in marked)


def test_readable_with_scripts_off(browser: Any, audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(shown("html", audit(PROJECT)))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(path.as_uri())
        assert "RandomForestClassifier()" in browser.find_element("tag name", "main").text
        assert not browser.find_element("css selector", "form.filter").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hostile_projects_run_nothing(open_page: Any, audit: Audit) -> None:
    page = open_page(audit(hostile()))
    assert page.execute_script("return document.querySelectorAll('script').length") == 1
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(open_page: Any, audit: Audit, browser: Any, scheme: str) -> None:
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    page = open_page(audit(PROJECT))
    script = """
    const lum = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4 }); return .2126 * v[0] + .7152 * v[1] + .0722 * v[2] };
    const back = e => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (!/, 0\\)|transparent/.test(b)) return b } return 'rgb(255,255,255)' };
    return [...document.querySelectorAll('main *')].filter(e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
      .map(e => { const a = lum(getComputedStyle(e).color), b = lum(back(e)); return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.className + ' ' + e.tagName] })
      .filter(([ratio]) => ratio < 4.5)"""
    assert page.execute_script(script) == []


def many(judged: Judged, number: int) -> Judged:
    """The same report with a rule of so many sites."""
    factor = judged.report.main.factors[2]
    sites = tuple(
        Site(0.0, f"finding {i}", Location(f"src/m{i % 500}/f{i}.py", i + 1), fingerprint=f"{i:020x}")
        for i in range(number)
    )
    first = replace(factor.rules[0], status="fail", credit=0.0, sites=sites)
    whole = replace(factor, rules=(first, *factor.rules[1:]))
    factors = (*judged.report.main.factors[:2], whole, *judged.report.main.factors[3:])
    return replace(judged, report=replace(judged.report, main=replace(judged.report.main, factors=factors)))


def test_fast_with_ten_thousand_findings(open_page: Any, audit: Audit) -> None:
    judged = many(audit(PROJECT), 10_000)
    started = time.perf_counter()
    page = open_page(judged)
    assert time.perf_counter() - started < 15, "made and opened"
    assert int(count(page).split()[2]) >= 10_000
    script = """
    const done = arguments[1], start = performance.now(), field = document.querySelector('[name=path]');
    field.value = arguments[0]; field.dispatchEvent(new Event('input', {bubbles: true}));
    setTimeout(() => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start - 70))), 70)"""
    took = page.execute_async_script(script, "m7/")
    assert took < 3_000, f"{took} ms to filter"
    assert {path.split("/")[1] for path in visible_paths(page)} == {"m7"}


def test_prints_everything(open_page: Any, audit: Audit) -> None:
    page = open_page(many(audit(PROJECT), 60))
    pdf = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(json.dumps(pdf)) > 50_000
    assert page.execute_script("return [...document.querySelectorAll('details')].every(e => e.open)")
