"""Cells that hold more than one value: written and read in one place."""

import re
from collections.abc import Mapping, Sequence

NOT_REPORTED = "NA"
"""Of a category in a cell: the cut-off below it is not reported, and its patients are counted in the one before it."""


def mix(parts: Mapping[str, int]) -> str:
    """Write patients by regimen or by setting as one cell: ``lenvatinib:34 regorafenib:3``."""
    return " ".join(f"{name}:{n}" for name, n in parts.items() if n)


def parse_mix(cell: str) -> dict[str, int]:
    """Read a cell such as ``lenvatinib:34 regorafenib:3``; names may hold spaces and colons.

    Raises
    ------
    ValueError
        The cell does not end in a number.
    """
    *parts, rest = re.split(r":(\d+)(?: |$)", cell)
    if rest:
        raise ValueError(f"{cell!r}: allowed: a name and a number, or several, such as lenvatinib:34 regorafenib:3")
    return dict(zip(parts[::2], map(int, parts[1::2]), strict=True))


def categories_cell(counts: Mapping[str, int | None]) -> str:
    """Write patients by category as one cell, empty categories included: ``pd:10 sd:0 pr:3 cr:1``.

    A category that is counted with the one before it has none of its own, None: ``pd:10 sd:3 pr:NA cr:1``.
    """
    return " ".join(f"{name}:{NOT_REPORTED if n is None else n}" for name, n in counts.items())


def parse_categories(cell: str) -> dict[str, int | None]:
    """Read patients by category; None for a category that is counted with the one before it.

    >>> parse_categories("pd:10 sd:3 pr:NA cr:1")
    {'pd': 10, 'sd': 3, 'pr': None, 'cr': 1}
    """
    *parts, rest = re.split(rf":(\d+|{NOT_REPORTED})(?: |$)", cell)
    if rest:
        raise ValueError(f"{cell!r}: allowed: categories with their patients, such as pd:10 sd:3 pr:NA cr:1")
    counts = [None if n == NOT_REPORTED else int(n) for n in parts[1::2]]
    return dict(zip(parts[::2], counts, strict=True))


def merged_categories(cell: str) -> dict[str, int]:
    """Read patients by category, categories that are counted together under their names together.

    >>> merged_categories("pd:10 sd:3 pr:NA cr:1")
    {'pd': 10, 'sd + pr': 3, 'cr': 1}
    """
    found: dict[str, int] = {}
    for name, n in parse_categories(cell).items():
        if n is None and found:
            last = next(reversed(found))
            found[f"{last} + {name}"] = found.pop(last)
        elif n is not None:
            found[name] = n
    return found


def values_cell(values: Mapping[str, float]) -> str:
    """Write study covariates as one cell: ``age:61.5 mean year:2004``; names hold no colon."""
    return " ".join(f"{name}:{int(v) if v == int(v) else repr(float(v))}" for name, v in values.items())


def parse_values(cell: str) -> dict[str, float]:
    """Read a cell such as ``age:61.5 mean year:2004``; names may hold spaces."""
    parts = re.split(r":([-+.0-9e]+)(?: |$)", cell)
    return dict(zip(parts[:-1:2], map(float, parts[1::2]), strict=True))


def level_name(covariate: str, level: str) -> str:
    """Name the indicator of one level of a covariate that is a word, itself a covariate: ``prevention=secondary``."""
    return f"{covariate}={level}"


def baseline_cell(regimen: str, figure: str) -> str:
    """Write the baseline of absolute effects as one cell: ``placebo ~ N(-0.73, 0.22^2)``."""
    return f"{regimen} ~ {figure}"


def parse_baseline(cell: str) -> tuple[str, str]:
    """Read the regimen and the figure of a baseline."""
    regimen, _, figure = cell.partition(" ~ ")
    return regimen, figure


def order_cell(names: Sequence[str]) -> str:
    """Write treatments in an order as one cell: ``placebo < diuretic < ace``; ids hold no spaces."""
    return " < ".join(names)


def parse_order(cell: str) -> list[str]:
    """Read treatments in an order."""
    return cell.split(" < ")


def split_name(treatment: str, comparator: str) -> str:
    """Name the fit that splits a comparison, in the column ``model``."""
    return f"split {treatment} against {comparator}"


def left_out_name(analysis: str, study: str) -> str:
    """Name an analysis without one of its studies, in the column ``analysis``."""
    return f"{analysis}_without_{study}"


def left_out_study(name: str, analysis: str) -> str:
    """Read which study is left out of an analysis."""
    return name.removeprefix(left_out_name(analysis, ""))
