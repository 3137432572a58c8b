"""Tests of code, data, model and serving."""
