"""Damaged files of every format: one line that says what is wrong, or every row that is there, used or listed."""

import random
import re
import signal
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from secondline.errors import UserError

from tests.test_cases import CASES, CONTROL, HCQ
from tests.test_cases import GROUPS as GROUPS_OF_PATIENTS
from tests.test_formats import ARMS, CONTRASTS, ENTRIES, FORMATS, REGIMENS, read, vocabulary, words_of
from tests.test_fuzz import HangError, no_longer_than
from tests.test_new_network import GROUPS

OTHERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "hazard_ratios.csv": (vocabulary("xabcdev", "HR", "contrasts"), {}),
    "metainsight_covariates.csv": (words_of("parkinsons"), {"ignore": ["covar.duration"], "judged_by": "somebody"}),
    "two_groups.csv": (vocabulary("ec", "SMD", "normal"), {"ignore": ["measure"]}),
    "revman_data_rows.csv": (vocabulary(list(GROUPS.values()), "OR", "binomial_logit"), {"common": GROUPS}),
    "cinema_long.csv": (
        vocabulary(["ace", "arb", "bblocker", "ccb", "diuretic", "placebo"], "OR", "binomial_logit"),
        {"ignore": ["id"], "judged_by": "somebody"},
    ),
}
ODD: dict[str, tuple[Any, dict[str, Any]]] = {
    "repeated_control.csv": (vocabulary("PAB", "OR", "binomial_logit"), {"repeated": "own_arms"}),
    "shared_controls_double_zero.csv": (
        vocabulary(["hcq", "cq", "control"], "OR", "binomial_logit"),
        {
            "columns": HCQ,
            "common": CONTROL,
            "repeated": "one_arm",
            "ignore": ["id", "patient_setting", "covid_status", "blinding_exact", "high_dose", "Published", "Control"],
        },
    ),
    "groups_sharing_one_control.csv": (
        vocabulary(["SZ", "HC"], "SMD", "contrasts"),
        {
            "columns": {"n_treatment": "n_sz", "n_comparator": "n_hc"},
            "treatments": GROUPS_OF_PATIENTS,
            "where": {"difficulty": "3.83"},
            "ignore": ["authors", "year", "task", "difficulty", "comp", "yi_iq", "vi_iq"],
        },
    ),
}
"""Cases of studies that are out of the ordinary."""
FILES = {
    **{name: (words_of(data), ENTRIES.get(name, {})) for name, (data, _) in ARMS.items()},
    **{name: (vocabulary(REGIMENS["parkinsons"], "MD", "contrasts"), {}) for name in CONTRASTS},
    **OTHERS,
    **ODD,
}
NASTY = (
    *(
        "",
        "NA",
        "-",
        "0",
        "-1",
        "1,5",
        "1.000,5",
        "1e999",
        "9" * 400,
        "two",
        '"',
        '""',
        '"""',
        ";",
        ",",
        "\t",
        "\n",
        "\r",
    ),
    *(
        "\0",
        "é",
        "a b",
        "x" * 300,
        "x" * 200_000,
        "'",
        "<",
        "&amp;",
        "]]>",
        "{",
        "[",
        "\\",
        "\u2028",
        "\x1b[31m",
        "1:2",
    ),
)
Change = Callable[[random.Random, str], str]


