"""Facts: what is read from one file. Small, frozen, serialisable rows; rules see these and never source text or trees.

Every row is a msgspec struct (encoded as an array, so the cache stays small and is validated when it is read back).
`line` is 1-based. In a notebook it is a *flat* line, counted over its code cells laid end to end;
`NotebookFacts.locate` turns it into cell, line in the cell and raw line of the .ipynb file. Names are resolved through
imports: `np.load` is stored as `numpy.load`. A row type changes only together with `FACTS_VERSION`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

FACTS_VERSION = 22

Scalar = str | int | float | bool | None


class Row(Struct, frozen=True, array_like=True, gc=False):
    """Base of all rows."""


# ---------------------------------------------------------------------------------------------------------- Python


class Value(Row, frozen=True, array_like=True, gc=False):
    """What an expression says without being evaluated.

    kind      text / scalar / items
    const     scalar holds the constant; long strings are cut to 200 characters, `length` keeps the true length
    name      text is the resolved dotted name
    call      text is the resolved name of the function that is called; items its positional arguments
    list      items (tuples and sets too); dict: items are the keys, `values` what they map to; fstring: text is the template, `{}` for each hole
    item      text is the resolved name of what is subscripted; items hold the index
    expr      anything else; text is the kind of node, items the values inside it that are of interest
    """

    kind: Literal["const", "name", "call", "list", "dict", "fstring", "item", "expr"]
    text: str = ""
    scalar: Scalar = None
    items: tuple[Value, ...] = ()
    length: int = 0
    values: tuple[Value, ...] = ()


class Arg(Row, frozen=True, array_like=True, gc=False):
    """One argument of a call: `name` is the keyword, or the position as text ("0", "1"), or "*" / "**"."""

    name: str
    value: Value


class Import(Row, frozen=True, array_like=True, gc=False):
    """One imported name: `from a.b import c as d` has module "a.b", name "c", alias "d"; `import a.b` has name ""."""

    module: str
    name: str
    alias: str
    line: int
    scope: int = 0
    level: int = 0
    """Leading dots of a relative import."""
    optional: bool = False
    """Inside `try` with an ImportError handler, or under a condition on availability."""
    typing_only: bool = False
    """Under `if TYPE_CHECKING`."""


class Call(Row, frozen=True, array_like=True, gc=False):
    """One call that is of interest: to a known system, a local name, or a method name that carries meaning."""

    name: str
    """Resolved: "pandas.read_csv"; a method of an object whose maker is known "sklearn.svm.SVC.fit"; else ".fit"."""
    line: int
    scope: int
    args: tuple[Arg, ...] = ()
    activities: tuple[str, ...] = ()
    """Activities that this call means, through the systems catalogue."""
    system: str = ""
    """The system that the call belongs to, or ""."""
    receiver: str = ""
    """The object as written: "model", "self.scaler"; "" for plain functions."""
    targets: tuple[str, ...] = ()
    """Names that the result is bound to."""
    parent: str = ""
    """Resolved name of the directly enclosing call, or ""."""
    context: tuple[str, ...] = ()
    """What encloses it in its scope: loop, try, with, if, return, await, main-guard, decorator, debug."""
    end_line: int = 0


class Scope(Row, frozen=True, array_like=True, gc=False):
    """The module (index 0), a class or a function."""

    name: str
    """Qualified: "Trainer.fit"; "" for the module; "<main>" for what stands under `if __name__ == "__main__"`."""
    kind: Literal["module", "class", "function"]
    parent: int
    line: int
    end_line: int
    statements: int
    """Statements inside, nested definitions left out; for the module: those beside imports and definitions."""
    documented: bool = False
    decorators: tuple[Value, ...] = ()
    bases: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    returns: str = ""
    is_async: bool = False
    trivial: bool = False
    """Body is `...`, `pass`, a docstring, one return or a delegation."""
    asserts: int = 0
    """assert statements, `self.assert*`, `pytest.raises` and the like."""
    body_hash: str = ""
    """Of the body with names of locals, docstrings and formatting taken out; "" below four statements."""
    refs: tuple[str, ...] = ()
    """Resolved names that the scope reads or calls and that may be the project's own; for the call graph."""
    raises: bool = False
    """It raises something of its own accord, not because another exception was caught."""
    examples: bool = False
    """Its docstring has examples that doctest runs (`>>>`)."""
    harmless: bool = False
    """A test whose docstring says that nothing must be raised."""
    gives: tuple[str, ...] = ()
    """Names in its last `return`, by position: "" for what is no name; empty where it returns no names."""


