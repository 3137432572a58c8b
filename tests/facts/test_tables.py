"""Tables by a sample: columns, and personal data where both the name and the values tell; metrics files by their numbers."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlready.facts import tables
from mlready.facts.rows import FileFacts, Table


def read(path: str, text: str) -> Table:
    facts = tables.read(path, text.encode())
    assert facts.problem == ""
    assert facts.table is not None
    return facts.table


def column(name: str, values: list[str]) -> Table:
    return read("data.csv", "\n".join([f"id,{name}", *(f"{n}x,{value}" for n, value in enumerate(values))]))


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("data.csv", True), ("a.tsv", True), ("a.jsonl", True), ("metrics.json", True), ("reports/eval_results.json", True),
        ("all_results.json", True), ("test_metrics.yaml", True), ("scores.yml", True), ("dvc.yaml", False),
        ("config.json", False), ("metrics.py", False), ("metrics_schema.json", False), ("prometheus_metrics.yml", False),
        ("k8s/metrics-service.yaml", False), ("conf/x_metrics.json", False), ("metrics_v1.json", True),
    ],
)  # fmt: skip
def test_claims(path: str, claimed: bool) -> None:
    assert tables.claims(path) is claimed


def test_columns_and_rows() -> None:
    assert read("data.csv", "age;income\n1;2\n3;4\n") == Table(columns=("age", "income"), rows_sampled=2)
    assert read("data.tsv", "a, b\tc\n1\t2\n").columns == ("a, b", "c")
    assert read("data.jsonl", '{"a": 1}\n{"b": {"c": 2}}\nbroken\n').columns == ("a", "b")


def test_years_may_be_columns() -> None:
    assert read("gdp.csv", "country,2019,2020\nA,1,2\n").columns == ("country", "2019", "2020")


def test_without_a_header_there_are_no_columns() -> None:
    assert tables.read("data.csv", b"1.0,2\n3,4\n") == FileFacts()


REAL = {
    "e-mail": ["anna.k@gmail.com", "bo@firma.dk", "c.d@uni-bonn.de"],
    "phone": ["+49 30 901820", "(212) 736-5000", "+1-202-456-1414"],
    "IBAN": ["GB29NWBK60161331926819", "FR1420041010050500013M02606", "NL91ABNA0417164300"],
    "national id": ["219-08-1234", "512-33-9876", "401-22-1357"],
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", "e-mail"),
        ("customerEmail", "e-mail"),
        ("Phone Number", "phone"),
        ("iban", "IBAN"),
        ("ssn", "national id"),
    ],
)
def test_two_signs_make_personal_data(name: str, kind: str) -> None:
    assert column(name, REAL[kind]).personal == ((name, kind),)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("comment", REAL["e-mail"]),
        ("phone", ["1", "2", "3", "4"]),
        ("phone_price", ["199.99", "299.99", "399.99"]),
        ("email", ["a@example.com", "b@example.org", "c@mail.example.net"]),
        ("email", ["a@gmail.com"] * 5),
        ("email", ["a@gmail.com", "b@gmail.com"]),
        ("email_count", ["1", "2", "3"]),
        ("phone", ["202-555-0143", "202-555-0144", "202-555-0145"]),
        ("iban", ["GB29NWBK60161331926810", "FR1420041010050500013M02600", "NL91ABNA0417164301"]),
        ("hotel", REAL["phone"]),
        ("ssn", ["123-45-6789", "078-05-1120", "000-12-3456"]),
    ],
)
def test_one_sign_or_made_up_values_do_not(name: str, values: list[str]) -> None:
    assert column(name, values).personal == ()


def test_json_lines_with_personal_data() -> None:
    text = "\n".join(msgspec.json.encode({"email": value}).decode() for value in REAL["e-mail"])
    assert read("a.jsonl", text).personal == (("email", "e-mail"),)


def test_no_value_is_kept() -> None:
    facts = tables.read("a.csv", ("email\n" + "\n".join(REAL["e-mail"])).encode())
    assert b"anna" not in msgspec.json.encode(facts)


def test_only_a_sample_is_read() -> None:
    found = read("a.csv", "a,b\n" + "1,2\n" * 200_000)
    assert found.rows_sampled <= 64_000


def test_a_large_file_is_sampled_and_no_problem() -> None:
    assert tables.read("a.csv", b"a,b\n" + b"1,2\n" * 3_000_000).problem == ""


def test_metrics() -> None:
    found = read("metrics.json", '{"test": {"auc": 0.91, "n": 5}, "name": "x", "ok": true, "bad": NaN}')
    assert found.metrics == (("test.auc", 0.91), ("test.n", 5.0))
    assert read("metrics.yaml", "acc: 9e-1\n").metrics == (("acc", 0.9),)
    assert tables.read("metrics.json", b"[]") == FileFacts()


@given(
    path=st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "metrics.json", "metrics.yaml"]),
    text=st.text(alphabet=" \n\t,;|\"'{}[]:019.e@a\0\ud800\r", max_size=60),
)
def test_never_raises(path: str, text: str) -> None:
    facts = tables.read(path, text.encode("utf-8", "surrogatepass"))
    assert msgspec.json.decode(msgspec.json.encode(facts), type=FileFacts) == facts
