"""Serving: predictions over HTTP, one row or many."""
