"""JSON schemas of the files that a user writes, for completion in editors: ``secondline schemas``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from secondline.project.characteristics import Characteristics
from secondline.project.config import Config
from secondline.project.sheets import StudySheet
from secondline.project.treatments import Treatments
from secondline.tables import write_text

Node = Mapping[str, Any]
FOLDER = Path("config/schemas")
MODELS: dict[str, type[BaseModel]] = {
    "config": Config,
    "treatments": Treatments,
    "characteristics": Characteristics,
    "study": StudySheet,
}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """JSON schema of a model, with what every key means."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


def kinds(node: Node) -> list[Node]:
    """List what a key may contain, one node per kind; null is left out."""
    found = [kind for kind in node.get("anyOf", ()) if kind.get("type") != "null"]
    return found or [node]


def inner_node(node: Node) -> Node:
    """Take the part of a nullable node that is not null."""
    return {**node, **kinds(node)[0]}


def values_node(node: Node) -> Node:
    """Take what stands under the names of a mapping."""
    patterns = node.get("patternProperties", {})
    more = node.get("additionalProperties", {})
    found: Node = next(iter(patterns.values())) if patterns else more if isinstance(more, dict) else {}
    return found


def allowed_words(node: Node) -> str:
    """Say what a value may be; nothing where it may be anything."""
    if "enum" in node or "const" in node:
        return ", ".join(map(str, node.get("enum", [node.get("const")])))
    if node.get("patternErrorMessage") or node.get("errorMessage"):
        return str(node.get("patternErrorMessage") or node.get("errorMessage"))
    kind = node.get("type")
    if kind == "array":
        parts = [allowed_words(part) for part in node.get("prefixItems", ())] or [allowed_words(node["items"]), "…"]
        return f"[{', '.join(parts)}]"
    if kind == "object":
        return f"{{name: {allowed_words(values_node(node))}, …}}"
    noun = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true, false"}.get(
        kind or "", ""
    )
    limits = (
        ("exclusiveMinimum", "above"),
        ("minimum", "from"),
        ("exclusiveMaximum", "below"),
        ("maximum", "to" if "minimum" in node else "up to"),
    )
    return " ".join([noun, *(f"{words} {node[key]:g}" for key, words in limits if key in node and node[key] < 1e9)])


def schema_text(name: str) -> str:
    """JSON schema of one kind of file, as stable text."""
    return json.dumps(schema_of(MODELS[name]), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write one schema for every kind of file, and list them."""
    files = {folder / f"{name}.json": schema_text(name) for name in MODELS}
    for file, text in files.items():
        write_text(file, text)
    return list(files)


def main() -> None:
    """Write the schemas below the working directory, and say where."""
    for written in write_schemas():
        print(written)


if __name__ == "__main__":
    main()
