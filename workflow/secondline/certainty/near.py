"""The specifications that differ from the declared one in a single choice."""

import csv
import gzip
from pathlib import Path


def near_declared(file: Path) -> list[dict[str, str]]:
    """Read the rows of the declared specification, which is the first, and of those with one other choice.

    Parameters
    ----------
    file : path
        specifications.csv.gz, which is read line by line.
    """
    found = []
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        header = next(csv.reader([next(lines)]))
        axes = [k for k, name in enumerate(header) if name.startswith("axis_")]
        declared: list[str] = []
        specification, is_near = "", False
        for line in lines:
            number = line[: line.index(",")]
            if number != specification:  # the rows of a specification, one for each setting, follow each other
                specification, chosen = number, [_cells(line)[k] for k in axes]
                declared = declared or chosen
                is_near = sum(a != b for a, b in zip(chosen, declared, strict=True)) <= 1
            if is_near:
                found.append(dict(zip(header, _cells(line), strict=True)))
    return found


def _cells(line: str) -> list[str]:
    return line.rstrip("\n").split(",") if '"' not in line else next(csv.reader([line]))
