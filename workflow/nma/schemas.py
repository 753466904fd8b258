"""JSON schemas of the files that a user writes, for completion in editors: ``python -m nma.schemas``."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nma.characteristics import Characteristics
from nma.config import Config
from nma.sheets import StudySheet
from nma.tables import write_text
from nma.treatments import Treatments

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


def schema_text(name: str) -> str:
    """JSON schema of one kind of file, as stable text."""
    return json.dumps(schema_of(MODELS[name]), indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write one schema for every kind of file, and list them."""
    files = {folder / f"{name}.json": schema_text(name) for name in MODELS}
    for file, text in files.items():
        write_text(file, text)
    return list(files)


if __name__ == "__main__":
    for written in write_schemas():
        print(written)
