"""Measures conversion on public notebooks."""
