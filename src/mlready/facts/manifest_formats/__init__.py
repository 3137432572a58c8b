"""Readers of the files that declare or lock dependencies, one module for each family of formats."""
