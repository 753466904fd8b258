"""What can contradict the additivity of components, in sentences."""

from collections.abc import Sequence
from math import exp

from secondline.report.words import Names, Row, listed, number, plural, ratio


def additivity_sentence(rows: Sequence[Row], names: Names) -> str:
    """Say on how many degrees of freedom additivity can be contradicted, and what the studies show of it.

    Parameters
    ----------
    rows : rows
        Of doubt/additivity.csv.

    Returns
    -------
    str
        Empty where no regimen of the network combines components whose effects the model adds.
    """
    total = next((row for row in rows if row["kind"] == "total"), None)
    interactions = [row for row in rows if row["kind"] == "interaction"]
    if total is None or not interactions:
        return ""
    df = int(total["df"])
    if df == 0:
        return "The studies cannot contradict the additivity of component effects: no degree of freedom tests it."
    only = " only" if df == 1 else ""
    head = f"The studies can contradict the additivity of component effects on {plural(df, 'degree')} of freedom{only}"
    tests: dict[str, Row] = {}
    for row in interactions:
        if row["estimate"]:
            tests.setdefault(row["same_test"], row)
    untested = [_named("interaction", row["name"], names) for row in interactions if row["estimable"] == "false"]
    parts = [f"{head}.", *(_test(row, names) for row in tests.values())]
    if untested:
        parts.append(f"The studies do not test the {listed(untested, 'or the')}.")
    return " ".join(parts)


def _test(row: Row, names: Names) -> str:
    """Say what one test shows, what it could detect, and which tests are the same."""
    in_ratio = f", a ratio of {ratio(str(exp(float(row['detectable']))))}," if names.is_ratio else ""
    power = with_power(row)
    shown = (
        f"The estimate of the {_named('interaction', row['name'], names)}, on the scale of the {names.link_scale}, is "
        f"{number(row['estimate'])} (standard deviation {number(row['sd'])}, z = {number(row['z'])}); the smallest "
        f"interaction detectable {power}{',' * (',' in power)} is {number(row['detectable'])}{in_ratio} in either "
        "direction."
    )
    same = [
        *(f"the {_named('interaction', name, names)}" for name in _parts(row["same_interactions"])),
        *(f"the {_named('split', name, names)}" for name in _parts(row["node_splits"])),
    ]
    return f"{shown} The same degree of freedom is tested by {listed(same)}." if same else shown


def with_power(row: Row) -> str:
    """Say with which power an interaction is detectable, and whether heterogeneity takes part of it.

    Parameters
    ----------
    row : row
        Of doubt/additivity.csv, an interaction.
    """
    return "with 80% power, allowing for heterogeneity" if float(row.get("tau") or 0) > 0 else "with 80% power"


def _named(kind: str, name: str, names: Names) -> str:
    return names.test({"kind": kind, "name": name})


def _parts(cell: str) -> list[str]:
    return [part for part in cell.split("; ") if part]
