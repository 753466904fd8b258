"""Damaged sheets, configurations and tables: one line that says what is wrong, never a traceback and never a hang.

Files are damaged as text (as by a slip of the hand, a bad copy or malice) and as data (plausible YAML with wrong
values, printed strings that agree with them included), and then read, derived, audited and summarised.
"""

import contextlib
import random
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.evidence import gather
from secondline.evidence.audit import check_audit
from secondline.evidence.populations import characteristic_rows, difference_rows
from secondline.evidence.spread import derivation_rows
from secondline.evidence.transitivity import transitivity_rows
from secondline.jobs.network_checks import check_networks
from secondline.jobs.settings import evidence_files, fit_settings, fits, summary_settings
from secondline.project.documents import read_yaml
from secondline.project.read import read_project
from secondline.tools.check import summary
from secondline.tools.import_studies import import_studies

from tests.conftest import ROOT
from tests.test_importer import ROWS, csv_text

SECONDS = 20  # a reading takes a fraction of one
SHEETS = "config/studies"
TARGETS = (
    "config/config.yaml",
    "config/treatments.yaml",
    "config/characteristics.yaml",
    *(f"{SHEETS}/{file.name}" for file in sorted((ROOT / SHEETS).glob("*.yaml"))),
    "config/examples/smoking.yaml",
    "config/examples/parkinsons.yaml",
    "table.csv",
)
ORIGINALS: dict[str, str] = {
    target: csv_text(ROWS) if target == "table.csv" else (ROOT / target).read_text(encoding="utf-8")
    for target in TARGETS
}
DATA = {target: read_yaml(ROOT / target).data for target in ORIGINALS if target.endswith(".yaml")}
BOMB = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
# What stands in a file where something else belongs.
NASTY = (
    *("", "null", "~", "true", "nan", ".nan", ".inf", "-.inf", "inf", "1e999", "-1e999", "1e-320", "-0.0", "0", "-1"),
    *("1e6", "1e9", "1e18", "9" * 19, "9" * 400, "0x10", "1_000", "1,5", "37.5%", "١٢", "½", "1e", "2020-13", "12:30"),
    *(
        "[]",
        "{}",
        "[[]]",
        "{a: {b: {}}}",
        "[1, two, null]",
        "- x",
        "? x",
        "*x",
        "&x",
        "&x [*x]",
        "!!python/name:os.system",
    ),
    *(
        "!!binary aGk=",
        "!!float x",
        "<<: *x",
        "<<: {n: 3}",
        "|",
        ">-",
        "%YAML 9.9",
        "---",
        "...",
        "@",
        "`",
        "\t",
        "\ta: b",
    ),
    *(
        "\x00",
        "\x07",
        "\x1b[31m",
        "\x85",
        "\u2028",
        "\ufeff",
        "\U0001f600",
        "é" * 300,
        "\\ud800",
        '"\\ud800"',
        "'",
        '"',
        "# x",
    ),
    *(
        "all",
        "overall",
        "os",
        "sorafenib",
        "lenvatinib",
        "a:1 b:2",
        "a" * 5000,
        "../../etc",
        "/",
        "con.txt",
        "x/y",
        "a\nb",
    ),
    *("[" * 2000, "{a: " * 2000, "- " * 2000, "[" * 300_000, "&a [" + "*a, " * 50 + "]"),
)
VALUES = (
    None,
    True,
    "",
    "x",
    [],
    {},
    [None],
    {"a": 1},
    -1,
    0,
    1,
    1e-7,
    1e7,
    10**9,
    10**25,
    0.5,
    100.0,
    "NaN",
    [[1]],
    "é\n",
)
Damage = Callable[[random.Random, str], str | bytes]
DAMAGES: dict[str, Damage] = {}


def damage(function: Damage) -> Damage:
    """List a way to damage a text."""
    DAMAGES[function.__name__.removeprefix("_")] = function
    return function


def _line(rng: random.Random, text: str) -> tuple[list[str], int]:
    lines = text.splitlines(keepends=True) or [""]
    return lines, rng.randrange(len(lines))


@damage
def _a_line_is_missing(rng: random.Random, text: str) -> str:
    lines, i = _line(rng, text)
    return "".join(lines[:i] + lines[i + 1 :])


@damage
def _a_line_stands_twice(rng: random.Random, text: str) -> str:
    lines, i = _line(rng, text)
    return "".join(lines[: i + 1] + lines[i:])


