"""YAML documents that remember their lines, and their validation by pydantic models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast, get_args
from unicodedata import category

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from secondline.errors import UserError

Path_ = tuple[str | int, ...]

# A word that can stand in a folder's name, in a cell such as `a:10 b:3` and in a parameter's name; a month.
WORD, MONTH = r"^[A-Za-z0-9][A-Za-z0-9_-]*$", r"^(19|20)[0-9][0-9]-(0[1-9]|1[0-2])$"
PATTERNS = {WORD: "a word of letters, digits, _ and -", MONTH: "a month, YYYY-MM"}

# YAML 1.2 core schema: `no`, `on` and `12:30` are strings, unlike in YAML 1.1.
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


def _scalar(node: yaml.ScalarNode) -> Any:
    text = cast(str, node.value)
    if node.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) < 20:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


# What no sheet or configuration comes near, and beyond which a file can only be a mistake or meant to do harm.
_MOST_BYTES, _MOST_NODES, _MOST_LEVELS = 1_000_000, 50_000, 40


@dataclass(frozen=True)
class Document:
    """A parsed YAML file, or a section of one: plain Python data, and the line of every key and item."""

    file: Path
    data: Any
    lines: dict[Path_, int]
    root: Path_ = ()
    """Where the section stands in the file."""
    changed: Mapping[Path_, Path] = field(default_factory=dict)
    """Where the values of whole paths come from that do not come from the file."""

    def section(self, key: str | int) -> "Document":
        """Take the part of the document under a key; its errors still name the whole path."""
        return replace(self, data=self.data[key], root=(*self.root, key))

    def line(self, path: Path_) -> int | None:
        """Line of a path, or of its nearest parent that stands in the file; None of what comes from no file."""
        path = self.root + path
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1) if self.lines else None

    def error(self, path: Path_, value: Any, problem: str) -> UserError:
        """Build the one-line error for a value at a path of this document."""
        whole = self.root + path
        elsewhere = [place for start, place in self.changed.items() if whole[: len(start)] == start]
        file, line = (elsewhere[0], None) if elsewhere else (self.file, self.line(path))
        return UserError(problem, file, line, ".".join(map(str, whole)), value)


def read_yaml(file: Path) -> Document:
    """Read a YAML file and keep the line of every key.

    Raises
    ------
    UserError
        The file is missing, is not YAML, holds one key twice, or is larger or deeper than any sheet.
    """
    lines: dict[Path_, int] = {}
    built = 0

    def build(node: yaml.Node, path: Path_) -> Any:
        nonlocal built
        line = node.start_mark.line + 1
        built += 1  # aliases are counted as often as they stand for something
        if built > _MOST_NODES or len(path) > _MOST_LEVELS:
            raise UserError("not valid YAML: too large, nested too deeply or an alias of itself", file, line)
        lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            result: dict[Any, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                line = key_node.start_mark.line + 1
                if key in result:
                    first = lines[(*path, key)]
                    raise UserError(f"this key occurs twice, first in line {first}", file, line, key)
                lines[(*path, key)] = line
                result[key] = build(value_node, (*path, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [build(child, (*path, i)) for i, child in enumerate(node.value)]
        return _scalar(cast(yaml.ScalarNode, node))

    text = _read_text(file)
    try:
        _check_depth(file, text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        return Document(Path(file), {} if node is None else build(node, ()), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise UserError(f"not valid YAML: {problem}", file, mark.line + 1 if mark else None) from None


def _read_text(file: Path) -> str:
    try:
        with Path(file).open("rb") as handle:
            content = handle.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UserError(f"too large; allowed: up to {_MOST_BYTES} bytes", file)
        return content.decode("utf-8")
    except FileNotFoundError:
        raise UserError("no such file", file) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file) from None
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text: {error.reason} at byte {error.start}", file) from None


def _check_depth(file: Path, text: str) -> None:
    """Check the depth of a text before the parser, which would crash on a deep one, builds anything."""
    level = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > _MOST_LEVELS:
                line = event.start_mark.line + 1 if event.start_mark else None
                raise UserError("not valid YAML: nested too deeply", file, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def fail(key: str | tuple[str | int, ...], value: Any, problem: str) -> NoReturn:
    """Report a bad value from inside a model; ``key`` is relative to that model."""
    path = (key,) if isinstance(key, str) else key
    raise PydanticCustomError("bad_value", "{problem}", {"problem": problem, "key": path, "shown": value})


# More than anything that is meant to be read.
MOST_LETTERS, _MOST_IN_LABEL, _MOST_IN_PATH, _MOST_IN_TITLE = 10_000, 200, 500, 80


def is_plain(text: str) -> bool:
    """Whether a text holds no control character, so that it can be in a line, a file's name or a cell."""
    return not any(category(letter) in ("Cc", "Cs") for letter in text)


