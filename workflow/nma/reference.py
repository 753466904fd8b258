"""config/README.md, every key with its meaning and an example, from the models: ``python -m nma.reference``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter

from nma.documents import read_yaml
from nma.evidence.table_lines import OPTIONAL, ORDERED, REQUIRED
from nma.schemas import MODELS, Node, allowed_words, inner_node, kinds, schema_of, values_node
from nma.sheets import Identifier
from nma.tables import write_text

FILE = Path("config/README.md")
EXAMPLES = Path(__file__).with_name("examples.yaml")
_TITLES = {
    "config": "Configuration",
    "treatments": "Treatments",
    "characteristics": "Characteristics",
    "study": "Study sheet",
}
_ABOUT = {
    "config": "`config.yaml` says what to run; `examples/` holds three more. `snakemake --configfile my.yaml` runs "
    "another.",
    "treatments": "`treatments.yaml`, or what stands under `treatments` of the configuration.",
    "characteristics": "`characteristics.yaml`, or what stands under `characteristics` of the configuration.",
    "study": "`studies/<study>.yaml`, one file a study: what the paper prints, as it prints it, and where.",
}
_INTRODUCTION = """# Configuration, key by key

Written by `make schemas` from the models that read the files, not by hand. Keys in **bold** are required. A mistake in
a file is one line with file, line, key, value and what is allowed. A *name* is a word of letters, digits, _ and -;
paths start at the folder of the Snakefile. Editors that know JSON schemas complete the keys
(`schemas/`)."""
_TABLES = """## Evidence tables