class Param(Row, frozen=True, array_like=True, gc=False):
    name: str
    annotation: str = ""
    """Of every parameter of decorated functions and of `predict`, `__call__` …; elsewhere only types that tell of data."""
    default: Value | None = None


class Field(Row, frozen=True, array_like=True, gc=False):
    """An annotated or assigned field of a class: `age: int = Field(ge=0)`."""

    scope: int
    name: str
    annotation: str
    line: int
    default: Value | None = None


class Assign(Row, frozen=True, array_like=True, gc=False):
    """`name = value` with a value that can be told (constants, lists of constants, calls, names), in any scope."""

    name: str
    value: Value
    line: int
    scope: int


class Text(Row, frozen=True, array_like=True, gc=False):
    """A string literal of interest outside docstrings."""

    kind: Literal["path", "absolute-path", "url", "sql", "prompt", "shell", "other"]
    value: str
    line: int
    scope: int
    use: str = ""
    """What it is used in: resolved name of the enclosing call, "env-default", "help", "compare", "dict-key", …"""
    length: int = 0


class Subscript(Row, frozen=True, array_like=True, gc=False):
    """`df.iloc[:, 3]`, `values[:, 0:4]`, `df["price"]`: base as resolved or written, `index` in normalised source."""

    base: str
    index: str
    line: int
    scope: int
    store: bool = False
    base_type: str = ""
    """Resolved maker of the base, "pandas.DataFrame" where it is known to be one, else ""."""


class Handler(Row, frozen=True, array_like=True, gc=False):
    """An `except` clause."""

    line: int
    scope: int
    types: tuple[str, ...] = ()
    """Resolved exception names; empty for a bare except."""
    silent: bool = False
    """Nothing is done in it: pass, `...`, continue."""
    reraises: bool = False
    logs: bool = False


class Flow(Row, frozen=True, array_like=True, gc=False):
    """A connection between two places that the flow analysis found: a leak, a truncation, output that is executed."""

    kind: str
    line: int
    scope: int
    other_line: int
    message: str
    certain: bool = True


class Guard(Row, frozen=True, array_like=True, gc=False):
    """`if share > limit: raise …`: what leaves a function, or ends the run, behind a comparison of sizes."""

    line: int
    scope: int
    words: tuple[str, ...] = ()
    """Names, attributes, texts and numbers of the comparison; "missing-columns" where a table is refused for its columns."""
    fatal: bool = False
    """It raises or exits, where others return or go on."""


class PythonFacts(Row, frozen=True, array_like=True, gc=False):
    """Everything of one module, script or notebook."""

    scopes: tuple[Scope, ...]
    imports: tuple[Import, ...] = ()
    calls: tuple[Call, ...] = ()
    fields: tuple[Field, ...] = ()
    assigns: tuple[Assign, ...] = ()
    texts: tuple[Text, ...] = ()
    subscripts: tuple[Subscript, ...] = ()
    handlers: tuple[Handler, ...] = ()
    flows: tuple[Flow, ...] = ()
    main_guard: int = 0
    """Line of `if __name__ == "__main__"`, or 0."""
    lines: int = 0
    code_lines: int = 0
    prints: tuple[tuple[int, int], ...] = ()
    """(line, scope) of each print call that tells a person something: no empty line, no line of JSON."""
    exports: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()


# -------------------------------------------------------------------------------------------------------- notebooks


