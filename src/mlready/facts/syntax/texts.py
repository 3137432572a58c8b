"""String literals of interest: paths, addresses, SQL, prompts, shell commands. Most strings are none of them."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["path", "absolute-path", "url", "sql", "prompt", "shell", "other"]

LONG = 200
"""Characters from which any string is kept, whatever it is."""
SCANNED = 2_000
"""Characters that are looked at."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://\S")
_ABSOLUTE = re.compile(
    r"/(?:home|Users|root|content|kaggle|data\d*|mnt|media|scratch|work|workspace|workdir|tmp|var|opt|usr|etc|dev|Volumes|srv|nfs|gpfs"
    r"|lustre|project|projects|storage|dbfs|private|app|gdrive|drive|dataset|datasets|models?|raid|ssd|hdd|local|cluster|nas"
    r"|output|input|proc|sys|run|bin|lib)(?:/|$)"
    r"|[A-Za-z]:(?:\\|/(?!/))|~[\w.-]{0,40}[/\\]|\\\\[\w.-]+\\"
)
_EXTENSION = re.compile(
    r"\.(?:csv|tsv|txt|json|jsonl|ndjson|ya?ml|toml|ini|cfg|conf|env|xlsx?|parquet|pq|feather|arrow|avro|orc|hdf5?|h5|he5|nc|zarr"
    r"|npy|npz|mat|pkl|pickle|joblib|dill|sav|rds|db|sqlite3?|duckdb|sql|pt|pth|ckpt|bin|onnx|pb|tflite|keras|safetensors|gguf"
    r"|model|bst|ubj|cbm|png|jpe?g|gif|bmp|tiff?|svg|pdf|wav|mp3|flac|ogg|mp4|avi|mov|html?|xml|md|log|zip|tar|gz|tgz|bz2|xz|7z"
    r"|py|ipynb|sh|lock|proto|tfrecords?|lst|rec|geojson|shp|lmdb|index|faiss|dat|data|out)(?:\.(?:gz|bz2|xz|zip|zst))?$",
    re.I,
)
_FOLDER = re.compile(
    r"(?:\.{1,2}[/\\]|(?:data|datasets?|models?|artifacts?|outputs?|results?|logs?|checkpoints?|ckpts?|weights|notebooks?|configs?"
    r"|conf|src|runs|mlruns|reports?|figures|images|raw|processed|interim|input|cache|tmp|saved_models?)[/\\])",
    re.I,
)
_NOT_PATH = re.compile(r"[\s<>|\"*?^$()]|^\.\w+$|^[\w.+-]+/[\w.+-]+;|//$")
_SQL = re.compile(
    r"\s*(?:select\b[\s\S]{1,1500}?\bfrom\b|insert\s+into\s|update\s+[\w.\"`]+\s+set\s|delete\s+from\s|merge\s+into\s"
    r"|(?:create|replace)\s+(?:or\s+replace\s+)?(?:external\s+|temp(?:orary)?\s+)?(?:table|view)\s|drop\s+(?:table|view)\s"
    r"|alter\s+table\s|copy\s+into\s|truncate\s+table\s|with\s+\w+\s+as\s*\()",
    re.I,
)
_PROMPT = re.compile(
    r"\byou are (?:an? |the |my )|\byour (?:task|job|role|goal) is\b|\bact as (?:an? |the )|\brespond (?:only |in |with )"
    r"|\banswer (?:the |this |only |based )[\w ]{0,20}(?:question|context)|\buse the following (?:context|pieces|documents|information)"
    r"|\bgiven the following\b|\bthink step by step\b|\b(?:write|generate|summari[sz]e|translate|classify|extract|rewrite) "
    r"(?:the |a |an |this |these )[\w ]{0,30}(?:text|document|article|review|summary|sentence|question|conversation|passage)"
    r"|\b(?:system|user|assistant):\s*\S|<\|im_start\|>|\[INST\]|\bhelpful answer\b",
    re.I,
)


_PROMPT_WORDS = (
    *("you are ", "your ", "act as ", "respond ", "answer", "the following", "step by step", "write ", "generate "),
    *(
        "summari",
        "translate ",
        "classify ",
        "extract ",
        "rewrite ",
        "system:",
        "user:",
        "assistant:",
        "<|im_",
        "[inst]",
    ),
)
"""One of these is in everything that _PROMPT matches: looking for them first is much faster."""


def kind_of(text: str, *, shell: bool) -> Kind | None:
    """What a string literal is, or None where it is of no interest. `shell`: it is the command of a shell call."""
    if shell:
        return "shell"
    size = len(text)
    if size > 400 or "\n" in text or " " in text:
        return _prose(text[:SCANNED], size)
    if _URL.match(text):
        return "url"
    if _ABSOLUTE.match(text):
        return None if _NOT_PATH.search(text) and text[1:3] != ":\\" else "absolute-path"
    if ("." in text and _EXTENSION.search(text) and text[0] != ".") or ("/" in text and _FOLDER.match(text)):
        return None if _NOT_PATH.search(text) else "path"
    return "other" if size >= LONG else None


def _prose(text: str, size: int) -> Kind | None:
    """What a string with spaces is: SQL, a prompt, an address, a path with a blank in it, or long."""
    if size >= 12 and _SQL.match(text):
        return "sql"
    if size >= 40 and _is_prompt(text):
        return "prompt"
    if size < 200 and "\n" not in text:
        if _ABSOLUTE.match(text) and (_EXTENSION.search(text) or text.count(" ") <= 2):
            return "absolute-path"
        if _URL.match(text) and text.count(" ") == 0:
            return "url"
        if text.count(" ") <= 3 and _EXTENSION.search(text) and re.match(r"[\w./\\-]+[/\\]", text):
            return "path"
    return "other" if size >= LONG else None


def _is_prompt(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _PROMPT_WORDS) and bool(_PROMPT.search(text))
