"""What becomes of the words of a language model: run as code, parsed bare, or checked first."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlready.facts.leak_values import NOTHING, Mark, Value, derived, flat, root_of

if TYPE_CHECKING:
    from mlready.facts.leak_walk import Walk

_SINKS = frozenset(
    {
        "eval",
        "exec",
        "os.system",
        "os.popen",
        "subprocess.run",
        "subprocess.call",
        "subprocess.check_output",
        "subprocess.check_call",
        "subprocess.Popen",
        "subprocess.getoutput",
        "pickle.loads",
        "builtins.exec",
        "builtins.eval",
    }
)
_SQL = frozenset({"execute", "executescript", "exec_driver_sql", "read_sql", "read_sql_query"})
_PARSERS = frozenset({"json.loads", "ast.literal_eval", "yaml.safe_load", "yaml.load", "json5.loads"})
_REGEX = frozenset({"re.search", "re.match", "re.findall", "re.fullmatch", "re.finditer"})
_VALIDATORS = frozenset(
    {
        "model_validate",
        "model_validate_json",
        "validate_python",
        "validate_json",
        "parse_obj",
        "parse_raw",
        "parse_obj_as",
        "validate",
        "from_dict",
        "structure",
    }
)
_SCHEMAS = frozenset({"response_format", "tools", "response_model", "response_schema", "functions", "text_format"})
_TOOL_PARTS = frozenset({"arguments", "tool_calls", "function_call", "tool_call", "parsed"})
_PLAIN_JSON = frozenset({"json_object", "text"})
_GUARDS = ("sandbox", "allow", "whitelist", "safe", "restricted", "e2b", "docker", "container", "permitted")


def of_call(
    walk: Walk,
    node: ast.Call,
    name: str,
    last: str,
    receiver: Value,
    args: Sequence[Value],
    keywords: Mapping[str, Value],
) -> Value | None:
    """The result of a call that has to do with a language model; None where it has nothing to do with one."""
    known = walk.vocabulary.meaning(name) if name else None
    if known and "call-llm" in known.activities:
        return _answer(walk, node, "structure-output" in known.activities)
    if last == "get" and node.args and isinstance(node.args[0], ast.Constant):
        return part_of_answer(receiver, str(node.args[0].value))
    given = [mark for value in args for mark in flat(value).marks if mark.kind == "llm"]
    spread = [m for value in keywords.values() for m in flat(value).marks if m.kind == "llm"]
    if not given and not spread:
        return None
    marks = [*given, *spread]
    if name in _SINKS or last in _SQL:
        _executed(walk, node, name or last, args[:1], keywords)
        return NOTHING
    if name in _PARSERS or name in _REGEX:
        return _parsed(walk, node, name, args)
    if last in _VALIDATORS or _is_own_class(last, node):
        walk.checked |= {mark.line for mark in marks if mark.name == "parsed"}
        walk.parsed.setdefault(node.lineno, last)
        walk.checked.add(node.lineno)
        return Value(roots=frozenset({root_of(node)}))
    return None


def part_of_answer(value: Value, name: str) -> Value:
    """An attribute or item of an answer: arguments of a tool call follow its schema, a body is the envelope."""
    if name in ("body", "Body"):
        return Value(roots=value.roots)
    if name in _TOOL_PARTS:
        marks = frozenset(replace(m, name="structured") if m.name == "answer" else m for m in value.marks)
        return replace(flat(value), marks=marks)
    return flat(value)


def _answer(walk: Walk, node: ast.Call, structured: bool) -> Value:
    for keyword in node.keywords:
        structured = structured or keyword.arg is None
        if keyword.arg in _SCHEMAS:
            text = ast.unparse(keyword.value)
            structured = structured or not any(word in text for word in _PLAIN_JSON)
    return Value(marks=frozenset({Mark("llm", "structured" if structured else "answer", node.lineno)}))


def _is_own_class(last: str, node: ast.Call) -> bool:
    """`Invoice(**data)`: a schema class is built from what was parsed."""
    return last[:1].isupper() and any(keyword.arg is None for keyword in node.keywords)


def _executed(walk: Walk, node: ast.Call, name: str, args: Sequence[Value], keywords: Mapping[str, Value]) -> None:
    shown = derived(*args, *(keywords[k] for k in ("args", "query", "sql") if k in keywords))
    marks = [mark for mark in shown.marks if mark.kind == "llm" and mark.name in ("answer", "structured")]
    text = ast.unparse(node)[:300].lower()
    if marks and not any(word in text for word in _GUARDS):
        line = marks[0].line
        message = f"what the language model answers (line {line}) goes to {name.rpartition('.')[2]}"
        walk.report("llm-execution", node.lineno, line, message)


def _parsed(walk: Walk, node: ast.Call, name: str, args: Sequence[Value]) -> Value:
    marks = [mark for value in args for mark in flat(value).marks if mark.kind == "llm"]
    if any(mark.name == "structured" for mark in marks):
        walk.checked.add(node.lineno)
    walk.parsed.setdefault(node.lineno, name)
    parsed = Mark("llm", "parsed", node.lineno)
    kept = [replace(mark) for mark in marks]
    return Value(marks=frozenset({*kept, parsed}))


def finish(walk: Walk) -> None:
    """Say of each place that parses an answer whether it was checked."""
    for line, name in walk.parsed.items():
        kind = "llm-parsed-checked" if line in walk.checked else "llm-parsed-bare"
        words = "and checked" if line in walk.checked else "without a schema"
        walk.report(kind, line, line, f"the answer of a language model is parsed by {name} {words}")