class Cell(Row, frozen=True, array_like=True, gc=False):
    """One cell; `raw_lines[i]` is the line in the .ipynb file of the cell's i-th source line."""

    number: int
    """1-based, markdown cells counted: what a person sees."""
    id: str
    kind: Literal["code", "markdown", "raw"]
    start: int
    """Flat line of its first line; 0 for cells without code."""
    lines: int
    raw_lines: tuple[int, ...] = ()
    execution_count: int | None = None
    statements: int = 0
    tags: tuple[str, ...] = ()
    outputs: int = 0
    output_bytes: int = 0
    error: str = ""
    """Name of the exception in its saved output."""
    headings: tuple[str, ...] = ()
    magics: tuple[str, ...] = ()
    """Names of its line and cell magics, as "%matplotlib", "%%bash"."""
    shell: tuple[tuple[int, str], ...] = ()
    """(flat line, command) of each `!command`, `%pip`, `%%bash` line."""
    problem: str = ""
    """Why its code could not be parsed, else ""."""
    personal: tuple[str, ...] = ()
    """Kinds of personal data seen in its outputs ("e-mail", "phone", …); never the values."""
    conditional: tuple[int, ...] = ()
    """Flat lines of its shell commands that an `if` decides on."""


class Undefined(Row, frozen=True, array_like=True, gc=False):
    """A name that a cell reads before any earlier cell defines it."""

    name: str
    line: int
    defined_later: bool


class NotebookFacts(Row, frozen=True, array_like=True, gc=False):
    format: Literal["ipynb", "percent", "databricks", "marimo"]
    cells: tuple[Cell, ...]
    language: str = "python"
    nbformat: int = 4
    undefined: tuple[Undefined, ...] = ()

    def locate(self, line: int) -> tuple[Cell, int, int] | None:
        """The cell of a flat line, the line in that cell and the raw line of the file (0 where unknown)."""
        for cell in self.cells:
            if cell.start and cell.start <= line < cell.start + cell.lines:
                offset = line - cell.start
                raw = cell.raw_lines[offset] if offset < len(cell.raw_lines) else 0
                return cell, offset + 1, raw
        return None


# ------------------------------------------------------------------------------------------- manifests and environments


class Requirement(Row, frozen=True, array_like=True, gc=False):
    """One declared dependency."""

    name: str
    """Normalised (PEP 503)."""
    spec: str
    """Version specifier as text, "" when unbounded."""
    group: str
    """"" for run time; else the extra, group or section ("dev", "test", "docs", "build", "conda", …)."""
    line: int = 0
    marker: str = ""
    hashed: bool = False
    source: Literal["index", "url", "vcs", "path", "conda"] = "index"


class LockedPackage(Row, frozen=True, array_like=True, gc=False):
    name: str
    version: str
    hashed: bool = False


class Manifest(Row, frozen=True, array_like=True, gc=False):
    """A file that declares or locks dependencies."""

    tool: str
    """pep621, poetry, pdm, hatch, setup.cfg, setup.py, requirements, pipfile, conda, pixi, uv, pylock, …"""
    role: Literal["declares", "locks"]
    requirements: tuple[Requirement, ...] = ()
    packages: tuple[LockedPackage, ...] = ()
    requires_python: str = ""
    distribution: str = ""
    """Name of the distribution that the file describes."""
    build_backend: str = ""
    scripts: tuple[tuple[str, str], ...] = ()
    """Console scripts and entry points: (name, "module:function")."""
    package_roots: tuple[str, ...] = ()
    """Folders that packages are found in, as declared ("src")."""
    dynamic: bool = False
    """True where something could not be read statically."""
    includes: tuple[str, ...] = ()
    """Other requirement files it pulls in (-r, -c), as paths from the project's root."""


# --------------------------------------------------------------------------------------------------------- automation


