"""Assignments that look like a credential: a name that says so, and a value that nobody would type as a word.

No provider can be told, so these are never certain. Built for precision: most projects of this field are full of
tokens, keys and secrets that are none (tokenizers, dictionary keys, names of secrets).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlready.external.secrets.fakes import entropy, is_fake
from mlready.external.secrets.known import MAX_HITS, Hit
from mlready.facts.masking import is_secret_name

_NAME = r"(?:password|passwd|pwd|passphrase|secret|token|api_?key|apikey|access_?key|auth_?key|private_?key|credential)"
_QUOTED = re.compile(
    _NAME + r"(?:[_-]?(?:key|token|id|value|string|\d))?[\"']?\]?\s{0,3}(?:=|:|=>)\s{0,3}[\"']([^\"'\s]{8,200})[\"']"
)
_PLAIN = re.compile(
    _NAME + r"(?:[_-]?(?:key|token|value|\d))?[\"']?\s{0,3}[:=]\s{0,3}([^\"'\s#,;{}]{8,200})[ \t]*(?:#[^\n]*)?$",
    re.MULTILINE,
)
_PLAIN_SUFFIXES = (".env", ".ini", ".cfg", ".conf", ".properties", ".yml", ".yaml", ".toml", ".tfvars", ".sh", ".bash")
_NOT_A_SECRET = re.compile(
    r"hash|md5|sha\d|digest|checksum|_name|_path|_file|_dir|_url|_uri|_field|_type|_len|_size|_count|_limit|_max|_min|expir|"
    r"_alg|header|prefix|suffix|_env|_var|_format|_class|_label|_col|regex|pattern|tokenizer|public|_ref|_key_id|placeholder",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"[A-Za-z]+(?:[_\-.:/ ][A-Za-z]+)*[_\-.]?\d{0,3}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*|[a-z][a-z0-9]*(?:_[a-z0-9]+)+"
)
_REFERENCE = re.compile(
    r"^(?:[/~.]|[a-z][a-z0-9+.-]*://|arn:|vault:|op:|env:|ssm:|secretKeyRef|projects/|[A-Za-z]:\\|os\.|self\.|st\.|config)|"
    r"\.(?:json|ya?ml|pem|txt|py|crt|key|env|toml|cfg)$|[()\[\]{}<>]|\$|,|^[0-9a-f]{8}-[0-9a-f]{4}-",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"pass|pwd")


def find_generic(text: str, *, path: str) -> Iterator[Hit]:
    """Assignments in code and configuration whose value looks random or like a real password."""
    lower = _lower(text)
    patterns = [_QUOTED]
    name = path.rpartition("/")[2]
    if name.endswith(_PLAIN_SUFFIXES) or name.startswith((".env", "Dockerfile")):
        patterns.append(_PLAIN)
    count = 0
    for pattern in patterns:
        for match in pattern.finditer(lower):
            hit = _judge(text, match)
            if hit is not None:
                yield hit
                count += 1
            if count >= MAX_HITS:
                return


def _lower(text: str) -> str:
    """Lower case at the same positions (a few letters would become two)."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(char.lower() if char.isascii() else char for char in text)


def _judge(text: str, match: re.Match[str]) -> Hit | None:
    start, end = match.span(1)
    begin = max(text.rfind("\n", 0, match.start()) + 1, match.start() - 60)
    whole = re.search(r"[\w./-]*$", text[begin : match.start()])
    name = (whole.group() if whole else "") + re.split(r"[\"'\]\s=:]", text[match.start() : start], maxsplit=1)[0]
    value = text[start:end]
    if not is_secret_name(name) or _NOT_A_SECRET.search(name) or _is_comment(text[begin : match.start()]):
        return None
    if not _is_credible(value, password=bool(_PASSWORD.search(name.lower()))):
        return None
    shown_name = name.rpartition(".")[2][-40:]
    return Hit(
        "generic-secret", f"value that looks like a credential assigned to {shown_name!r}", start, end, "", False
    )


def _is_comment(line_start: str) -> bool:
    return line_start.lstrip().startswith(("#", "//"))


def _is_credible(value: str, *, password: bool) -> bool:
    if is_fake(value) or _REFERENCE.search(value) or _WORDS.fullmatch(value):
        return False
    has_digit = any(char.isdigit() for char in value)
    has_letter = any(char.isalpha() for char in value)
    if not (has_digit and has_letter):
        return False
    if password:
        return True
    return len(value) >= 16 and entropy(value) >= 3.2
