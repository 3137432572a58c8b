"""An `.env` file that is part of the project: a finding of its own, whatever its values look like."""

from __future__ import annotations

import re

from mlready.external.finding import ExternalFinding
from mlready.external.secrets.scan import TOOL
from mlready.facts.masking import is_secret_name
from mlready.facts.reading import Unreadable, decode

ENV_FILE = re.compile(
    r"(?:^|/)\.env(?:\.(?!example|sample|template|dist|defaults?|ci|test|schema|tpl)[\w.-]+)?$", re.IGNORECASE
)
_ASSIGNMENT = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w{0,80})[ \t]*=[ \t]*([^\s#].*)$", re.MULTILINE)


def env_finding(path: str, data: bytes) -> ExternalFinding | None:
    """What to say of a tracked .env file; None for one that sets nothing. Names are counted, values never shown."""
    try:
        names = {match[1] for match in _ASSIGNMENT.finditer(decode(data))}
    except Unreadable:
        return None
    if not names:
        return None
    secrets = sum(1 for name in names if is_secret_name(name))
    told = f", {secrets} of them named like credentials" if secrets else ""
    return ExternalFinding(TOOL, "env-file", path, 1, f".env file with {len(names)} values{told}", certain=False)
