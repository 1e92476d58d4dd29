"""Every regular expression of the product, found in its sources: those in Python and of the page.

One that is put together while the program runs cannot be judged beforehand, and is refused.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.paths import ROOT

FOLDERS = ("versequeue", "lyricist", "*_fn")
#: Functions of `re`, and of a compiled pattern, that take a text; the first two from its start.
FIXED = frozenset({"match", "fullmatch"})
SEARCHES = frozenset({"search", "split", "findall", "finditer", "sub", "subn"})
#: What stands in every module that uses `re`: reading all the others for it takes seconds.
_USES_RE = re.compile(r"\bre\.")
#: A literal of JavaScript, told from a division by what stands before it.
_LITERAL = re.compile(
    r"(?:[(,=:\[!&|?{};>]|\breturn)\s*/(?![/*])((?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([a-z]*)"
)
#: Classes of JavaScript that Python lacks, as good as they need to be here.
_CLASSES = {r"\p{L}": "a-zA-ZÀ-ɏ字", r"\p{N}": "0-9²٣", r"\p{Cc}": r"\x00-\x1f\x7f-\x9f"}
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE}


@dataclass(frozen=True)
class Pattern:
    """One pattern where it stands; `anchored` if it is only matched from a text's start."""

    place: str
    text: str
    flags: int = 0
    anchored: bool = False

    def __str__(self) -> str:
        return f"{self.place} {self.text}"


def python_patterns() -> Iterator[Pattern]:
    """Those that the product's Python gives to `re`. ValueError for one that is no constant."""
    for folder in FOLDERS:
        for path in sorted(file for root in ROOT.glob(folder) for file in root.rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            if _USES_RE.search(source):
                yield from patterns_of(source, str(path.relative_to(ROOT)))


def patterns_of(source: str, name: str) -> Iterator[Pattern]:
    """The patterns in one module of that name."""
    tree = ast.parse(source)
    uses = _uses(tree)
    compiled = {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _is_of_re(node.func)):
            continue
        verb = node.func.attr  # type: ignore[attr-defined]
        if verb not in {"compile"} | FIXED | SEARCHES:
            continue
        used = uses.get(compiled.get(id(node), ""), set()) if verb == "compile" else {verb}
        place = f"{name}:{node.lineno}"
        yield Pattern(place, *_constants(node, place), anchored=bool(used) and used <= FIXED)


def script_patterns() -> Iterator[Pattern]:
    """Those of the page, in Python's spelling."""
    for path in sorted((ROOT / "web").glob("*.js")):
        source = path.read_text(encoding="utf-8")
        if "RegExp(" in source:
            raise ValueError(f"{path.name} makes a pattern while it runs")
        for found in _LITERAL.finditer(source):
            flags = sum(int(_FLAGS.get(mark, 0)) for mark in found[2])
            line = source[: found.start()].count("\n") + 1
            yield Pattern(f"web/{path.name}:{line}", _in_python(found[1]), flags)


def schema_patterns(schema: Any, place: str = "") -> Iterator[Pattern]:
    """Those that a JSON schema asks its readers to match."""
    items = schema.items() if isinstance(schema, dict) else enumerate(schema)
    for name, value in items:
        if name == "pattern" and isinstance(value, str):
            yield Pattern(place, value)
        elif isinstance(value, (dict, list)):
            yield from schema_patterns(value, f"{place}/{name}")


def _in_python(text: str) -> str:
    for theirs, ours in _CLASSES.items():
        text = text.replace(theirs, ours if "[" in text else f"[{ours}]")
    return text


def _uses(tree: ast.AST) -> dict[str, set[str]]:
    """What is done with each name: `_WORD.findall` is findall of _WORD."""
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            uses.setdefault(node.value.id, set()).add(node.attr)
    return uses


def _is_of_re(func: ast.expr) -> bool:
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name)
        and func.value.id == "re"
    )


def _constants(call: ast.Call, place: str) -> tuple[str, int]:
    """The pattern and the flags that are handed to a function of `re`."""
    try:
        text = ast.literal_eval(call.args[0])
    except ValueError as error:
        raise ValueError(f"{place} makes a pattern while it runs") from error
    given = {word.arg: word.value for word in call.keywords}.get("flags")
    if given is None and ast.unparse(call.func) == "re.compile" and len(call.args) > 1:
        given = call.args[1]
    names = re.findall(r"re\.(\w+)", ast.unparse(given)) if given else []
    flags = sum(int(getattr(re, name)) for name in names)
    return text.decode("latin-1") if isinstance(text, bytes) else text, flags
