"""What a project file of CINeMA must say and may not say: our own reading of the format, for tests."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_]+")
PAIR = re.compile(r"[a-zA-Z0-9_]+:[a-zA-Z0-9_]+")
STUDY = re.compile(r"[a-zA-Z0-9 ]+")
MEASURES = {"OR", "RR", "RD", "MD", "SMD"}
DIRECT, INDIRECT = {"Direct", "DirectL", "DirectU"}, {"Indirect", "IndirectL", "IndirectU"}
SPLIT, SPLIT_LIMITS = {"SideIF", "SideIFlower", "SideZ", "SidePvalue"}, {"SideIFupper"}
ALWAYS = {
    *("PropDir", "NMA treatment effect", "se treat effect", "lower CI", "upper CI", "lower PrI", "upper PrI"),
    *("PropDirNetmeta", "_row"),
}
COLUMNS = DIRECT | INDIRECT | SPLIT | SPLIT_LIMITS | ALWAYS
BINARY, CONTINUOUS = {"r", "n"}, {"mean", "sd", "n"}


def strictly(text: str) -> Any:
    """Read JSON that says neither NaN nor Infinity, nor a key twice."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=once)


def problems(file: Any) -> list[str]:
    """List what is wrong with a project."""
    project = file["project"]
    (matrix,) = project["CM"]["contributionMatrices"]
    return [
        *_hat(matrix["hatmatrix"]),
        *(f"result {row.get('_row')}: {what}" for row in matrix["hatmatrix"]["NMAresults"] for what in _result(row)),
        *_contributions(matrix["studycontributions"], project["studies"]["long"]),
        *(
            f"arm {k}: {what}"
            for k, arm in enumerate(project["studies"]["long"])
            for what in _arm(arm, project["type"])
        ),
        *([] if project["format"] == "long" else ["format"]),
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _hat(hat: Any) -> Iterator[str]:
    names = [row["_row"] for row in hat["NMAresults"]]
    if not hat["rowNames"] == hat["rowNamesNMAresults"] == names or len(set(names)) < len(names):
        yield "names of rows"
    if not all(PAIR.fullmatch(name) for name in [*names, *hat["colNames"]]) or not set(hat["colNames"]) <= set(names):
        yield "names of comparisons"
    if [len(row) for row in hat["H"]] != [len(hat["colNames"])] * len(names):
        yield "shape of H"
    if not all(_is_number(value) for row in hat["H"] for value in row):
        yield "numbers of H"
    if set(hat["colNamesNMAresults"]) != COLUMNS or len(hat["colNamesNMAresults"]) != len(COLUMNS):
        yield "columns of results"
    if hat["model"] not in ("random", "fixed") or hat["sm"] not in MEASURES:
        yield "model or measure"


def _result(row: Any) -> Iterator[str]:
    there = set(row)
    if there - COLUMNS or ALWAYS - there:
        yield "columns"
    if there - ALWAYS not in (DIRECT, INDIRECT, DIRECT | INDIRECT | SPLIT | SPLIT_LIMITS):
        yield "direct and indirect evidence"
    if not all(_is_number(value) for key, value in row.items() if key != "_row"):
        yield "numbers"


def _contributions(contributions: Any, arms: Any) -> Iterator[str]:
    ids = {str(arm["id"]) for arm in arms}
    for pair, shares in contributions.items():
        if not PAIR.fullmatch(pair) or set(shares) != ids:
            yield f"contributions to {pair}"
        elif min(shares.values()) < 0 or not math.isclose(sum(shares.values()), 100):
            yield f"contributions to {pair} add up to {sum(shares.values())}"


def _arm(arm: Any, kind: str) -> Iterator[str]:
    figures = {"binary": BINARY, "continuous": CONTINUOUS}[kind]
    if set(arm) != {"study", "id", "t", "rob", "indirectness"} | figures:
        yield "keys"
    elif not (STUDY.fullmatch(arm["study"]) and NAME.fullmatch(arm["t"])):
        yield "names"
    elif {arm["rob"], arm["indirectness"]} - {1, 2, 3} or arm["n"] < 1 or arm["id"] < 1 or arm.get("r", 0) < 0:
        yield "figures"
