"""Credentials never survive in text that is kept; everything else does."""

from __future__ import annotations

import pytest

from mlready.facts.masking import mask_text, mask_value


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("export DB_PASSWORD=hunter2hunter2", "export DB_PASSWORD=***"),
        ("curl -H 'token: abcdefgh'", "curl -H 'token: ***'"),
        ("pip install --extra-index-url https://me:hunter2@pypi.acme.io/simple x", "pip install --extra-index-url https://me:***@pypi.acme.io/simple x"),
        ("hf_" + "a" * 34, "***"),
        ("run --tokenizer=bert-base-uncased", "run --tokenizer=bert-base-uncased"),
        ("API_KEY=$API_KEY train", "API_KEY=$API_KEY train"),
        ("TOKEN=${{ secrets.TOKEN }}", "TOKEN=${{ secrets.TOKEN }}"),
        ("python train.py --max_tokens=200000", "python train.py --max_tokens=200000"),
        ("https://example.org:8080/a@b", "https://example.org:8080/a@b"),
    ],
)  # fmt: skip
def test_text(text: str, kept: str) -> None:
    assert mask_text(text) == kept


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", "{{ env }}"),
        ("password", "<your password>"),
        ("secret_key", "env:KEY"),
        ("password", ""),
        ("x.cls_token", "[CLS]"),
    ],
)
def test_references_and_words_of_a_vocabulary_stay(key: str, value: str) -> None:
    assert mask_value(key, value) == value
