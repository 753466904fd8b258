"""A study sheet to fill in, with every key, its meaning and what is allowed, generated from the models."""

import argparse
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

from secondline.errors import UserError
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.script import mistakes_in_one_line
from secondline.project.config import Config, time_to_event_outcomes
from secondline.project.documents import Document
from secondline.project.read import read_setup
from secondline.project.risk_of_bias import words_of_indirectness, words_of_tools
from secondline.project.sheets import StudySheet
from secondline.project.treatments import Treatments
from secondline.tables import write_text
from secondline.tools.schemas import FOLDER, allowed_words, inner_node, schema_of, values_node

Node = Mapping[str, Any]
WIDTH, COLUMN = 120, 32
# Where a figure stands comes after the figure, as in the sheets that are shipped.
_LAST = ("printed", "place", "near", "note")
_HOW_TO = (
    "Enter what the paper prints, exactly as it prints it: nothing here is computed, and every number must occur in "
    "the printed string beside it. Keys without a # are required. Lines with a # in the first column are optional: "
    "remove the # from those that you need and delete the others. An item that begins with - may be repeated, and so "
    "may a block under a name of your choice. Then run: make check"
)
# What a section needs to know beyond its keys.
_WORDS = {"risk_of_bias": words_of_tools, "indirectness": words_of_indirectness}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def template(study: str, config: Config, treatments: Treatments, schema: str) -> str:
    """Write a sheet to fill in, as YAML.

    Required keys stand open; optional ones have one # in the first column, so that taking it away puts them in
    their place.

    Parameters
    ----------
    study : str
        Name of the study.
    schema : str
        Path of the JSON schema from the folder of the sheet.
    """
    found = schema_of(StudySheet)
    lines = [f"# yaml-language-server: $schema={schema}", *_introduction(config, treatments)]
    pages = _Pages(found["$defs"])
    for name in _order(found):
        lines += ["", *pages.section(name, found["properties"][name], name not in found["required"])]
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    named = f"study: {study}"
    return text.replace(f"{'study:':<{COLUMN}}", f"{named:<{max(COLUMN, len(named) + 2)}}", 1)


def _introduction(config: Config, treatments: Treatments) -> Iterator[str]:
    """Say what the person who fills in the sheet must know first."""
    hazards = time_to_event_outcomes(config)
    counts = [name for name, outcome in config.outcomes.items() if outcome.is_count and not outcome.categories]
    yield from _comment(_HOW_TO)
    for words, names in (
        ("time-to-event outcomes", hazards),
        ("counted outcomes", counts),
        ("regimens", treatments.regimens),
        ("settings", treatments.settings),
    ):
        yield from _comment(f"{words}: {', '.join(names) or 'none'}")


def _comment(text: str, indent: int = 0) -> list[str]:
    lead = f"{' ' * indent}# "
    return wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead)


def _order(model: Node, item: bool = False) -> list[str]:
    """Keys of a model: where a figure stands comes last, and in an item of a list a required key first."""
    names = [name for name in model["properties"] if name not in _LAST]
    names += [name for name in _LAST if name in model["properties"]]
    first = next((name for name in names if item and name in model.get("required", ())), None)
    return sorted(names, key=lambda name: name != first) if first else names