def _plain(text: str) -> str:
    if not is_plain(text):
        fail((), text, "a control character, such as a tab or a new line; allowed: text in one line")
    return text


def _path(text: str) -> str:
    if "{" in text or "}" in text:
        fail((), text, "Snakemake takes { and } in a file's name for a wildcard; allowed: a name without them")
    return text


def _asks(text: str) -> str:
    if not text.endswith("?"):
        fail((), text, "allowed: one sentence that ends in ?")
    return text


Text = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
Label = Annotated[str, Field(min_length=1, max_length=_MOST_IN_LABEL), AfterValidator(_plain)]
"""What figures and reports call a thing."""
Title = Annotated[str, Field(min_length=1, max_length=_MOST_IN_TITLE), AfterValidator(_plain)]
Question = Annotated[Label, AfterValidator(_asks)]
"""One sentence that asks."""
FileName = Annotated[str, Field(min_length=1, max_length=_MOST_IN_PATH), AfterValidator(_plain), AfterValidator(_path)]


def _takes_bool(annotation: Any) -> bool:
    """Whether a value may hold true or false; models look at their own."""
    of_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return of_model or annotation in (bool, Any) or any(map(_takes_bool, get_args(annotation)))


def _holds_bool(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return any(isinstance(item, bool) for item in items)


class Strict(BaseModel):
    """Base of every configuration and sheet model: frozen, finite, unknown keys and truth values as numbers errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            allowed = [field.alias or name for name, field in cls.model_fields.items()]
            for key, value in data.items():
                if key not in allowed:
                    near = get_close_matches(str(key), allowed, 1)
                    hint = f"did you mean {near[0]}? " if near else ""
                    fail(str(key), value, f"unknown key; {hint}allowed: {', '.join(allowed)}")
        return data

    @model_validator(mode="before")
    @classmethod
    def _no_truth_values(cls, data: Any) -> Any:
        """Refuse a truth value where a number is wanted: true would be taken for 1."""
        fields = {field.alias or name: field for name, field in cls.model_fields.items()}
        for key, value in data.items() if isinstance(data, dict) else ():
            if key in fields and _holds_bool(value) and not _takes_bool(fields[key].annotation):
                fail(str(key), value, "true and false are no values here; allowed: a number or a word")
        return data


def validate[M: BaseModel](model: type[M], document: Document) -> M:
    """Validate a document against a model.

    Raises
    ------
    UserError
        The first mistake, with file, line, key, value and what is allowed.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as problems:
        first = problems.errors(include_url=False)[0]
    context = first.get("ctx", {})
    path: Path_ = tuple(first["loc"])
    if first["type"] == "bad_value":
        raise document.error((*path, *context["key"]), context["shown"], context["problem"])
    value = None if first["type"] == "missing" else first.get("input")
    problem = _in_words(first["type"], value, context) or first["msg"]
    raise document.error(path, value if not isinstance(value, dict | list) else None, problem)


def _in_words(kind: str, value: Any, context: Mapping[str, Any]) -> str | None:
    """Say in words what pydantic says as a regular expression, or of a type."""
    if kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        return f"allowed: {PATTERNS[context['pattern']]}"
    if kind == "int_type" and isinstance(value, float):
        whole = f"; write {int(value)}" if value.is_integer() else ""
        return f"allowed: a whole number{whole}"
    if value is None and kind != "missing":
        return "nothing is given here; fill it in, or delete the key if it is optional"
    return None