def _piece(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(NASTY) + text[place:]


def _gap(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + text[place + chance.choice([1, 2, 5, 40]) :]


def _cut(chance: random.Random, text: str) -> str:
    return text[: chance.randrange(len(text) + 1)]


def _again(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    i = chance.randrange(len(lines))
    return "".join([*lines[:i], chance.choice([lines[i], lines[-1], "\n", "A title\n"]), *lines[i:]])


def _without(chance: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    i = chance.randrange(len(lines))
    return "".join([*lines[:i], *lines[i + 1 :]])


def _cell(chance: random.Random, text: str) -> str:
    cells = re.split(r"([,;\t \n\"])", text)
    cells[2 * chance.randrange((len(cells) + 1) // 2)] = chance.choice(NASTY)
    return "".join(cells)


def _separators(chance: random.Random, text: str) -> str:
    return text.replace(chance.choice(",;\t "), chance.choice(",;\t|"))


CHANGES: tuple[Change, ...] = (_piece, _gap, _cut, _again, _without, _cell, _cell, _separators)


def damaged(name: str, raw: bytes, chance: random.Random) -> bytes:
    """Damage a file as a slip of the hand, a bad copy or malice does: its text, its bytes or its encoding."""
    what = chance.randrange(10)
    if what == 0:  # bits flip
        content = bytearray(raw)
        for _ in range(chance.choice([1, 3, 50])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        return bytes(content)
    if what == 1:
        return raw[: chance.randrange(len(raw))]
    if raw.startswith(b"PK"):
        return _workbook(raw, chance)
    encoding = "utf-16" if raw[:2] == b"\xff\xfe" else "utf-8"
    text = raw.decode(encoding)
    for _ in range(chance.randint(1, 3)):
        text = chance.choice(CHANGES)(chance, text)
    other = (
        chance.choice(["latin-1", "utf-16", "utf-16-le", "utf-8-sig", "cp1252", "utf-32"]) if what == 2 else encoding
    )
    return text.encode(other, "replace")


def _workbook(raw: bytes, chance: random.Random) -> bytes:
    """Damage the text of one part of a workbook, and pack it again."""
    whole = BytesIO()
    with zipfile.ZipFile(BytesIO(raw)) as old, zipfile.ZipFile(whole, "w") as new:
        parts = {name: old.read(name) for name in old.namelist()}
        spoilt = chance.choice(
            [name for name in parts if "sheet" in name or "shared" in name.lower() or "book" in name]
        )
        text = chance.choice(CHANGES)(chance, parts[spoilt].decode())
        parts[spoilt] = text.encode("utf-8", "replace")
        for name, content in parts.items():
            new.writestr(name, content)
    return whole.getvalue()


def place(name: str) -> Path:
    """Find an example or a case."""
    return (CASES if name in ODD else FORMATS) / name


def check_damage(folder: Path, seed: int) -> bool:
    """Read one damaged file; whether it could still be read."""
    chance = random.Random(seed)
    name = sorted(FILES)[seed % len(FILES)]
    words, entry = FILES[name]
    file = folder / f"t{Path(name).suffix}"
    file.write_bytes(damaged(name, place(name).read_bytes(), chance))
    try:
        with no_longer_than(20):
            studies, found = read(file, words, missing=["-"], **entry)
    except UserError as error:
        line = str(error)
        assert len(line.splitlines()) == 1 and 10 < len(line) < 1_700, (seed, name, line)
        assert line.isprintable(), (seed, name, line)
        return False
    except HangError:
        pytest.fail(f"{seed}: {name} takes too long")
    sources = {place for study in studies for row in study.printed or study.rows for place in row["source"].split("; ")}
    said = {int(place.rpartition(":")[2]) for place in sources}
    left = {one.number for one in found.left}
    assert not said & left and all(one.reason for one in found.left), (seed, name)
    assert len(said) <= found.read - len(left), (seed, name)
    return True


def test_damaged_files(tmp_path: Path) -> None:
    """A few of every format on every run."""
    read_on = sum(check_damage(tmp_path, seed) for seed in range(20 * len(FILES)))
    assert 20 < read_on < 15 * len(FILES)


@pytest.mark.slow
def test_many_damaged_files(tmp_path: Path) -> None:
    """5,000 of them."""
    assert sum(check_damage(tmp_path, seed) for seed in range(10_000, 15_000)) > 500


def test_a_file_gives_no_commands_to_a_terminal(tmp_path: Path) -> None:
    """Control characters of a name are shown as what they are, wherever a message repeats them."""
    file = tmp_path / "t.csv"
    file.write_text("study,treatment,diff,std.err\n\x1b[31mx,a,NA,NA\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        read(file, vocabulary("ab", "MD", "contrasts"))
    assert "study \\x1b[31mx has no other row" in str(error.value) and str(error.value).isprintable()


def test_every_example_is_damaged() -> None:
    """No format is left out, and undamaged files are read, so that every line is about the damage."""
    assert set(FILES) - set(ODD) == {file.name for file in FORMATS.iterdir() if file.suffix != ".md"}
    for name, (words, entry) in FILES.items():
        left = read(place(name), words, **entry)[1].left
        assert left == () or name in ODD, name
    assert signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, None)
