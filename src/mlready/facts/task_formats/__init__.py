"""Readers of the files that name commands, one module for each family of formats."""
