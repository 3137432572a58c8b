"""Secrets are never kept in a row, so that no cache, report or log can show one: what is kept says only that one was there."""

from __future__ import annotations

import re

MASK = "***"

_SECRET_NAME = re.compile(
    r"(?:^|[^a-z0-9])(?:pass(?:word|wd|phrase)?|pwd|secrets?|credentials?|auth|token|bearer"
    r"|(?:api|access|secret|private|account|signing|encryption|auth|storage|master|service)[-_]?keys?(?:[-_]id)?"
    r"|[a-z0-9]*(?:password|secret|apikey|token)|connection[-_]?string|dsn)(?:$|[^a-z0-9])",
)
# `pad_token`, `eos_token`, … of tokenizers are words of a model's vocabulary, not credentials.
_VOCABULARY_TOKEN = re.compile(
    r"(?:pad|eos|bos|unk|mask|sep|cls|image|video|audio|boi|eoi|special|additional|start|end|stop|think|tool|decoder|fake"
    r"|next|prefix|suffix|middle|id_to|to)[a-z_]*[-_]?tokens?"
)
_REFERENCE = re.compile(
    r"\$\{?|\{\{|<[a-zA-Z_ -]+>|%\(|!?env[:.(]|secretKeyRef|\*+$|(?:vault|file|env|op|ssm|arn):", re.I
)
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)([^\s/:@]{0,100}):([^\s/@${}]{1,200})@")
_PROVIDER = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{30,}|\bglpat-[\w-]{20,}|\bsk-[\w-]{20,}"
    r"|\bhf_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{35}|\bpypi-[\w-]{40,}|\bnpm_[A-Za-z0-9]{30,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|\bdapi[0-9a-f]{32}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----.*",
    re.S,
)
_ASSIGNMENT = re.compile(
    r"(?P<name>\b[A-Za-z0-9_-]{3,60})(?P<eq>\s{0,3}[=:]\s{0,3}[\"']?)(?P<value>(?!\*\*\*)[^\s\"'${}<>()]{6,200})"
)


def is_secret_name(name: str) -> bool:
    """Does a key of a configuration name a credential ("db.password", "OPENAI_API_KEY"), rather than "pad_token"?"""
    last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2][-100:]).lower()
    return bool(_SECRET_NAME.search(last)) and not _VOCABULARY_TOKEN.search(last)


def mask_value(name: str, value: str) -> str:
    """The value of a configuration key without any credential; references such as ${TOKEN} stay as they are."""
    if value and is_secret_name(name) and not _REFERENCE.match(value):
        return MASK
    return mask_text(value)


def mask_text(text: str) -> str:
    """Text without keys of known providers, passwords in URLs and values assigned to names of secrets."""
    if "://" in text:
        text = _CREDENTIALS_IN_URL.sub(rf"\1:{MASK}@", text)
    text = _PROVIDER.sub(MASK, text)
    return _ASSIGNMENT.sub(_mask_assignment, text)


def _mask_assignment(found: re.Match[str]) -> str:
    return f"{found['name']}{found['eq']}{MASK}" if is_secret_name(found["name"]) else found[0]