CSV files named under `evidence` of the configuration: one row an arm, or, where there is a column `effect` or
`estimate`, one row a contrast with the comparator: `effect` and `se` on the scale on which effects add up, or
`estimate` with `lower` and `upper` as papers print them. Their own names of columns and treatments are
translated under `columns` and `treatments`. `NA` or nothing is a missing value."""
_NAME: Node = TypeAdapter(Identifier).json_schema()
COLUMN_WORDS = {
    "study": ("the study", "Lieberman 1998"),
    "treatment": ("the regimen of the arm, or a mixture", "lenvatinib:34 regorafenib:3"),
    "outcome": ("the outcome, in a table that holds several", "cessation"),
    "setting": ("the setting of the study, or a mixture", "sorafenib_failure"),
    "comparator": ("the regimen that a contrast is against", "no_contact"),
    "effect": ("the contrast, on the scale on which effects add up: log ratios, differences", "-0.31"),
    "estimate": ("the contrast as papers print it: a ratio itself, a difference", "0.73"),
    "lower": ("its lower confidence limit", "0.50"),
    "upper": ("its upper confidence limit", "1.07"),
    "level": ("the level of that interval, 0.95 by default", "0.90"),
    "se": ("the standard error of `effect`; that of a mean in a table of arms", "0.20"),
    "comparator_se": ("standard error of the comparator's arm alone, for studies of several arms", "0.14"),
    "n_treatment": ("patients of the treatment's arm", "58"),
    "n_comparator": ("patients of the comparator's arm", "60"),
    "events": ("patients with the event, or events", "75"),
    "n": ("patients of the arm", "731"),
    "time": ("time at risk: of each patient, or in total for rates", "102.5"),
    "mean": ("mean of the arm", "-1.22"),
    "sd": ("standard deviation within the arm, with n in place of se", "3.7"),
}


def reference_text() -> str:
    """Write the reference of all keys, as Markdown."""
    examples = read_yaml(EXAMPLES).data
    parts = [_INTRODUCTION]
    for name, model in MODELS.items():
        parts.append(f"## {_TITLES[name]}\n\n{_ABOUT[name]}")
        parts += _sections(model, examples)
    return "\n\n".join([*parts, *_evidence_tables()]) + "\n"


def key_examples(examples: Node, model: str) -> dict[str, Any]:
    """Examples of the keys of a model: its own before those that several models share."""
    return {**examples["any"], **examples.get(model, {})}


def models_below(model: type[BaseModel]) -> Iterator[tuple[str, Node]]:
    """Schemas of a model and of those below it in its file, in the order in which keys lead to them."""
    schema = schema_of(model)
    roots = {other.__name__ for other in MODELS.values()} - {model.__name__}
    queue, seen = [(model.__name__, schema)], set(roots)
    while queue:
        name, node = queue.pop(0)
        if name in seen:
            continue
        seen.add(name)
        yield name, node
        below = dict.fromkeys(name for key in node["properties"].values() for name in _models_in(key))
        queue = [*((name, schema["$defs"][name]) for name in below if name in schema["$defs"]), *queue]


def _models_in(node: Node) -> Iterator[str]:
    """Names of the models that a key leads to."""
    for kind in kinds(node):
        if "$ref" in kind:
            yield kind["$ref"].rsplit("/", 1)[-1]
        for part in (kind.get("items"), values_node(kind)):
            if part:
                yield from _models_in(part)


def _sections(model: type[BaseModel], examples: Node) -> Iterator[str]:
    for name, node in models_below(model):
        heading = [] if name == model.__name__ else [f"### {_words(name)}"]
        yield "\n\n".join([*heading, _prose(node.get("description", "")), _keys(node, key_examples(examples, name))])


def _words(name: str) -> str:
    """Heading of a model: ``HazardRatio`` is Hazard ratio."""
    return " ".join(re.findall(r"[A-Z][a-z]*", name)).capitalize()


def _link(name: str) -> str:
    titles = {model.__name__: _TITLES[kind] for kind, model in MODELS.items()}
    title = titles.get(name, _words(name))
    return f"[{title}](#{title.lower().replace(' ', '-')})"


def _prose(text: str) -> str:
    return text.replace("``", "`")


def _keys(model: Node, examples: Node) -> str:
    """Tabulate the keys of a model."""
    lines = ["| key | what it is | allowed | default | example |", "|---|---|---|---|---|"]
    for name, node in model["properties"].items():
        required = name in model.get("required", ())
        cells = [
            f"**`{name}`**" if required else f"`{name}`",
            _prose(" ".join(inner_node(node).get("description", "").split())),
            " or ".join(filter(None, map(_allowed, kinds(node)))),
            "" if required or node.get("default") is None else _code(node["default"]),
            "" if any(True for _ in _models_in(node)) and name not in examples else _code(examples[name]),
        ]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _allowed(node: Node) -> str:
    """Say what a value may be; models are links."""
    if "$ref" in node:
        return _link(node["$ref"].rsplit("/", 1)[-1])
    below = values_node(node)
    if "items" in node and "$ref" in node["items"]:
        return f"a list of {_allowed(node['items'])}"
    if any(True for _ in _models_in(below)):
        return f"by name, {' or '.join(map(_allowed, kinds(below)))}"
    return allowed_words(node).replace(allowed_words(_NAME), "a name")


def _code(value: Any) -> str:
    """Write a value as YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return f"`{text.removesuffix('\n').removesuffix('\n...')}`"


def _evidence_tables() -> list[str]:
    """Say which columns evidence tables have, by what the outcome is modelled from."""
    figures = ["| modelled from | needed | allowed too |", "|---|---|---|"]
    for likelihood, needed in REQUIRED.items():
        more = OPTIONAL.get(likelihood, ())
        figures.append(f"| `{likelihood}` | {', '.join(map(_code, needed))} | {', '.join(map(_code, more)) or '–'} |")
    for likelihood in ORDERED:
        figures.append(f"| `{likelihood}` | a column for every category: patients | – |")
    columns = ["| column | what it is | example |", "|---|---|---|"]
    columns += [f"| `{name}` | {words} | `{example}` |" for name, (words, example) in COLUMN_WORDS.items()]
    every = (
        "Every table has `study` and `treatment`, and may have `outcome`, `setting` and a column for every covariate "
        "of a model."
    )
    return [_TABLES, "\n".join(columns), every, "\n".join(figures)]


if __name__ == "__main__":
    write_text(FILE, reference_text())
    print(FILE)