class _Pages:
    """Writes the keys of models as lines of YAML."""

    def __init__(self, models: Mapping[str, Node]) -> None:
        self.models = models

    def model(self, node: Node) -> Node | None:
        """Model that a node refers to."""
        reference = node.get("$ref")
        return self.models[reference.rsplit("/", 1)[-1]] if reference else None

    def section(self, name: str, node: Node, optional: bool) -> list[str]:
        """Lines of a top-level key, with what its model says above them."""
        inner = inner_node(node)
        model = self.model(inner) or self.model(inner.get("items", {})) or self.model(values_node(inner))
        about = [inner.get("description", ""), *(model or {}).get("description", "").split("\n\n")] if model else []
        about += _WORDS[name]() if name in _WORDS else []
        notes = [line for text in about if text for line in _comment(" ".join(text.split()).replace("``", "`"))]
        return [*notes, *_off(self.key(name, {**node, "description": ""} if model else node, 0), optional)]

    def key(self, name: str, node: Node, indent: int) -> list[str]:
        """Lines of one key: open if it holds a value, with the keys of its model below if it has one."""
        inner, lead = inner_node(node), " " * indent
        about, item, value = (
            inner.get("description", ""),
            self.model(inner.get("items", {})),
            self.model(values_node(inner)),
        )
        model = self.model(inner)
        if model is None and item is None and value is None:
            return _line(f"{lead}{name}: {_default(node)}", f"{about} {_allowed(inner)}")
        lines = _line(f"{lead}{name}:", about)
        if model:
            return [*lines, *self.keys(model, indent + 2)]
        if item:
            first, *rest = self.keys(item, indent + 4, item=True)
            return [*lines, *[f"{lead}  - {first.lstrip()}", *rest] * max(1, inner.get("minItems", 1))]
        for i in range(max(1, inner.get("minProperties", 1)) if value else 0):
            lines += [f"{lead}  {name.removesuffix('s')}_{i + 1}:", *self.keys(value or {}, indent + 4)]
        return lines

    def keys(self, model: Node, indent: int, item: bool = False) -> list[str]:
        """Lines of all keys of a model; a part that stood before is not spelt out again."""
        lines: list[str] = []
        shown: dict[str, str] = {}
        for name in _order(model, item):
            node, optional = model["properties"][name], name not in model.get("required", ())
            part = inner_node(node).get("$ref")
            if optional and part in shown:
                about = f"{node.get('description', '')} Keys as under {shown[part]}."
                lines += _off(_line(f"{' ' * indent}{name}:", about), True)
            else:
                lines += _off(self.key(name, node, indent), optional)
            if part:
                shown.setdefault(part, name)
        return lines


def _off(lines: list[str], optional: bool) -> list[str]:
    """Put a # in the first column of every line that has none."""
    return [f"#{line}" if optional and not line.startswith("#") else line for line in lines]


def _line(text: str, comment: str) -> list[str]:
    """Write a key with its comment beside it, continued below."""
    comment = " ".join(comment.split())
    if not comment:
        return [text]
    column = max(COLUMN, len(text) + 2)
    first, *more = wrap(comment, WIDTH - column - 3)  # a # before, a # and a blank here
    return [f"{text:<{column}}# {first}", *(f"{'':<{column}}# {words}" for words in more)]


def _default(node: Node) -> str:
    """Value that a key has when it is left out, where that can be written on its line."""
    if node.get("default") is not None:
        value = node["default"]
        return str(value).lower() if isinstance(value, bool) else str(value)
    inner = inner_node(node)
    empty = {"array": "[]", "object": "{}"}.get(inner.get("type", ""), "")
    return "" if inner.get("minItems") or inner.get("minProperties") else empty


def _allowed(node: Node) -> str:
    """Say what a value may be."""
    words = allowed_words(node)
    return f"Allowed: {words}." if words else ""


def sheet_file(study: str, document: Document, config: Config) -> tuple[Path, str]:
    """Find the file of a new sheet, and the path of the JSON schema from there.

    Raises
    ------
    UserError
        The name cannot be one, the sheet is there already, or the configuration names no folder of sheets.
    """
    if not study:
        raise UserError("name the study: make new-study ID=smith_2027")
    if not _NAME.fullmatch(study):
        raise UserError("allowed: letters, digits, _ and -, such as smith_2027", key="study", value=study)
    if config.studies is None:
        raise document.error(("studies",), None, "no folder of sheets; name one")
    file = Path(config.studies) / f"{study}.yaml"
    if file.exists():
        raise UserError("this sheet is there already; it is left as it is", file)
    return file, os.path.relpath(FOLDER / "study.json", file.parent)


def write_sheet(study: str, configfile: Path) -> Path:
    """Write the sheet of a new study into the folder of the configuration; see `sheet_file` for the errors raised."""
    document, config, treatments = read_setup(configfile)
    file, schema = sheet_file(study, document, config)
    write_text(file, template(study, config, treatments, schema))
    return file


def main() -> None:
    """Write a sheet to fill in, and say where."""
    parser = argparse.ArgumentParser(prog="secondline new-study", description="Write a study sheet to fill in.")
    parser.add_argument("study", help="name of the study, such as smith_2027")
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        file = write_sheet(arguments.study, arguments.configfile)
    print(f"{file}: fill it in, then run: make check")


if __name__ == "__main__":
    main()
