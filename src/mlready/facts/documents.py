"""Texts for people: README, model cards, data cards, Markdown and reStructuredText.

Scanned line by line rather than parsed: what rules ask for (headings, shell commands, links, terms) stands in lines of
its own, and a project may hold thousands of pages.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mlready.facts.masking import mask_text
from mlready.facts.reading import Unreadable, clean, decode, guarded, table
from mlready.facts.rows import Document, FileFacts

# The closed list of terms that rules ask for, each with the words and phrases that count as it.
TERMS = {
    "install": "install installs installing installed installation setup|set up|getting started|quick start|quickstart",
    "train": "train trains training trained retrain retraining finetune finetuning|fine-tune|fine-tuning|fine tune|fine tuning",
    "evaluate": "evaluate evaluates evaluated evaluating evaluation evaluations benchmark benchmarks",
    "predict": "predict predicts predicted prediction predictions predicting inference scoring",
    "serve": "serve serves served serving deploy deploys deployed deploying deployment deployments endpoint endpoints",
    "test": "test tests testing pytest unittest",
    "monitor": "monitor monitors monitored monitoring drift alert alerts alerting dashboard dashboards",
    "reproduce": "reproduce reproduces reproduced reproducing reproducible reproducibility reproduction|dvc repro",
    "usage": "usage example examples|how to use|how to run",
    "intended use": "|intended use|intended user|intended purpose|direct use|primary use",
    "out of scope": "misuse|out of scope|out-of-scope|not intended|should not be used|must not be used",
    "limitations": "limitation limitations caveat caveats|limits of|known issues|does not work|not suitable",
    "bias": "bias biases biased fairness ethics ethical harm harms harmful",
    "metrics": "metric metrics accuracy precision recall f1 rmse mae mse mape auc roc-auc bleu rouge perplexity r2 wer iou|f1-score"
    "|f1 score|roc auc|mean absolute error|mean squared error",
    "baseline": "baseline baselines|dummy classifier|dummy regressor",
    "training data": "|training data|training set|training corpus|trained on|train set|training split",
    "evaluation data": "|evaluation data|evaluation set|test data|test set|validation data|validation set|held-out|holdout|hold-out",
    "dataset": "dataset datasets corpus corpora|data set",
    "data": "data",
    "features": "feature features column columns variable variables",
    "schema": "schema schemas dtype dtypes|data dictionary|data type",
    "source": "source sources provenance|collected by|collected from|obtained from|downloaded from|download from|provided by"
    "|comes from|data collection",
    "owner": "owner owners steward curator maintainer maintainers maintained contact|owned by|developed by|curated by|responsible for",
    "refresh": "refresh refreshed refreshes daily weekly monthly hourly yearly quarterly nightly cadence freshness snapshot"
    "|updated every|update frequency|last updated|as of 20",
    "license": "license licence licensed licensing licenses licences cc0 cc-by|cc by|public domain|creative commons",
    "personal data": "pii gdpr privacy anonymized anonymised anonymization pseudonymized|personal data|personal information"
    "|personally identifiable|sensitive data|sensitive information",
    "model": "model models",
    "architecture": "architecture hyperparameter hyperparameters|hyper-parameters",
    "version": "version versions versioned versioning changelog",
    "annotation": "annotation annotations annotator annotators annotated labeling labelling|annotation guide|annotation guideline",
    "retention": "retention|deleted after|kept for",
    "citation": "citation cite bibtex",
    "energy": "carbon co2 emissions energy|environmental impact",
    "rollback": "rollback runbook incident incidents|roll back|on-call",
    "threshold": "threshold thresholds acceptance slo sla|acceptance criteria|service level",
    "configuration": "configuration configure config settings|environment variable",
}
# Front matter keys of Hugging Face model and dataset cards, and the terms that they answer.
FRONT_MATTER_TERMS = {
    "license": "license",
    "license_name": "license",
    "datasets": "training data",
    "metrics": "metrics",
    "model-index": "metrics",
    "base_model": "base model",
    "pipeline_tag": "pipeline tag",
    "library_name": "library",
    "language": "language",
    "task_categories": "task",
    "source_datasets": "source",
    "annotations_creators": "annotation",
    "size_categories": "size",
    "dataset_info": "schema",
    "configs": "dataset",
}
FRONT_MATTER = "front matter"
"""The term of a document that starts with YAML front matter."""

MAX_DOCUMENT = 2_000_000
_MAX_ROWS = 1_000
_MAX_LINE = 4_000
_MAX_PROSE = 300_000
"""Characters of prose that terms are looked for in."""

_SUFFIXES = frozenset((".md", ".markdown", ".mdx", ".rst", ".qmd"))
_TEXT_NAMES = re.compile(r"(?:readme|model[-_ ]?card|data[-_ ]?(?:card|sheet)|dataset[-_ ]?card)(?:\.txt)?\Z", re.I)
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BETWEEN = re.compile(r"[\W_]+")
_FENCE = re.compile(r"[ \t]*(?:[-*+>][ \t]+)*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*)")
_ATX = re.compile(r" {0,3}#{1,6}[ \t]+(?P<title>.+?)[ \t]*#*[ \t]*\Z")
_HTML_HEADING = re.compile(r"<h[1-6][^>]{0,200}>(?P<title>[^<]{1,200})", re.I)
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}[ \t]*\Z")
_RST_CODE = re.compile(
    r"(?P<indent>[ \t]*)\.\.[ \t]+(?:code|code-block|sourcecode|prompt|sh|parsed-literal)::[ \t]*(?P<info>\S*)"
)
_LINK = re.compile(r"\]\(\s*<?([^\s<>()]{1,500}(?:\([^\s()]{0,100}\))?[^\s<>()]{0,200})|^\s*\[[^\]]{1,200}\]:\s*(\S{1,500})|(https?://[^\s<>\"'`\])]{1,500})|<([^<>\s]{1,500})>`_")  # fmt: skip
_SHELL = frozenset(
    [
        "bash",
        "sh",
        "shell",
        "console",
        "zsh",
        "fish",
        "shell-session",
        "terminal",
        "powershell",
        "ps1",
        "pwsh",
        "cmd",
        "bat",
        "batch",
        "commandline",
        "shellsession",
    ]
)
_OF_DATA = re.compile(
    r"\b(data ?sets?|corpus|corpora|provenance|data (sources?|collection|description|origin|acquisition|availability|card))\b"
    r"|^\W*(\d+[.)]?\s*)?((the|about|our|raw|training|input|used|source)\s+)*data\W*$"
    r"|^\W*(\d+[.)]?\s*)?(get|download|obtain|access|where)\w*\b.*\bdata\b",
    re.IGNORECASE,
)
"""Headings of what is said of a dataset: named so, or simply data; not each that has the word."""
_NOT_OF_DATA = re.compile(
    r"preprocess|pipeline|version|structure|science|load(er|ing)|augment|valid|drift|settings|other|own|custom|base\b|flow|"
    r"statistic|quality|analy|visuali|result|split|format|stor(e|age)\b|quer|process",
    re.IGNORECASE,
)
"""Headings that name data and speak of what is done with it."""
_NAMES_DATA = re.compile(
    r"\b(data ?sets?|corpus|training data|raw data)\b"
    r"|\b(download|find|found|obtain)\w*\s+(the\s+|our\s+|all\s+)?data\b(?! ?(pipeline|engineering|science|version))"
    r"|\bdata (is|are|was|were|can be|comes?|came|from)\b",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
_ITEM = re.compile(r"\s*([-*+|#>]|\d+[.)]|$)")
"""How a line begins that does not go on with the one before."""
_SOURCE_CODE = re.compile(
    r"source[- ]?(code|control|file|tree|venv|\S*activate)|\bsrc\b|licen[cs]e file|this (project|repo\w*|library)", re.I
)
_ADDRESS = re.compile(
    r"https?://(?!img\.shields|github\.com/[^/\s]+/[^/\s]+/(actions|blob|workflows)|colab|man\.|docs\.(?!google)|[^\s)]*(/docs?/|readthedocs))\S+|"
    r"doi\.org|s3://|gs://|"
    r"\b(kaggle|uci|zenodo|figshare|physionet|openml|data\.gov|hugging ?face|common crawl)\b",
    re.IGNORECASE,
)
"""Where data is had from: an address, or a place that is known for it."""
_FROM = re.compile(
    r"\b(collected|obtained|downloaded|taken|sourced|retrieved|acquired|originates?|comes?|came|scraped|gathered|provided|published"
    r"|released) (by|from)\b|\bcourtesy of\b|\bsources?\W{0,4}:",
    re.IGNORECASE,
)
"""Words that say whose data it is, or where it is from."""
_PUBLISHED = re.compile(
    r"^(?!.*[Pp]re-?train).*\b((?!YOLO|GPT|BERT|SHA)[A-Z]{3,}[A-Za-z]*-?\d+|[A-Z]?MNIST|LibriSpeech|MovieLens|SQuAD|UTKFace|VoxCeleb)"
    r"\W{1,4}([Dd]ata ?[Ss]ets?|[Cc]orpus)\b"
)
"""A published dataset by its own name, which is enough to find it: "the MUSDB18 dataset"."""
_INSTITUTION = re.compile(
    r"\b([Dd]ata ?[Ss]ets?|[Cc]orpus|[Dd]ata) (is |are |was |were )?((provided|published|released|collected|owned) )?(from|by|of) (the )?"
    r"([A-Z][\w.&-]* ){0,4}(Institute|University|Ministry|Bureau|Agency|Hospital|Commission)\b"
)
"""An institution that made the data, or gives it away."""
_PROMPT = re.compile(
    r"(?:\([\w .-]{1,40}\)[ \t]*)?(?:[\w.-]{1,30}@[\w.-]{1,40}[^$#\n]{0,80})?(?:\$|%|>|PS[^>\n]{0,60}>|C:\\[^>\n]{0,80}>)[ \t]+(?P<command>\S.*)"
)
_KNOWN_COMMAND = re.compile(
    r"(?:sudo |[A-Z_]{2,40}=\S{1,200} )?(?:pip3?|py|python[\d.]*|conda|mamba|uv|uvx|rye|pipenv|poetry|pdm|pixi|hatch|make|just|tox|nox|pytest|dvc"
    r"|mlflow|(?:nvidia-)?docker(?:-compose)?|podman|kubectl|helm|terraform|git|wget|curl|bash|sh|npm|npx|uvicorn|gunicorn|streamlit|jupyter"
    r"|torchrun|accelerate|deepspeed|sbatch|srun|snakemake|nextflow|flask|chainlit|papermill|heroku|gcloud|sam|modal|yarn|pnpm|kedro|zenml|prefect|airflow|bentoml|ray|brew|apt(?:-get)?|source|\./[\w./-]+)(?: |\Z)"
)


_PYTHON = re.compile(
    r"\bpython[\s*_`:=(v-]{0,5}(?:version[\s*_`:=]{0,5})?(?P<version>3\.\d{1,2})(?:\.\d+|\.x)?(?![\w+]|\.\d"
    r"|[\s*_`)]*(?:\+|[-–,/]\s*v?3\.|to\b|or\b|and\b|above|higher|newer|later|upwards))",
    re.IGNORECASE,
)
"""One Python, and no lower bound or choice of several."""
_NO_LANGUAGE = frozenset(("text", "txt", "plain", "plaintext", "none", "cli"))
_NO_COMMAND = ("#", "::", "REM ", "├", "└", "│", "|--", "+--", "`--")
"""How comments begin, and the lines of a folder tree."""
_INLINE = re.compile(r"(?<!`)(?P<ticks>`|```)(?:\$ )?(?P<code>[^`\n]{4,200})(?P=ticks)(?!`)")
_INDENTED = re.compile(
    r"(?: {4,}|\t+)(?P<command>(?:python[\d.]*|pip3?|conda|docker|bash|sh|uv|poetry|jupyter|streamlit) \S.*[^.:,\s])\s*\Z"
)
"""A line of an indented block; "make sure" and the like begin lines of a list as well."""


def claims(path: str) -> bool:
    """Is it a text for people by its name?"""
    pure = PurePosixPath(path)
    return pure.suffix.lower() in _SUFFIXES or bool(_TEXT_NAMES.match(pure.name))


@guarded
def read(path: str, data: bytes) -> FileFacts:
    """Headings, commands of shell blocks, links and the terms that occur; the first 2 MB."""
    text = decode(data)[:MAX_DOCUMENT]
    scan = _Scan(rst=path.lower().endswith(".rst"))
    lines = text.splitlines()
    body = _front_matter(lines, scan)
    for number, line in enumerate(lines[body:], start=body + 1):
        scan.take(line[:_MAX_LINE], number)
    scan.end_block()
    return FileFacts(document=scan.document())


def _front_matter(lines: list[str], scan: _Scan) -> int:
    """Take the terms of YAML front matter; returns the number of lines that it takes."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    end = next((number for number, line in enumerate(lines[1:2_000], start=1) if line.rstrip() in ("---", "...")), 0)
    if not end:
        return 0
    from mlready.facts.yaml_nodes import load_yaml

    try:
        keys = [
            key for document in load_yaml("\n".join(lines[1:end])) for key, value in table(document).items() if value
        ]
    except Unreadable:
        return 0
    if not keys:
        return 0
    scan.terms |= {FRONT_MATTER, *(FRONT_MATTER_TERMS[key] for key in keys if key in FRONT_MATTER_TERMS)}
    return end + 1


