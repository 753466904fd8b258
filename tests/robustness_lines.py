"""The lines of the robustness charts of a page, each beside the line of the table that it is from."""

import csv
import re
from collections.abc import Iterator, Mapping
from html import unescape
from math import exp
from pathlib import Path

_LINE = re.compile(r'<li[^>]* data-from="([^":]+):(\d+)">(.*?)</li>', re.DOTALL)
_CELL = re.compile(r'<span class="n">([^<]*)</span>')
_NUMBER = re.compile(r"−?\d+(?:\.\d+)?")
_LINK = (("mean", "lower", "upper"), ("lead_effect", "lead_lower", "lead_upper"))
_LINK += (("declared_mean", "declared_lower", "declared_upper"),)


def lines_of(page: str) -> Iterator[tuple[str, int, str]]:
    """Give table, line and estimate of every line, for example ``os/doubt/overlap.csv, 4, "0.61 (0.32 to 1.2)"``."""
    for table, line, inside in _LINE.findall(page):
        yield unescape(table), int(line), _CELL.findall(inside)[0]


def row_of(file: Path, line: int) -> Mapping[str, str]:
    """Read the row of a table at a line, of which the first is the header."""
    with file.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))[line - 2]


def agrees(estimate: str, row: Mapping[str, str], is_ratio: bool) -> bool:
    """Whether the numbers of an estimate are those of a row, as printed, or those of the opposite comparison."""
    printed = [number.replace("−", "-") for number in _NUMBER.findall(estimate)]
    if not printed:
        return not all(row.get(name) for name in _LINK[1])
    return any(
        all(_rounds(number, value) for number, value in zip(printed, figures, strict=True))
        for figures in _figures(row, is_ratio)
    )


def _figures(row: Mapping[str, str], is_ratio: bool) -> Iterator[list[float]]:
    natural = [row.get(f"estimate{end}", "") for end in ("", "_lower", "_upper")]
    if all(natural):
        yield [float(value) for value in natural]
    for names in _LINK:
        if all(row.get(name) for name in names):
            mean, lower, upper = (float(row[name]) for name in names)
            for figures in ((mean, lower, upper), (-mean, -upper, -lower)):
                yield [exp(value) if is_ratio else value for value in figures]


def _rounds(printed: str, value: float) -> bool:
    """Whether a value rounds to what is printed; beyond a hundred or a hundredth, to as many digits."""
    digits = len(printed.partition(".")[2])
    return abs(float(printed) - value) <= 0.5001 * 10.0**-digits or f"{value:.2g}" == f"{float(printed):.2g}"
