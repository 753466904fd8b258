"""YAML documents: YAML 1.2 scalars, lines of every key, and errors in one line."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator
from secondline.errors import UserError
from secondline.project.documents import Document, Strict, fail, read_yaml, validate


def document(folder: Path, text: str) -> Document:
    """Read a text as a YAML file."""
    file = folder / "file.yaml"
    file.write_text(text, encoding="utf-8")
    return read_yaml(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("+3", 3),
        ("007", 7),
        ("0.34", 0.34),
        (".5", 0.5),
        ("2.", 2.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2018-05", "2018-05"),
        ("2018-05-01", "2018-05-01"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        ("78.4%", "78.4%"),
        ('"3"', "3"),
        ("'null'", "null"),
        ("<", "<"),
    ],
)
def test_scalars(tmp_path: Path, text: str, value: Any) -> None:
    """Scalars are read by the YAML 1.2 core schema: no Norway problem, no sexagesimals, no dates."""
    read = document(tmp_path, f"key: {text}\n").data["key"]
    assert read == value
    assert type(read) is type(value)


@given(st.integers(-(10**18), 10**18))
def test_whole_numbers(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    """Whole numbers come back as themselves."""
    assert document(tmp_path_factory.getbasetemp(), f"- {number}\n").data == [number]


def test_lines(tmp_path: Path) -> None:
    """Every key and item knows its line, in block and in flow style; a missing key has that of its parent."""
    text = "a: 1\nb:\n  - {c: 2,\n     d: 3}\n  - e\nf:\n\n  g: {h: 1}\n"
    read = document(tmp_path, text)
    expected = {("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "c"): 3, ("b", 0, "d"): 4, ("b", 1): 5}
    expected |= {("f", "g"): 8, ("f", "g", "h"): 8, ("f", "missing", "deeper"): 6, ("missing",): 1}
    assert {path: read.line(path) for path in expected} == expected


def test_an_empty_file(tmp_path: Path) -> None:
    """An empty file is an empty mapping."""
    assert document(tmp_path, "# nothing\n").data == {}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "this key occurs twice, first in line 1"),
        ("x:\n  - {n: 1, n: 2}\n", 2, "this key occurs twice"),
        ("a: 1\n b: 2\n", 2, "not valid YAML"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
        ("a: 'x\n", 2, "not valid YAML"),
        ("a:\tb\n\tc: d\n", 2, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: *b\n", 1, "not valid YAML"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, line: int, problem: str) -> None:
    """The error names the file, the line and the problem, in one line."""
    with pytest.raises(UserError) as error:
        document(tmp_path, text)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'file.yaml'}:{line}: ")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["a: &x {b: *x}\n", "a: \x01\n"])
def test_hostile_files(tmp_path: Path, text: str) -> None:
    """Recursion and control characters are mistakes, too."""
    with pytest.raises(UserError, match="not valid YAML"):
        document(tmp_path, text)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[a: "])
@pytest.mark.parametrize("times", [60, 2000, 200_000])
def test_deep_files(tmp_path: Path, opening: str, times: int) -> None:
    """Depth is refused before the parser recurses, which some 100,000 levels make crash."""
    with pytest.raises(UserError, match=r"file.yaml:1: not valid YAML: nested too deeply|file.yaml: too large"):
        document(tmp_path, opening * times)


def test_large_files(tmp_path: Path) -> None:
    """A long file, and a short one that aliases make long."""
    with pytest.raises(UserError, match="too large; allowed: up to 1000000 bytes"):
        document(tmp_path, "a: " + "x" * 1_000_000)
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for name, earlier in zip("bcdefgh", "abcdefg", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{earlier}'] * 9)}]\n"
    with pytest.raises(UserError, match=r"file.yaml:\d: not valid YAML: too large"):
        document(tmp_path, bomb)


def test_aliases_of_a_reasonable_size(tmp_path: Path) -> None:
    """An anchor that saves typing is fine; a merge key is YAML 1.1, and a key like any other."""
    assert document(tmp_path, "a: &x Table 1\nb: *x\n").data == {"a": "Table 1", "b": "Table 1"}
    assert document(tmp_path, "a: &x {n: 1}\nb: {<<: *x}\n").data["b"] == {"<<": {"n": 1}}


def test_long_values_are_cut(tmp_path: Path) -> None:
    """A page in place of a number does not fill the screen."""
    for text in ("items:\n  - value: " + "x" * 5000, "x" * 800 + ": 1", f"items: [{{value: 1, {'y' * 900}: 2}}]"):
        with pytest.raises(UserError) as error:
            validate(Outer, document(tmp_path, text))
        assert len(str(error.value)) < 1000


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a directory and a file that is not text."""
    with pytest.raises(UserError, match="no such file"):
        read_yaml(tmp_path / "absent.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("a: é\n".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_yaml(tmp_path / "latin.yaml")


class Inner(Strict):
    """A small model."""

    value: float
    limit: float = 1.0

    @model_validator(mode="after")
    def _small(self) -> "Inner":
        if self.value > self.limit:
            fail("value", self.value, f"allowed: up to {self.limit}")
        return self


class Outer(Strict):
    """A model that holds small ones."""

    items: list[Inner] = Field(default_factory=list)
    named: dict[str, Inner] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("items:\n  - {value: 0}\n  - value: 3\n", "3: items.1.value = 3.0: allowed: up to 1.0"),
        ("named:\n  x:\n    value: 0\n    limit: -1\n", "3: named.x.value = 0.0: allowed: up to -1.0"),
        ("items:\n  - {vale: 0}\n", "2: items.0.vale = 0: unknown key; did you mean value? allowed: value, limit"),
        ("items:\n  - {}\n", "2: items.0.value: Field required"),
        ("items:\n  - value:\n", "2: items.0.value: nothing is given here; fill it in, or delete the key if it is"),
        ("items:\n  - value: high\n", "2: items.0.value = 'high': Input should be a valid number"),
        ("items:\n  - value: 1e999\n", "2: items.0.value = inf: Input should be a finite number"),
        ("items:\n  - value: nan\n", "2: items.0.value = 'nan': Input should be a finite number"),
        ("items: {a: 1}\n", "1: items: Input should be a valid list"),
        ("zebra: 1\n", "1: zebra = 1: unknown key; allowed: items, named"),
        ("- 1\n", "1: Input should be a valid dictionary"),
    ],
)
def test_validation_errors(tmp_path: Path, text: str, message: str) -> None:
    """File, line, dotted key, value and what is allowed; values from inside a validator included."""
    with pytest.raises(UserError) as error:
        validate(Outer, document(tmp_path, text))
    assert str(error.value).startswith(f"{tmp_path / 'file.yaml'}:{message}")


@given(st.text(), st.text(), st.one_of(st.none(), st.text(), st.floats()))
def test_an_error_is_one_line(problem: str, key: str, value: Any) -> None:
    """Whatever stands in a value or a problem, the message has one line."""
    assert len(str(UserError(problem, "file.yaml", 3, key, value)).splitlines()) == 1
