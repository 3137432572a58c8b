"""An `.env` file that is part of the project: a finding of its own, whatever its values look like."""

from __future__ import annotations

import re

from mlready.external.finding import ExternalFinding
from mlready.external.secrets.scan import TOOL
from mlready.facts.masking import is_secret_name
from mlready.facts.reading import Unreadable, decode

ENV_FILE = re.compile(r"(?:^|/)\.env(?:\.[\w.-]+)?$", re.IGNORECASE)
_FOR_PEOPLE = re.compile(r"(?:example|sample|template|dist|defaults?|schema|tpl|test|ci)$", re.IGNORECASE)
_PUBLIC = ("VITE_", "NEXT_PUBLIC_", "REACT_APP_", "PUBLIC_")
"""Front ends ship these to every browser."""
_ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w{0,80})[ \t]*=[ \t]*([^\s#].*)$", re.MULTILINE)
_PASSED_ON = re.compile(r"[\"']?\$(?:\{[^}]{1,80}\}|\w{1,80})[\"']?\s*$")
"""The value of another variable."""


def env_finding(path: str, data: bytes) -> ExternalFinding | None:
    """What to say of a tracked .env file; None for a template and for one that sets nothing of interest.

    A variant (`.env.docker`) must name a credential to be told. Names are counted, values never shown.
    """
    if _FOR_PEOPLE.search(path):
        return None
    try:
        rows = _ASSIGNMENT.finditer(decode(data))
        names = {match[1] for match in rows if not _PASSED_ON.match(match[2])}
    except Unreadable:
        return None
    names = {name for name in names if not name.startswith(_PUBLIC)}
    secrets = sum(1 for name in names if is_secret_name(name))
    if not names or (not secrets and not path.endswith(".env")):
        return None
    told = f", {secrets} of them named like credentials" if secrets else ""
    return ExternalFinding(TOOL, "env-file", path, 1, f".env file with {len(names)} values{told}", certain=False)
