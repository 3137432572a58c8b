"""Comments that tell mlready to leave something alone: `# mlready: ignore[REP004,DES007] reason`."""

from __future__ import annotations

import io
import re
import tokenize

from mlready.facts.rows import Suppression

_MARK = re.compile(
    r"#\s*mlready:\s*ignore(?P<whole>-file|-cell)?(?:\[(?P<rules>[\w\s,.-]*)\])?[\s:—–-]*(?P<reason>.*)", re.I
)
_MAX = 1_000


def suppressions_of(source: str) -> tuple[Suppression, ...]:
    """The suppressions in the comments of some code; text inside strings is none.

    A comment on a line of its own covers the next line of code, `ignore-file` covers
    the file, `ignore-cell` the cell of a notebook. Without rules in brackets it names none: `rules` is empty.
    """
    if "mlready:" not in source:
        return ()
    found: list[Suppression] = []
    pending: list[Suppression] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                match = _MARK.match(token.string)
                if match:
                    alone = not token.line[: token.start[1]].strip()
                    row = _suppression(match, token.start[0])
                    (pending if alone and row.line and not row.cell else found).append(row)
            elif pending and token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                found.extend(Suppression(row.rules, row.reason, token.start[0]) for row in pending)
                pending.clear()
            if len(found) >= _MAX:
                break
    except (tokenize.TokenError, SyntaxError, ValueError):
        pass  # what was seen before the broken place still counts
    return tuple(found)


def _suppression(match: re.Match[str], line: int) -> Suppression:
    names = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
    reason = match["reason"].strip()[:200].encode("utf-8", "replace").decode()
    whole = (match["whole"] or "").lower()
    return Suppression(names, reason, 0 if whole == "-file" else line, -1 if whole == "-cell" else 0)
