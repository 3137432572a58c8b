"""The formats of credentials that providers publish, each with the literal text that must be there before it is tried.

The only home of detect-secrets, whose modules take 0.1 s to import: nothing of it is loaded before a mark is seen. The
only home of ahocorasick_rs as well, which looks for all marks in one pass over a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick


@dataclass(frozen=True, slots=True)
class Format:
    code: str
    title: str
    marks: tuple[str, ...]
    """Literals of which one is in every such credential, or right before it."""
    plugin: str = ""
    """Module and class under `detect_secrets.plugins`."""
    pattern: str = ""
    """Else our own expression; group 1, if there is one, is the credential."""
    certain: bool = True
    shown: int = 4
    """How many first characters a message may show (never more than four)."""


FORMATS = (
    Format("aws-access-key", "AWS access key", ("AKIA", "ASIA", "ABIA", "ACCA"), "aws.AWSKeyDetector"),
    Format(
        "aws-secret-key",
        "AWS secret key",
        ("aws_secret", "AWS_SECRET", "aws_secret_access", "SecretAccessKey", "secretAccessKey"),
        pattern=r"(?i)secret_?(?:access_?)?key[\"']?\]?\s{0,4}[=:,]\s{0,4}[\"']?([0-9a-zA-Z/+]{40})(?![0-9a-zA-Z/+=])",
        shown=0,
    ),
    Format("github-token", "GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), "github_token.GitHubTokenDetector"),
    Format("github-token", "GitHub token", ("github_pat_",), pattern=r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    Format("gitlab-token", "GitLab token", ("glpat-", "gldt-", "glrt-", "glsoat-"), "gitlab_token.GitLabTokenDetector"),
    Format("slack-token", "Slack token", ("xoxa-", "xoxb-", "xoxp-", "xoxo-", "xoxs-", "xoxr-"), "slack.SlackDetector"),
    Format("slack-webhook", "Slack webhook", ("https://hooks.slack.com/services/T",), "slack.SlackDetector", shown=0),
    Format("stripe-key", "Stripe key", ("sk_live_", "rk_live_"), "stripe.StripeDetector"),
    Format("sendgrid-key", "SendGrid key", ("SG.",), "sendgrid.SendGridDetector"),
    Format("square-secret", "Square secret", ("sq0csp-",), "square_oauth.SquareOAuthDetector"),
    Format("mailchimp-key", "Mailchimp key", ("-us",), "mailchimp.MailchimpDetector"),
    Format("telegram-token", "Telegram bot token", (":AA",), "telegram_token.TelegramBotTokenDetector", shown=0),
    Format("openai-key", "OpenAI key", ("T3BlbkFJ",), "openai.OpenAIDetector"),
    Format(
        "openai-key",
        "OpenAI key",
        ("sk-proj-", "sk-svcacct-", "sk-admin-"),
        pattern=r"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}",
    ),
    Format("anthropic-key", "Anthropic key", ("sk-ant-",), pattern=r"sk-ant-(?:api|admin|sid|oat)\d\d-[\w-]{80,120}"),
    Format("google-api-key", "Google API key", ("AIza",), pattern=r"AIza[0-9A-Za-z_-]{35}"),
    Format("google-oauth-secret", "Google OAuth secret", ("GOCSPX-",), pattern=r"GOCSPX-[0-9A-Za-z_-]{28}"),
    Format("huggingface-token", "Hugging Face token", ("hf_",), pattern=r"hf_[A-Za-z]{34}|hf_[A-Za-z0-9]{34,40}"),
    Format("huggingface-token", "Hugging Face token", ("api_org_",), pattern=r"api_org_[A-Za-z]{34}"),
    Format("npm-token", "npm token", ("npm_",), pattern=r"npm_[A-Za-z0-9]{36}"),
    Format("npm-token", "npm token", (":_authToken",), "npm.NpmDetector", shown=0),
    Format("pypi-token", "PyPI token", ("pypi-AgEI", "pypi-AgEN"), "pypi_token.PypiTokenDetector"),
    Format(
        "azure-storage-key", "Azure storage key", ("AccountKey=",), "azure_storage_key.AzureStorageKeyDetector", shown=0
    ),
    Format("azure-sas-token", "Azure SAS token", ("&sig=", "?sig="), pattern=r"(?<=[?&]sig=)[A-Za-z0-9%]{43,63}%3[dD]", certain=False, shown=0),
    Format("databricks-token", "Databricks token", ("dapi",), pattern=r"dapi[0-9a-f]{32}(?:-\d)?"),
    Format("replicate-token", "Replicate token", ("r8_",), pattern=r"r8_[A-Za-z0-9]{37}"),
    Format("groq-key", "Groq key", ("gsk_",), pattern=r"gsk_[A-Za-z0-9]{52}"),
    Format("langsmith-key", "LangSmith key", ("lsv2_",), pattern=r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    Format("pinecone-key", "Pinecone key", ("pcsk_",), pattern=r"pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,70}"),
    Format("nvidia-key", "NVIDIA key", ("nvapi-",), pattern=r"nvapi-[A-Za-z0-9_-]{60,70}"),
    Format("tavily-key", "Tavily key", ("tvly-",), pattern=r"tvly-(?:dev-|prod-)?[A-Za-z0-9]{32}"),
    Format(
        "wandb-key",
        "Weights & Biases key",
        ("wandb", "WANDB"),
        pattern=r"(?:wandb\.login\(\s*(?:key\s*=\s*)?[\"']|wandb login\s+(?:--relogin\s+)?|WANDB_API_KEY[\"']?\]?\s{0,3}[=:]\s{0,3}[\"']?)"
        r"([0-9a-f]{40})(?![0-9a-f])",
    ),
    Format(
        "kaggle-key",
        "Kaggle key",
        ("kaggle", "KAGGLE", "username"),
        pattern=r"(?:KAGGLE_KEY[\"']?\]?\s{0,3}[=:]\s{0,3}[\"']?"
        r"|[\"']username[\"']\s*:\s*[\"'][\w.-]{3,40}[\"']\s*,\s*[\"']key[\"']\s*:\s*[\"'])([0-9a-f]{32})(?![0-9a-f])",
    ),
    Format("digitalocean-token", "DigitalOcean token", ("dop_v1_",), pattern=r"dop_v1_[0-9a-f]{64}"),
    Format("docker-token", "Docker token", ("dckr_pat_",), pattern=r"dckr_pat_[A-Za-z0-9_-]{27}"),
    Format("private-key", "private key", ("PRIVATE KEY",), "private_key.PrivateKeyDetector", shown=0),
    Format("jwt", "JSON web token", ("eyJ",), "jwt.JwtTokenDetector", certain=False, shown=0),
)  # fmt: skip

_STRETCH = 100_000
"""Characters that are searched at once: a text of nothing but marks must not become a list of millions."""
_LONGEST = max(len(mark) for form in FORMATS for mark in form.marks)


def marks_of(text: str) -> set[str]:
    """The marks of all formats that stand somewhere in a text."""
    marks, finder = _finder()
    found: set[int] = set()
    for start in range(0, len(text), _STRETCH):
        part = text[start : start + _STRETCH + _LONGEST]
        found.update(index for index, _, _ in finder.find_matches_as_indexes(part, overlapping=True))
    return {marks[index] for index in found}


@cache
def _finder() -> tuple[list[str], AhoCorasick]:
    from ahocorasick_rs import AhoCorasick, Implementation

    marks = sorted({mark for form in FORMATS for mark in form.marks})
    return marks, AhoCorasick(marks, implementation=Implementation.DFA)


def spans(form: Format, text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where text[begin:end] has something of that format; of our own expressions the group, if there is one."""
    for pattern in _patterns(form):
        for match in pattern.finditer(text, begin, end):
            group = 1 if form.pattern and pattern.groups else 0
            yield match.span(group)


@cache
def _patterns(form: Format) -> tuple[re.Pattern[str], ...]:
    """Plugins are asked for their expressions, not run: some give back a part of what they match, none the place."""
    if form.pattern:
        return (re.compile(form.pattern),)
    module, _, kind = form.plugin.partition(".")
    plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), kind)
    return tuple(entry if isinstance(entry, re.Pattern) else re.compile(re.escape(entry)) for entry in plugin.denylist)


def is_web_token(value: str) -> bool:
    """Whether the parts of a JWT decode to what they should."""
    from detect_secrets.plugins.jwt import JwtTokenDetector

    return bool(JwtTokenDetector.is_formally_valid(value))
