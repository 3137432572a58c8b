"""Kinds of personal data in the columns of a table, told by two signs: the column's name and the look of its values.

Values are looked at and dropped; only the kind is ever returned. Made-up data is no finding: addresses at example.org,
numbers that are reserved for fiction, values that repeat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_MIN_DISTINCT = 3
"""Different values that must look right: one address may be a contact or a note."""
_MIN_SHARE = 0.5
"""Share of the filled cells that must look right."""

_EMAIL_NAME = re.compile(r"e_?mail|(?:^|_)mail(?:_|$)")
_PHONE_NAME = re.compile(r"phone|mobile|(?:^|_)(?:tel|cell|fax|telefon|telephone|msisdn)(?:_|$|no|nr|num)")
_IBAN_NAME = re.compile(r"iban|bank_?account|account_?(?:no|nr|number)")
_ID_NAME = re.compile(
    r"(?:^|_)(?:ssn|nin|nino|cpf|pesel|bsn|nif|dni|curp|aadhaar|codice_?fiscale|personnummer)(?:_|$)|social_?sec"
    r"|national_?(?:id|insurance)|tax_?id|passport|id_?card|citizen_?id"
)
_EMAIL = re.compile(r"[\w.%+-]{1,64}@(?P<domain>[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})\Z")
_FICTION_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example|test|invalid|localhost|foo|bar|dummy|fake|acme)(?:\.[a-z.]{2,6})?\Z|(?:email|mail|domain|company)\.com\Z"
)
_PHONE = re.compile(r"(?:\+|00)?\(?\d[\d\s().-]{6,20}\d\Z")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}\Z")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\Z")
_OTHER_IDS = (
    re.compile(r"[A-CEGHJ-PR-TW-Z]{2}\d{6}[A-D]\Z"),  # United Kingdom
    re.compile(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\Z"),  # Italy
    re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}\Z"),  # Brazil
    re.compile(r"\d{6}[-+]\d{4}\Z"),  # Sweden, Denmark
    re.compile(r"[1-478]\d{2}(?:0[1-9]|1[0-2])\d{10}\Z"),  # France
)
_KNOWN_EXAMPLES = frozenset(
    ("123-45-6789", "078-05-1120", "219-09-9999", "111-11-1111", "GB82WEST12345698765432", "DE89370400440532013000")
)
# Columns of public data sets that ship with libraries and courses.
_PUBLIC_COLUMNS = (
    frozenset(("passengerid", "survived", "pclass")),
    frozenset(("customerid", "tenure", "monthlycharges", "churn")),
    frozenset(("sepal_length", "petal_length")),
)


def personal_columns(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """(column, kind) for each column whose name and values both tell of personal data. `rows` are cells as text."""
    names = {name.strip().lower() for name in columns}
    if any(known <= names for known in _PUBLIC_COLUMNS):
        return []
    found = []
    for index, column in enumerate(columns):
        kind = _kind_by_name(column)
        if kind and _looks_like(_CHECKS[kind], [row[index].strip() for row in rows if index < len(row)]):
            found.append((column, kind))
    return found


def _kind_by_name(column: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column[:100]).lower())
    patterns = {"e-mail": _EMAIL_NAME, "phone": _PHONE_NAME, "IBAN": _IBAN_NAME, "national id": _ID_NAME}
    return next((kind for kind, pattern in patterns.items() if pattern.search(name)), "")


def _looks_like(check: Callable[[str], bool], values: Sequence[str]) -> bool:
    filled = [value[:100] for value in values if value and value.lower() not in ("nan", "none", "null", "na", "n/a")]
    right = [value for value in filled if check(value)]
    return len(set(right)) >= _MIN_DISTINCT and len(right) >= _MIN_SHARE * len(filled)


def _is_email(value: str) -> bool:
    found = _EMAIL.match(value)
    return bool(found) and not _FICTION_DOMAIN.match(found["domain"].lower() if found else "")


def _is_phone(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    # 555-01xx is reserved for fiction; a number without any sign of grouping must at least be of a phone's length.
    if not _PHONE.match(value) or not 8 <= len(digits) <= 15 or "55501" in digits or len(set(digits)) < 4:
        return False
    return value != digits or len(digits) >= 9


def _is_iban(value: str) -> bool:
    compact = re.sub(r"\s", "", value)
    if not _IBAN.match(compact) or compact in _KNOWN_EXAMPLES:
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _is_national_id(value: str) -> bool:
    if value in _KNOWN_EXAMPLES:
        return False
    return bool(_SSN.match(value)) or any(pattern.match(value.replace(" ", "")) for pattern in _OTHER_IDS)


_CHECKS = {"e-mail": _is_email, "phone": _is_phone, "IBAN": _is_iban, "national id": _is_national_id}