@dataclass
class _Scan:
    """What the lines so far add up to; inside a block of code, its lines and where it ends."""

    rst: bool
    headings: list[tuple[int, str]] = field(default_factory=list)
    commands: list[tuple[int, str]] = field(default_factory=list)
    links: dict[str, None] = field(default_factory=dict)
    terms: set[str] = field(default_factory=set)
    python: list[tuple[int, str]] = field(default_factory=list)
    words: int = 0
    _fence: str = ""
    _info: str = ""
    _indent: int = -1
    _block: list[tuple[int, str]] = field(default_factory=list)
    _before: str = ""
    _text: list[str] = field(default_factory=list)
    _data_text: list[str] = field(default_factory=list)
    _data_lines: list[str] = field(default_factory=list)
    _in_data: bool = False

    def take(self, line: str, number: int) -> None:
        if self._fence or self._indent >= 0:
            if self._in_block(line, number):
                return
        elif self._starts_block(line):
            return
        self._prose(line, number)
        self._before = line

    def end_block(self) -> None:
        """Keep the commands of the block that ends here."""
        if len(self.commands) < _MAX_ROWS:
            self.commands += shell_commands(self._block, self._info)
        self._fence, self._info, self._indent, self._block = "", "", -1, []

    def document(self) -> Document:
        return Document(
            headings=tuple(self.headings[:_MAX_ROWS]),
            commands=tuple((line, mask_text(command)) for line, command in self.commands[:_MAX_ROWS]),
            links=tuple(mask_text(link) for link in list(self.links)[:_MAX_ROWS]),
            words=self.words,
            terms=tuple(sorted(self.terms | terms_of("\n".join(self._text)))),
            data_terms=self._data_terms(),
            python=tuple(self.python[:10]),
        )

    def _data_terms(self) -> tuple[str, ...]:
        """All terms of sections on data; "source" and "owner" where a line there, or one that names a dataset, says so."""
        inside = _SOURCE_CODE.sub(" ", "\n".join(self._data_text))
        lines = (*self._data_text, *self._data_lines)
        told = any(
            _ADDRESS.search(line) or _FROM.search(_SOURCE_CODE.sub(" ", line)) or _PUBLISHED.search(line)
            for line in lines
        )
        found = terms_of(inside) if inside else set()
        found |= {"source"} if told else set()
        found |= {"source", "owner"} if any(_INSTITUTION.search(line) for line in lines) else set()
        return tuple(sorted(found))

    def _in_block(self, line: str, number: int) -> bool:
        """Is the line part of the open block? Otherwise the block has ended (a closing fence is part of it)."""
        if self._fence:
            closing = line.strip().lstrip("> ")
            if closing.startswith(self._fence) and not closing.strip(self._fence[0]):
                self.end_block()
            else:
                self._block.append((number, line))
            return True
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= self._indent:
            self.end_block()
            return self._starts_block(line)
        if line.strip() and not line.strip().startswith(":"):
            self._block.append((number, line))
        return True

    def _starts_block(self, line: str) -> bool:
        if self.rst:
            found = _RST_CODE.match(line)
            if found:
                self._indent, self._info = len(found["indent"]), found["info"]
            elif line.rstrip().endswith("::") and not line.lstrip().startswith(".."):
                # A literal block; its paragraph is prose all the same.
                self._prose(line, 0)
                self._indent, self._info = len(line) - len(line.lstrip()), ""
            return self._indent >= 0
        found = _FENCE.match(line) if "``" in line or "~~" in line else None
        if found and "`" not in found["info"]:
            self._fence, self._info = found["fence"], found["info"]
            return True
        return False

    def _prose(self, line: str, number: int) -> None:
        self.words += len(line.split())
        for title in _titles(line, self._before):
            underlined = _UNDERLINE.match(line) is not None
            self.headings.append((number - 1 if underlined else number, clean(title, limit=200)))
            self._in_data = bool(_OF_DATA.search(title)) and not _NOT_OF_DATA.search(title) and len(self.headings) > 1
        if "](" in line or "://" in line or "]:" in line or ">`_" in line:
            self.links.update((clean(next(filter(None, found))), None) for found in _LINK.findall(line))
        if line.startswith(("    ", "\t")) and line.lstrip().startswith("$ "):
            self.commands += shell_commands([(number, line)], "")
        elif found := _INDENTED.match(line):
            self.commands.append((number, clean(found["command"])))
        if "`" in line:
            spans = (clean(found["code"].strip()) for found in _INLINE.finditer(line))
            self.commands += [(number, text) for text in spans if " " in text and _KNOWN_COMMAND.match(text)]
        if number and (named := _PYTHON.search(line)):
            self.python.append((number, named["version"]))
        self._text.append(line)
        if self._in_data:
            self._data_text.append(line)
        else:
            sentences = _SENTENCES.split(line)
            goes_on = not _ITEM.match(line) and _NAMES_DATA.search(_SENTENCES.split(self._before)[-1])
            self._data_lines += [
                text for n, text in enumerate(sentences) if _NAMES_DATA.search(text) or (n == 0 and goes_on)
            ]


