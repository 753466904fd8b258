"""config/README.md: in step with the models, every key explained, every example valid."""

import re
from typing import Any

import jsonschema
import pytest
from secondline.project.documents import read_yaml
from secondline.project.table_lines import COLUMNS
from secondline.tools import reference
from secondline.tools.reference import COLUMN_WORDS, EXAMPLES, key_examples, models_below, reference_text
from secondline.tools.schemas import MODELS, schema_of

from tests.conftest import ROOT

KEYS = [
    pytest.param(schema_of(model), name, key, node, id=f"{name}.{key}")
    for model in MODELS.values()
    for name, schema in models_below(model)
    for key, node in schema["properties"].items()
]
GIVEN = read_yaml(EXAMPLES).data
TEXT = reference_text()


def test_reference_is_up_to_date() -> None:
    """The shipped page is the one that the models give; `make schemas` renews it."""
    assert (ROOT / reference.FILE).read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(("schema", "model", "key", "node"), KEYS)
def test_every_key_is_explained_and_has_a_valid_example(schema: Any, model: str, key: str, node: Any) -> None:
    """A key that leads to another model is explained there; any other has an example that its schema allows."""
    described = node.get("description") or any(kind.get("description") for kind in node.get("anyOf", ()))
    assert described, "give the key a docstring"
    leads_on = "$ref" in str(node)
    examples = key_examples(GIVEN, model)
    assert leads_on or key in examples, f"give an example in {EXAMPLES.name}"
    if key in examples and not leads_on:
        jsonschema.validate(examples[key], {**node, "$defs": schema.get("$defs", {})})
    assert f"`{key}`" in TEXT


def test_no_example_outlives_its_key() -> None:
    """Every model and key of the examples is one of the models."""
    known: dict[str, set[str]] = {}
    for parameter in KEYS:
        _, model, key, _ = parameter.values
        known.setdefault(model, set()).add(key)
    for model, examples in GIVEN.items():
        assert set(examples) <= (set().union(*known.values()) if model == "any" else known[model]), model


def test_columns_of_evidence_tables_are_explained() -> None:
    """All columns that a table may have, and no others."""
    assert set(COLUMN_WORDS) == COLUMNS


def test_links_lead_to_headings() -> None:
    """Every link of the page is to one of its sections."""
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in TEXT.splitlines() if line.startswith("#")}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
