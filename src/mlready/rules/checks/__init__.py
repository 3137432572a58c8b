"""Checks that no declarative evidence can express: one module a factor, one function a rule."""
