"""JSON schemas of the files that a user writes, for completion in editors: ``python -m nma.schemas``."""

import json
from pathlib import Path

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


def schema_text(name: str) -> str:
    """JSON schema of one kind of file, as stable text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **MODELS[name].model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write one schema for every kind of file, and list them."""
    files = {folder / f"{name}.json": schema_text(name) for name in MODELS}
    for file, text in files.items():
        write_text(file, text)
    return list(files)


if __name__ == "__main__":
    for written in write_schemas():
        print(written)
