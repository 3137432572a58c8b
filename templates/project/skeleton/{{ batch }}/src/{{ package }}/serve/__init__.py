"""Serving: predictions for files of rows."""
