"""Environments and schemas: one set of versions everywhere, no addresses in the locks, schemas that fit the models."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from secondline.project.documents import read_yaml
from secondline.tools.schemas import MODELS, schema_text, write_schemas

from tests.conftest import QUOTED, ROOT, STUDIES, sheet_data

ENVS = ROOT / "envs"
PIN = re.compile(r"^([a-zA-Z0-9._-]+)(\[[a-z,]+\])?==([^ ;\\]+)( ; .*?)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
COMMENT = re.compile(r"^    # ( *via( -r requirements(-dev)?\.in| [a-zA-Z0-9._-]+)?|  [ a-zA-Z0-9._-]+)$")
SHIPPED = [
    ("config", "config/config.yaml"),
    ("treatments", "config/treatments.yaml"),
    ("characteristics", "config/characteristics.yaml"),
    *(("study", f"config/studies/{study}.yaml") for study in (*STUDIES, *QUOTED)),
]


def lines(name: str) -> list[str]:
    """Return the lines of a file of envs/."""
    return (ENVS / name).read_text(encoding="utf-8").splitlines()


def normal(name: str) -> str:
    """Return a package name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions of every package in a lock; markers may ask for several."""
    found: dict[str, set[str]] = {}
    for line in lines(name):
        if match := PIN.match(line):
            found.setdefault(normal(match[1]), set()).add(match[3])
    return found


def wanted(name: str) -> set[str]:
    """Return the packages that an .in file asks for."""
    names = (re.match(r"[a-zA-Z0-9._-]+", line) for line in lines(name) if not line.startswith(("#", "-r")))
    return {normal(match[0]) for match in names if match}


def test_conda_and_pip_agree() -> None:
    """envs/secondline.yaml holds each package of requirements.in, in exactly the locked version, and no other."""
    pins = {}
    for entry in yaml.safe_load((ENVS / "secondline.yaml").read_text(encoding="utf-8"))["dependencies"]:
        match = re.fullmatch(r"([a-z0-9-]+) (==|>=)(\S+)", entry)
        assert match, entry
        if match[1] != "python":
            assert match[2] == "=="
            pins[normal(match[1])] = {match[3]}
    lock = locked("requirements.txt")
    assert pins == {name: lock[name] for name in wanted("requirements.in")}


def test_the_locks_agree() -> None:
    """What the tests run on is what the pipeline runs on."""
    lock, development = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: development.get(name) for name in lock} == lock
    assert wanted("requirements-dev.in") <= set(development)
    assert wanted("requirements.in") <= set(lock)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_locks_hold_pins_and_hashes_only(name: str) -> None:
    """Every line is a pin, a hash or the name of who asked: no address, index, option or path."""
    others = [line for line in lines(name) if not (PIN.match(line) or HASH.match(line) or COMMENT.match(line))]
    assert others == []
    assert not re.search(r"://|@|index-url|find-links|trusted-host|/", "\n".join(lines(name)))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_is_hashed(name: str) -> None:
    """A pin is followed by at least one hash."""
    text = lines(name)
    assert all(HASH.match(text[i + 1]) for i, line in enumerate(text) if PIN.match(line))


@pytest.mark.parametrize("name", MODELS)
def test_schemas_are_up_to_date(name: str) -> None:
    """The shipped schema is the one that the models give; `secondline schemas` renews it."""
    shipped = (ROOT / f"config/schemas/{name}.json").read_text(encoding="utf-8")
    assert shipped == schema_text(name)
    jsonschema.Draft202012Validator.check_schema(json.loads(shipped))


@pytest.mark.parametrize(("name", "file"), SHIPPED)
def test_shipped_files_fit_their_schemas(name: str, file: str) -> None:
    """Configuration, treatments and sheets validate as an editor would validate them."""
    schema = json.loads((ROOT / f"config/schemas/{name}.json").read_text(encoding="utf-8"))
    jsonschema.validate(read_yaml(ROOT / file).data, schema)


@pytest.mark.parametrize(
    "damage", [{"design": "case_report"}, {"stdy": "alpha"}, {"arms": {"len": {"n": -3}}}, {"counts": 3}]
)
def test_schemas_reject(damage: dict[str, object]) -> None:
    """What the models reject by shape, the schema rejects too."""
    schema = json.loads(schema_text("study"))
    jsonschema.validate(sheet_data(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**sheet_data(), **damage}, schema)


def test_writing_schemas(tmp_path: Path) -> None:
    """One file a kind, named after what it describes."""
    files = write_schemas(tmp_path)
    names = ["characteristics.json", "config.json", "study.json", "treatments.json"]
    assert sorted(file.name for file in files) == names
    assert sorted(tmp_path.iterdir()) == sorted(files)