def terms_of(text: str) -> set[str]:
    """The terms that occur in a text, whatever its case and line breaks."""
    text = text[:_MAX_PROSE].lower()
    words = set(_WORD.findall(text))
    spaced = f" {_BETWEEN.sub(' ', text)} "
    singles, phrases = _vocabulary()
    found = {singles[word] for word in words & singles.keys()}
    return found | {term for phrase, term in phrases if phrase in spaced}


@functools.cache
def _vocabulary() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Term of each single word, and (phrase, term); a phrase starts at a word and may go on ("intended use" -> "intended uses")."""
    singles: dict[str, str] = {}
    phrases: list[tuple[str, str]] = []
    for term, meaning in TERMS.items():
        words, *several = meaning.split("|")
        singles |= dict.fromkeys(words.split(), term)
        phrases += [(f" {_BETWEEN.sub(' ', phrase)}", term) for phrase in several]
    return singles, phrases


def shell_commands(block: list[tuple[int, str]], info: str) -> list[tuple[int, str]]:
    """Commands of one block of code: of a shell language, or lines that look like commands in one without a language.

    Where a line has a prompt, only lines with a prompt are commands and the others are output.
    """
    language = re.split(r"[\s,{}:]+", info.strip("{ ").lower().removeprefix("."))[0]
    language = "" if language in _NO_LANGUAGE else language
    if language in _PYTHON_FENCE:
        return [
            (number, line) for number, line in _joined(block) if _KNOWN_COMMAND.match(line) and not _is_python(line)
        ]
    if language and language not in _SHELL:
        return []
    lines = list(_joined(block))
    prompted = [(number, found["command"]) for number, line in lines if (found := _PROMPT.match(line))]
    if prompted:
        return prompted
    plain = [(number, line) for number, line in lines if not line.startswith(_NO_COMMAND)]
    return plain if language else [(number, line) for number, line in plain if _KNOWN_COMMAND.match(line)]


_PYTHON_FENCE = frozenset(("python", "py", "python3", "ipython"))


def _is_python(line: str) -> bool:
    """Whether a line is Python (`make = 5`) or begins a block of it; `pip install .` and `uvicorn app:app` are not."""
    if line.endswith((":", ",", "(", "[", "{")):
        return True
    try:
        ast.parse(line)
    except (SyntaxError, ValueError):
        return False
    return True


def _joined(block: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines without indentation, continuations joined to their first line."""
    start, parts = 0, list[str]()
    for number, raw in block:
        line = raw.strip()
        start = start or number
        parts.append(line.rstrip("\\").strip())
        if line.endswith("\\"):
            continue
        if joined := " ".join(filter(None, parts)):
            yield start, clean(joined)
        start, parts = 0, []
    if joined := " ".join(filter(None, parts)):
        yield start, clean(joined)


def _titles(line: str, before: str) -> Iterator[str]:
    if found := _ATX.match(line):
        yield found["title"]
    elif line[:1].isspace() or not line:
        return
    elif _UNDERLINE.match(line) and before.strip() and not _UNDERLINE.match(before) and not before[:1].isspace():
        if line[0] in "=-~^\"'`#*+" and len(line.rstrip()) + 2 >= min(len(before.rstrip()), 60) and "|" not in before:
            yield before.strip()
    elif line.startswith("<") and (found := _HTML_HEADING.search(line)):
        yield found["title"].strip()