@damage
def _lines_change_places(rng: random.Random, text: str) -> str:
    lines, i = _line(rng, text)
    j = rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return "".join(lines)


@damage
def _the_indentation_changes(rng: random.Random, text: str) -> str:
    lines, i = _line(rng, text)
    lines[i] = rng.choice([" ", "\t", "  ", "-"]) + lines[i].removeprefix(rng.choice(["", " ", "  "]))
    return "".join(lines)


@damage
def _the_end_is_missing(rng: random.Random, text: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


@damage
def _a_key_is_missing(rng: random.Random, text: str) -> str:
    return _replaced(rng, text, r"\w+: ?", "")


@damage
def _a_key_stands_twice(rng: random.Random, text: str) -> str:
    return _replaced(rng, text, r"\w+: [^,{}\[\]\n]+,", lambda found: f"{found[0]} {found[0]}")


@damage
def _a_value_is_nasty(rng: random.Random, text: str) -> str:
    value = rng.choice(NASTY)
    return _replaced(rng, text, r"(?<=: )[^,{}\[\]\n]+|(?<=,)[^,\n]*", lambda found: value)


@damage
def _something_nasty_stands_anywhere(rng: random.Random, text: str) -> str:
    i = rng.randrange(len(text) + 1)
    return text[:i] + rng.choice(NASTY) + text[i:]


@damage
def _a_number_changes(rng: random.Random, text: str) -> str:
    number = rng.choice(["0", "1", "7", "1e9", "-3", "0.001", "999999", "1e-9", "1e400", "2.5"])
    return _replaced(rng, text, r"\d+(\.\d+)?", number)


@damage
def _bytes_change(rng: random.Random, text: str) -> bytes:
    content = bytearray(text.encode())
    for _ in range(rng.choice([1, 3, 50])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


@damage
def _another_file_altogether(rng: random.Random, text: str) -> str | bytes:
    texts = ["", "\n", "# nothing\n", "[]", "3", "null", "a: &a [*a]", "\ufeff" + text, text.replace("\n", "\r")]
    texts += [
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + BOMB,
        text * 2,
        text * 300,
        "---\n" + text,
        text + "\n---\na: b\n",
    ]
    whole: list[str | bytes] = [
        *texts,
        text.encode("utf-16"),
        text.encode("latin-1", "replace"),
        bytes(range(256)),
        b"\0" * 99,
    ]
    return rng.choice(whole)


@damage
def _anchors_and_merge_keys(rng: random.Random, text: str) -> str:
    anchored = _replaced(rng, text, r"(?<=: )(?=\S)", "&x ")
    return _replaced(rng, anchored, r"(?<=: )[^,{}\[\]\n&]+(?=[,}\n])|(?<=\{)(?=\w)", rng.choice(["*x", "<<: *x, "]))


def _replaced(rng: random.Random, text: str, pattern: str, new: Any) -> str:
    """Replace one place, chosen at random, where a pattern stands."""
    places = list(re.finditer(pattern, text))
    if not places:
        return text
    found = rng.choice(places)
    return text[: found.start()] + (new(found) if callable(new) else new) + text[found.end() :]


def _nodes(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list) and node:
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from _nodes(child)


def wrong_data(rng: random.Random, target: str) -> str:
    """Damage the data of a YAML file in one to three places, and write it anew."""
    data = deepcopy(DATA[target])
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        node = rng.choice(list(_nodes(data)) or [data])
        if not node:
            break
        key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        _spoil(rng, node, key)
    return yaml.dump(data, Dumper=_NoAliases, sort_keys=False, allow_unicode=rng.random() < 0.5)


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _spoil(rng: random.Random, node: Any, key: Any) -> None:
    """Damage one entry of a mapping or a list: it goes, stands twice, is renamed, or has another value."""
    kind = rng.choice(["value", "value", "number", "number", "number", "drop", "again", "rename", "swap"])
    if kind == "drop":
        del node[key]
    elif kind == "number" and isinstance(node, dict):
        numbers = [name for name, value in node.items() if type(value) in (int, float)]
        if numbers:
            name = rng.choice(numbers)
            number = rng.choice([0, 1, 2, 17, 1e-6, 1e6, 0.5, 100, 10**9, 1 - 1e-16, node[name] + 1, node[name] * 10])
            node[name] = number
            if "printed" in node:  # and the printed string agrees, so that the figure gets as far as the derivations
                node["printed"] = f"{node['printed']} {number:.17f} {number}"
    elif kind == "again" and isinstance(node, list):
        node.insert(key, node[key])
    elif kind == "rename" and isinstance(node, dict):
        node[rng.choice(["x", "all", "", "overall", "evidence", f"{key}_2", f"{key}"[::-1]])] = node.pop(key)
    elif kind == "swap":
        other = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        node[key], node[other] = node[other], node[key]
    else:
        node[key] = rng.choice([*VALUES, *NASTY[:60], rng.uniform(-10, 10), rng.randrange(-5, 500)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy config/ and what it names to a folder, which becomes the working directory."""
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(ROOT / "config", folder / "config")
    with contextlib.chdir(folder):
        yield folder


class HangError(BaseException):
    """A reading that takes far too long."""


@contextlib.contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer."""

    def stop(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def use(target: str) -> None:
    """Do all that the pipeline and the tools do with a file before anything is fitted."""
    if target == "table.csv":
        for file in import_studies(Path(target), Path("config/config.yaml")):
            file.unlink()
        return
    file = Path(target if "examples" in target else "config/config.yaml")
    project = read_project(file)
    check_networks(project, file)
    for rows in (gather.arm_rows, gather.setting_rows):  # the other tables stand in the summary
        rows(project)
    for more in (derivation_rows, characteristic_rows, difference_rows, transitivity_rows):
        more(project)
    for fit in fits(project.config):
        assert evidence_files(project, *fit) is not None
        assert fit_settings(project, *fit).outcome == summary_settings(project, fit[1]).outcome
    summary(project)
    check_audit(project)


def complaint(target: str, content: str | bytes) -> str | None:
    """Use a damaged file; give the one line that comes of it, or None where it is still sound."""
    path = Path(target)
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    try:
        with no_longer_than(SECONDS):
            use(target)
    except UserError as error:
        return str(error)
    finally:
        path.write_text(ORIGINALS[target], encoding="utf-8")
    return None


def check_damage(target: str, way: str, seed: int) -> None:
    """Damage a file and check that what comes of it is one readable line, or nothing."""
    rng = random.Random(f"{target} {way} {seed}")
    if way == "wrong_data" and target in DATA:
        content: str | bytes = wrong_data(rng, target)
    else:
        content = DAMAGES.get(way, _a_value_is_nasty)(rng, ORIGINALS[target])
    line = complaint(target, content)
    if line is not None:
        assert len(line.splitlines()) == 1
        assert 10 < len(line) < 1500
        assert re.match(r"(config|table\.csv)", line), line


# Half of the cases are wrong data, which get further than broken text.
CASES = (st.sampled_from(TARGETS), st.sampled_from([*DAMAGES, *["wrong_data"] * len(DAMAGES)]), st.integers(0, 10**6))
PATIENT = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=200, **PATIENT)
@given(*CASES)
def test_damaged_files(folder: Path, target: str, way: str, seed: int) -> None:
    """200 cases on every run."""
    check_damage(target, way, seed)


@pytest.mark.slow
@settings(max_examples=5000, **PATIENT)
@given(*CASES)
def test_many_damaged_files(folder: Path, target: str, way: str, seed: int) -> None:
    """5,000 cases."""
    check_damage(target, way, seed)


@pytest.mark.parametrize("target", TARGETS)
def test_undamaged_files_are_used(folder: Path, target: str) -> None:
    """What the cases start from is sound, so that every line is about the damage."""
    assert complaint(target, ORIGINALS[target]) is None


@pytest.mark.parametrize("value", NASTY, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("key", ["n: 37", "value: 0.28", "setting: sorafenib_failure", "study: ditan_2022"])
def test_every_nasty_value(folder: Path, value: str, key: str) -> None:
    """Each of them in the place of a number, a word and a name."""
    target = f"{SHEETS}/ditan_2022.yaml"
    text = ORIGINALS[target].replace(key, f"{key.split(':')[0]}: {value}", 1)
    line = complaint(target, text)
    assert line is None or (line.startswith("config/") and len(line.splitlines()) == 1)


def test_damage_is_noticed(folder: Path) -> None:
    """Most damage is worth a line: the cases do not pass because nothing was read."""
    noticed = 0
    for seed in range(40):
        rng = random.Random(seed)
        noticed += (
            complaint("config/studies/severance_2024.yaml", wrong_data(rng, f"{SHEETS}/severance_2024.yaml"))
            is not None
        )
    assert noticed > 20
