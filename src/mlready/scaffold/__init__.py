"""Scaffold: renders the project template, and merges later versions of it into projects. The only home of copier."""