class Step(Row, frozen=True, array_like=True, gc=False):
    line: int
    run: str = ""
    """Shell text, script lines joined by newlines."""
    uses: str = ""
    """Action, orb, task or plugin with its version."""
    name: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    """An unquoted version that YAML turns into a number (3.10 -> 3.1) comes twice: ("python-version", "3.10") and
    ("python-version:unquoted-float", "3.10")."""
    env: tuple[tuple[str, str], ...] = ()
    """Its own; those of the job and of the whole file are on Job and Automation."""
    run_line: int = 0
    """Line of the first line of `run`, so that its i-th line stands on `run_line + i`; 0 without `run`."""
    condition: str = ""
    directory: str = ""
    tolerated: bool = False
    """Its failure does not fail the job (continue-on-error)."""


class Job(Row, frozen=True, array_like=True, gc=False):
    name: str
    line: int
    steps: tuple[Step, ...] = ()
    needs: tuple[str, ...] = ()
    condition: str = ""
    image: str = ""
    environment: str = ""
    calls: str = ""
    """A reusable workflow, template or include that the job is made of: what it does is unknown. A file of the project
    stands as its path from the root, so that its own facts can be looked up; anything else as written."""
    env: tuple[tuple[str, str], ...] = ()
    permissions: tuple[tuple[str, str], ...] = ()
    """As ("contents", "read"); ("*", "write") for write-all; empty where the job says nothing."""
    matrix: tuple[tuple[str, str], ...] = ()
    """Values it is repeated over, as ("python-version", "3.12"); unquoted floats are marked as in Step.inputs."""
    triggers: tuple[str, ...] = ()
    """The triggers that start it where it is narrower than the whole file, else empty."""
    tolerated: bool = False
    """Its failure does not fail the run (allow_failure, continue-on-error)."""


