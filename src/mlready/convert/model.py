"""The values that pass between the steps of a conversion. All frozen; the steps are functions."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mlready.flow.statements import StatementFlow

if TYPE_CHECKING:
    from mlready.convert.codemods.source import Line, Origin

NoteKind = Literal["dropped", "translated", "kept", "refused", "warning", "corrected"]


@dataclass(frozen=True)
class Note:
    """Something a person should know about one cell: `cell` is its 1-based number, `line` in it (0: all of it)."""

    cell: int
    line: int
    kind: NoteKind
    message: str


@dataclass(frozen=True)
class Cell:
    """One cell as stored; `number` counts all cells from 1, as a person sees them."""

    number: int
    kind: Literal["code", "markdown", "raw"]
    source: str
    id: str = ""
    execution_count: int | None = None


@dataclass(frozen=True)
class Notebook:
    path: Path
    cells: tuple[Cell, ...]
    kernel: str = ""

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class PlainCell:
    """A code cell as plain Python, every magic and shell call decided on; `problem` where it is no Python."""

    number: int
    source: str
    code: str
    problem: str = ""
    notes: tuple[Note, ...] = ()
    commands: frozenset[int] = frozenset()
    """Lines that stand for a magic or a shell call: a notebook shows no value of theirs."""


@dataclass(frozen=True, eq=False)
class Statement:
    """One top-level statement of the notebook, in order of the cells."""

    index: int
    cell: int
    node: ast.stmt
    code: Line
    """Its libcst node with the comments around it. Made from `node` and then rewritten: only code is written."""
    origin: Origin
    """Where the code was parsed."""
    flow: StatementFlow
    weight: int
    """Statements in it, nested ones counted."""
    lines: int
    """Lines that it takes, comments above it counted."""
    shown: bool = False
    """Its value is what the cell displays."""


@dataclass(frozen=True)
class Setting:
    """One field of the written configuration."""

    name: str
    annotation: str
    default: str
    """Source of the default."""
    cell: int
    what: str
    """Why it is there: "path read", "seed", "named constant", ..."""
    comments: tuple[str, ...] = ()
    """What the notebook says about it."""


@dataclass(frozen=True, eq=False)
class LongLiteral:
    """Data in a statement that goes to a module of its own."""

    name: str
    node: ast.expr
    use: str
    """What stands in the statement in its place: the name, or a copy where the notebook may change it."""
    text: str
    lines: int
    cell: int


@dataclass(frozen=True)
class Definition:
    """A function or class that becomes a member of a module."""

    name: str
    statement: Statement
    extra: tuple[str, ...] = ()
    """Notebook variables that it gets as leading parameters, and the configuration in place of many settings."""
    uses: frozenset[str] = frozenset()
    """Other definitions that it uses."""
    from_config: frozenset[str] = frozenset()
    """Settings that it reads from the configuration."""


@dataclass(frozen=True)
class Stage:
    """A run of statements that becomes one function."""

    name: str
    module: str
    statements: tuple[Statement, ...]
    inputs: tuple[str, ...]
    settings: tuple[str, ...]
    """Settings that it takes one by one, and the configuration where it takes more from that."""
    outputs: tuple[str, ...]
    unset: tuple[str, ...] = ()
    """Names that may stay unbound and so start as None."""
    title: str = ""
    prose: str = ""
    """What the notebook says right above it."""
    is_async: bool = False
    from_config: tuple[str, ...] = ()
    """Settings that it reads from the configuration."""

    @property
    def parameters(self) -> tuple[str, ...]:
        return self.inputs + self.settings

    @property
    def cells(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(statement.cell for statement in self.statements))


@dataclass(frozen=True)
class ImportLine:
    """One bound name of an import: `text` is a whole statement that binds only this name (or a star, or nothing)."""

    text: str
    name: str
    root: str
    cell: int
    side_effect: bool = False
    local: bool = False
    """Found beside the notebook, not in a distribution."""
    late: bool = False
    """Only importable once earlier code has changed sys.path: imported inside the functions that use it."""
    above: tuple[str, ...] = ()
    """Comments above it; they stand in the first module that has the import."""
    beside: str = ""
    """Comment behind it."""


@dataclass(frozen=True)
class Plan:
    """Everything that is decided before anything is written."""

    notebook: Notebook
    package: str
    stages: tuple[Stage, ...]
    definitions: dict[str, Definition]
    imports: tuple[ImportLine, ...]
    module_blocks: tuple[Statement, ...]
    """Statements such as `try: import x` that stand at module level wherever their names are used."""
    settings: tuple[Setting, ...]
    figures: dict[int, str]
    """Statements after which open figures are saved, with the name for the files."""
    notes: tuple[Note, ...]
    cells: tuple[PlainCell, ...]
    results: tuple[str, ...]
    """Names that the pipeline gives back."""
    constants: tuple[str, ...] = ()
    """Notebook variables that became settings of the same name."""
    where: dict[str, str] = field(default_factory=dict)
    """Final variable -> name of the step that binds it last, or "config"."""
    identifiers: frozenset[str] = frozenset()
    """Every name that the notebook uses anywhere."""
    imported: frozenset[str] = frozenset()
    """Names that mean an import and nothing else."""
    shared: frozenset[str] = frozenset()
    """Definitions that several notebooks of the project have."""
    needs: dict[int, frozenset[str]] = field(default_factory=dict)
    """Every name that a statement takes from outside, by index."""
    after: tuple[str, ...] = ()
    """Comments below the last statement."""
    literals: tuple[LongLiteral, ...] = ()
