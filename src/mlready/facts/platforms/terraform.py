"""Terraform and OpenTofu blocks, and Bicep resources.

An own reader of HCL's block structure: python-hcl2 needs a second per process to build its grammar and reads 0.1 MB/s;
here expressions stay text, every block has its line, and what follows an error is still read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlready.facts.masking import mask_value
from mlready.facts.reading import clean
from mlready.facts.rows import Resource

MAX_BLOCKS = 2_000
MAX_DETAILS = 60
_MAX_TOKENS = 300_000
_MAX_DEPTH = 20

_TOKEN = re.compile(
    r"(?P<comment>#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<heredoc><<-?(?P<end>[A-Za-z_]\w*)[ \t\r]*\n)"
    r"|(?P<quote>\")|(?P<word>[A-Za-z_][\w-]*)|(?P<newline>\n)|(?P<space>[ \t\r]+)|(?P<mark>.)",
    re.S,
)
_STRING_PART = re.compile(r"\\.|[$%]\{|[{}\"\n]", re.S)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    start: int
    end: int
    line: int
    text: str


@dataclass(slots=True)
class _Block:
    """A block at the top of the file; attributes of blocks inside it have dotted names."""

    kind: str
    labels: list[str]
    line: int
    details: list[tuple[str, str]] = field(default_factory=list)


def read_terraform(source: str, *, tool: str = "terraform") -> tuple[Resource, ...]:
    """A row per top-level block: kind is the resource's type, "data.TYPE", "module", "variable", …"""
    blocks = _blocks(source, list(_tokens(source)))
    return tuple(_resource(block, tool) for block in blocks[:MAX_BLOCKS])


def _resource(block: _Block, tool: str) -> Resource:
    kind = block.kind
    labels = block.labels
    if kind in ("resource", "data") and labels:
        kind = labels[0] if kind == "resource" else f"data.{labels[0]}"
        labels = labels[1:]
    return Resource(tool, clean(kind), clean(".".join(labels)), block.line, tuple(block.details[:MAX_DETAILS]))


def _tokens(source: str) -> Iterator[_Token]:
    """Words, strings, heredocs, newlines and marks; comments and spaces are left out."""
    position, line = 0, 1
    endless: set[str] = set()
    for _ in range(_MAX_TOKENS):
        match = _TOKEN.match(source, position)
        if match is None:
            return
        kind, end = match.lastgroup or "", match.end()
        if match.group("quote"):
            kind, end = "string", _string_end(source, position + 1)
        elif match.group("heredoc"):
            kind, end = "string", _heredoc_end(source, match, endless)
        if kind not in ("comment", "space"):
            yield _Token(kind, position, end, line, source[position:end])
        line += source.count("\n", position, end)
        position = end


def _string_end(source: str, start: int) -> int:
    """Past the closing quote; quotes inside `${ … }` do not close it, and a line's end always does."""
    depth = 0
    for match in _STRING_PART.finditer(source, start, start + 20_000):
        part = match.group()
        if part == "\n":
            return match.start()
        if part in ("${", "%{") or (part == "{" and depth):
            depth += 1
        elif part == "}" and depth:
            depth -= 1
        elif part == '"' and not depth:
            return match.end()
    return min(len(source), start + 20_000)


def _heredoc_end(source: str, match: re.Match[str], endless: set[str]) -> int:
    """Past the closing word; `endless` remembers words that never close, so that a hostile file stays linear."""
    word = match.group("end")
    if word in endless or len(endless) > 20:
        return match.end()
    found = re.compile(rf"^[ \t]*{word}[ \t]*\r?$", re.M).search(source, match.end())
    if found is None:
        endless.add(word)
    return found.end() if found else match.end()


def _blocks(source: str, tokens: list[_Token]) -> list[_Block]:
    """Walks statements: `name = expression`, `name "label" {`, `}`."""
    blocks: list[_Block] = []
    prefixes: list[str] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.text == "}" and prefixes:
            prefixes.pop()
        elif token.kind in ("word", "string"):
            index, labels, sign = _head(tokens, index)
            name = _bare(token.text)
            if sign == "=":
                index, value = _expression(source, tokens, index)
                if prefixes and len(blocks[-1].details) <= MAX_DETAILS:
                    blocks[-1].details.append(_detail(blocks[-1], "".join(prefixes[1:]), name, value))
            elif sign == "{" and not prefixes:
                blocks.append(_Block(name, labels, token.line))
                prefixes.append("")
            elif sign == "{" and (len(prefixes) > _MAX_DEPTH or len(blocks[-1].details) > MAX_DETAILS):
                prefixes.append("")
            elif sign == "{":
                prefixes.append(".".join([name, *labels])[:200] + ".")
                blocks[-1].details += [(clean("".join(prefixes[1:])).rstrip("."), "")]
    return blocks


def _detail(block: _Block, prefix: str, name: str, value: str) -> tuple[str, str]:
    """The default of a variable is judged by the variable's name."""
    meant = block.labels[-1] if name == "default" and block.labels else name
    return clean(prefix + name), clean(mask_value(meant, value), limit=300)


def _head(tokens: list[_Token], index: int) -> tuple[int, list[str], str]:
    """Labels up to `=` or `{`; the sign is "" when neither comes on the line."""
    labels: list[str] = []
    while index < len(tokens):
        token = tokens[index]
        if token.text in ("=", "{"):
            return index + 1, labels, token.text
        if token.kind not in ("word", "string"):
            return index, labels, ""
        labels.append(_bare(token.text))
        index += 1
    return index, labels, ""


def _expression(source: str, tokens: list[_Token], index: int) -> tuple[int, str]:
    """The text of an expression: to the end of the line, or over lines while brackets are open."""
    depth, first = 0, index
    while index < len(tokens):
        text = tokens[index].text
        if depth == 0 and text in ("\n", "}"):
            break
        depth += (text in ("(", "[", "{")) - (text in (")", "]", "}"))
        index += 1
    if index == first:
        return index, ""
    return index, _bare(" ".join(source[tokens[first].start : tokens[index - 1].end][:2_000].split()))


def _bare(text: str) -> str:
    simple = len(text) >= 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return text[1:-1] if simple else text


_BICEP = re.compile(r"^[ \t]*(resource|module)[ \t]+(\w+)[ \t]+'([^'\n]{1,200})'", re.M)


def read_bicep(source: str) -> tuple[Resource, ...]:
    """`resource name 'Microsoft.X/y@2024-01-01' = {` and modules."""
    rows: list[Resource] = []
    line, position = 1, 0
    for match in _BICEP.finditer(source):
        what, name, kind = match.groups()
        line += source.count("\n", position, match.start())
        position = match.start()
        rows.append(
            Resource(
                "bicep", clean(kind) if what == "resource" else "module", clean(name), line, (("type", clean(kind)),)
            )
        )
        if len(rows) >= MAX_BLOCKS:
            break
    return tuple(rows)