class Automation(Row, frozen=True, array_like=True, gc=False):
    """A CI configuration."""

    provider: Literal["github", "gitlab", "azure", "circleci", "travis", "jenkins", "bitbucket", "other"]
    triggers: tuple[str, ...] = ()
    """Of: push, pull-request, schedule, manual, tag, release, webhook, workflow-call, workflow-run."""
    crons: tuple[str, ...] = ()
    jobs: tuple[Job, ...] = ()
    includes: tuple[str, ...] = ()
    """Files and workflows that it is made of beside itself: paths from the root, else as written. CircleCI's orbs too."""
    permissions: str = ""
    """"", "read", "write" or "explicit" at the top level."""
    problem: str = ""
    env: tuple[tuple[str, str], ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    """Permissions at the top level, as in Job.permissions."""
    branches: tuple[tuple[str, str], ...] = ()
    """What triggers are limited to, as ("push", "main"), ("tag", "v*"), ("push:paths", "src/**")."""


class Hook(Row, frozen=True, array_like=True, gc=False):
    """A pre-commit hook."""

    id: str
    repo: str
    rev: str
    line: int
    entry: str = ""
    stages: tuple[str, ...] = ()


class Task(Row, frozen=True, array_like=True, gc=False):
    """A named command of Make, just, tox, nox, hatch, poe, pdm, package.json, a console script; a shell script without a name."""

    tool: str
    name: str
    commands: tuple[str, ...]
    line: int
    needs: tuple[str, ...] = ()


# -------------------------------------------------------------------------------------------- containers and pipelines


class Instruction(Row, frozen=True, array_like=True, gc=False):
    op: str
    value: str
    line: int
    stage: int


class Stage(Row, frozen=True, array_like=True, gc=False):
    base: str
    """Image as written with ARG defaults filled in, "scratch", or the name of an earlier stage."""
    name: str
    line: int
    pinned: Literal["digest", "full-tag", "loose-tag", "none", "stage", "argument"]


class Container(Row, frozen=True, array_like=True, gc=False):
    """A Dockerfile or Containerfile."""

    stages: tuple[Stage, ...]
    instructions: tuple[Instruction, ...]
    user: str = ""
    """USER in force at the end of the last stage, "" for root by default."""
    command: str = ""
    entrypoint: str = ""
    healthcheck: bool = False


class Service(Row, frozen=True, array_like=True, gc=False):
    """A service of a compose file."""

    name: str
    line: int
    image: str = ""
    build: str = ""
    """Folder that its image is built from, "" when it is not built."""
    command: str = ""
    healthcheck: bool = False
    dockerfile: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    user: str = ""


class PipelineStage(Row, frozen=True, array_like=True, gc=False):
    """A stage of dvc.yaml, an entry point of MLproject, a task of a workflow file."""

    tool: str
    name: str
    command: str
    line: int
    deps: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    uncached: tuple[str, ...] = ()
    """Outputs with `cache: false`."""


class Tracked(Row, frozen=True, array_like=True, gc=False):
    """An output under DVC: from a .dvc file or dvc.lock."""

    path: str
    hash: str
    size: int | None = None
    stage: str = ""


class Remote(Row, frozen=True, array_like=True, gc=False):
    """A DVC remote."""

    name: str
    url: str
    default: bool = False


class Resource(Row, frozen=True, array_like=True, gc=False):
    """A piece of infrastructure: a Kubernetes object, a Terraform block, a Helm chart, a Prometheus rule."""

    tool: str
    kind: str
    name: str
    line: int
    details: tuple[tuple[str, str], ...] = ()
    """Facts worth asking for: replicas, image, schedule, probes, maxReplicas, …"""


class Setting(Row, frozen=True, array_like=True, gc=False):
    """A leaf of a configuration file, under its dotted key; list items as "key[0]". At most 2,000 a file."""

    key: str
    value: Scalar
    line: int = 0


class Document(Row, frozen=True, array_like=True, gc=False):
    """A text for people: README, model card, data card."""

    headings: tuple[tuple[int, str], ...]
    commands: tuple[tuple[int, str], ...]
    """Lines of fenced shell blocks, prompt taken off."""
    links: tuple[str, ...] = ()
    words: int = 0
    terms: tuple[str, ...] = ()
    """Lower-case words of headings and text, out of a closed list that rules ask for."""
    data_terms: tuple[str, ...] = ()
    """The same for what is said of data in sections on it; "source" where it is said, there or elsewhere, where it comes from."""
    python: tuple[tuple[int, str], ...] = ()
    """(line, version) of each Python that its prose names to the minor version: "Python 3.10", not "Python 3.10+"."""


class Table(Row, frozen=True, array_like=True, gc=False):
    """A tracked table (CSV, TSV, JSON lines): its columns and what kinds of personal data a bounded sample shows."""

    columns: tuple[str, ...]
    rows_sampled: int
    personal: tuple[tuple[str, str], ...] = ()
    """(column, kind); never a value."""
    metrics: tuple[tuple[str, float], ...] = ()
    """For metrics files: dotted key and number."""


# ------------------------------------------------------------------------------------------------------------- a file


class FileFacts(Row, frozen=True, array_like=True, gc=False):
    """All that one file says. Only what fits the file is there."""

    problem: str = ""
    """Why it was not read (or only in part), else ""."""
    python: PythonFacts | None = None
    notebook: NotebookFacts | None = None
    manifests: tuple[Manifest, ...] = ()
    automation: Automation | None = None
    hooks: tuple[Hook, ...] = ()
    tasks: tuple[Task, ...] = ()
    container: Container | None = None
    services: tuple[Service, ...] = ()
    stages: tuple[PipelineStage, ...] = ()
    tracked: tuple[Tracked, ...] = ()
    remotes: tuple[Remote, ...] = ()
    resources: tuple[Resource, ...] = ()
    settings: tuple[Setting, ...] = ()
    document: Document | None = None
    table: Table | None = None
    suppressions: tuple[Suppression, ...] = ()
    generated: bool = False
    """Its first lines say that a program wrote it (`facts.generated.is_generated`)."""
    unrendered: int = 0
    """Line of the first mark of a project template that nobody filled in, or 0 (`facts.unrendered.first_mark`)."""


class Suppression(Row, frozen=True, array_like=True, gc=False):
    """`# mlready: ignore[REP004] reason`: `line` is what it covers, 0 for the whole file; `cell` for a whole cell."""

    rules: tuple[str, ...]
    reason: str
    line: int
    cell: int = 0
