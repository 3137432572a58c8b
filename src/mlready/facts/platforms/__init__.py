"""Readers of infrastructure files, one module per family; `mlready.facts.infra` chooses between them."""
