"""Tells people: a warning in the log and, where a webhook is set, a message to it."""

from __future__ import annotations

import logging

import httpx

from ..settings import MonitorSettings

log = logging.getLogger(__name__)


def notify(message: str, settings: MonitorSettings) -> None:
    """Send the message; an unreachable webhook is logged, because the caller fails loudly anyway."""
    log.warning(message)
    if settings.webhook is None:
        return
    try:
        with httpx.Client(timeout=10, transport=httpx.HTTPTransport(retries=3)) as client:
            client.post(settings.webhook.get_secret_value(), json={"text": message}).raise_for_status()
    except httpx.HTTPError as error:
        log.error("the webhook was not reached: %s", type(error).__name__)
