"""Add the present template to templates/history.bundle: the step of a release after which its version never changes."""

from __future__ import annotations

from mlready.scaffold.template import shipped, write_history


def main() -> None:
    """Record the version of the installed mlready."""
    template = shipped()
    write_history(template)
    print(f"{template.history} holds {template.tag}")  # noqa: T201 - a script's result


if __name__ == "__main__":
    main()
