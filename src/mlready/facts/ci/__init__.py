"""Readers of CI configurations, one module per provider family; `mlready.facts.automation` chooses between them."""
