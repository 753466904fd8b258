"""What certainty is judged from, read from the tables of a run: nothing is fitted here."""

import csv
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from secondline.cell_values import (
    AGGREGATE,
    BEYOND_HETEROGENEITY,
    NOT_ASSESSABLE,
    PRIOR_DRIVEN,
    PRIOR_SHARE,
    SHORTEST,
    TWO_STAGE,
    WALK,
)
from secondline.certainty.features import DIRECT, INDIRECT, MIXED, UNTESTED
from secondline.certainty.settings import REGRESSION
from secondline.errors import UserError
from secondline.network.structure import Floats

FLOWS = {"shortest_path": (TWO_STAGE, SHORTEST), "random_walk": (AGGREGATE, WALK)}
"""Hat matrix and decomposition of the flows that the configuration names."""
MOST_DRAWS = 4000
"""Draws of the effects that are judged; more are thinned evenly."""
Pair = tuple[str, str]
Names = tuple[str, str, str]
"""Setting, treatment and comparator."""
Table = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Weighed:
    """How much every study, and the prior, contributes to one effect; the sum is 1 unless nothing can be said."""

    studies: Mapping[str, float]
    prior: float | None

    def by(self, levels: Mapping[str, Any], words: Iterable[Any]) -> list[float]:
        """Sum the contributions of the studies with each of some values; other studies come last."""
        known = list(words)
        sums = [sum(share for study, share in self.studies.items() if levels.get(study) == word) for word in known]
        return [*sums, sum(share for study, share in self.studies.items() if levels.get(study) not in known)]


@dataclass(frozen=True)
class Split:
    """Direct and indirect evidence on a comparison, link scale, and the p-value of their difference."""

    kind: str
    direct: tuple[float, float] | None = None
    indirect: tuple[float, float] | None = None
    p: float | None = None

    @property
    def reversed(self) -> "Split":
        """The same of the comparison in the other direction."""
        direct, indirect = (limits and (-limits[1], -limits[0]) for limits in (self.direct, self.indirect))
        return Split(self.kind, direct, indirect, self.p)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Tables of one outcome, by comparison."""

    effects: Mapping[Names, Mapping[str, str]]
    """Rows of relative_effects.csv of the headline model."""
    weighed: Mapping[Names, Weighed]
    """Contributions, in the order of their table: the comparisons that are judged."""
    splits: Mapping[Pair, Split]
    """In the direction of their table."""
    is_split: bool
    """Whether node-splits were computed."""
    compared: frozenset[Pair] = frozenset()
    """Comparisons inside studies, in both directions."""
    p_design: float | None = None
    tested_by_design: bool = True
    """Whether there is a design-by-treatment test at all; networks with counts have none."""
    draws: Mapping[str, Floats] = field(default_factory=dict)
    """Draws by column of draws.csv.gz, against the reference."""

    def split(self, treatment: str, comparator: str) -> Split:
        """Say what tests the coherence of a comparison, in its direction."""
        if (treatment, comparator) in self.splits:
            return self.splits[treatment, comparator]
        if (comparator, treatment) in self.splits:
            return self.splits[comparator, treatment].reversed
        if self.is_split or (treatment, comparator) not in self.compared:
            return Split(INDIRECT)
        return Split(UNTESTED)

    def drawn(self, names: Names) -> Floats | None:
        """Draws of an effect, link scale; None where none were kept."""
        setting, *pair = names
        if not self.draws:
            return None
        zero = np.zeros(len(next(iter(self.draws.values()))))
        treatment, comparator = (self.draws.get(f"d[{setting},{name}]", zero) for name in pair)
        return np.asarray(treatment - comparator)


def effects_by_names(rows: Table) -> dict[Names, Mapping[str, str]]:
    """Take rows of a table by setting, treatment and comparator."""
    return {(row["setting"], row["treatment"], row["comparator"]): row for row in rows}


def shares_in_posterior(rows: Table, model: str) -> dict[Names, Weighed]:
    """Read contributions.csv: the share of every study, and that of the prior, under one model."""
    found: dict[Names, dict[str, float]] = {}
    for row in rows:
        if row["model"] == model:
            shares = found.setdefault((row["setting"], row["treatment"], row["comparator"]), {})
            if not row["method"].startswith(NOT_ASSESSABLE):
                shares[row["study"]] = float(row["share"])
    return {names: Weighed(shares, shares.pop(PRIOR_SHARE, None)) for names, shares in found.items()}


def shares_in_flows(rows: Table, contributions: str, names: Iterable[Names]) -> dict[Names, Weighed]:
    """Read flows.csv: the share of every study in the flow of each effect, the same in every setting.

    ``shortest_path`` is the decomposition that CINeMA uses, of the hat matrix of Papakonstantinou (2018);
    ``random_walk`` that of Davies (2022), of theirs.

    Raises
    ------
    UserError
        The network has no flows.
    """
    missing = [row["method"] for row in rows if row["method"].startswith(NOT_ASSESSABLE)]
    if missing:
        problem = f"{missing[0]}; allowed: {REGRESSION}"
        raise UserError(problem, key="certainty.contributions", value=contributions)
    found: dict[Pair, dict[str, float]] = {}
    for row in rows:
        if (row["hat_matrix"], row["decomposition"]) == FLOWS[contributions]:
            shares = found.setdefault((row["treatment"], row["comparator"]), {})
            shares[row["study"]] = shares.get(row["study"], 0.0) + float(row["share"])
    either = found | {(comparator, treatment): shares for (treatment, comparator), shares in found.items()}
    return {each: Weighed(either[each[1:]], None) for each in names if each[1:] in either}


def splits_by_pair(rows: Table) -> dict[Pair, Split]:
    """Read node_splits.csv: what tests each comparison that is inside a study.

    A comparison is mixed if it can be split and the data carry both sides; otherwise it counts as one of which there is
    the other side alone.
    """
    found: dict[Pair, dict[str, Mapping[str, str]]] = {}
    for row in rows:
        found.setdefault((row["treatment"], row["comparator"]), {})[row["evidence"]] = row
    return {pair: _split(sides) for pair, sides in found.items()}


def _split(sides: Mapping[str, Mapping[str, str]]) -> Split:
    if "difference" not in sides or sides["direct"]["label"] == PRIOR_DRIVEN:
        return Split(INDIRECT if "difference" in sides else DIRECT)
    if sides["indirect"]["label"] == PRIOR_DRIVEN:
        return Split(DIRECT)
    direct, indirect = ((float(sides[side]["lower"]), float(sides[side]["upper"])) for side in ("direct", "indirect"))
    return Split(MIXED, direct, indirect, float(sides["difference"]["p_value"]))


def design_p_value(rows: Table) -> tuple[float | None, bool]:
    """Read the p-value of the design-by-treatment test from frequentist/heterogeneity.csv, and whether it is there."""
    found = [row["p_value"] for row in rows if row["statistic"] == BEYOND_HETEROGENEITY]
    return (float(found[0]) if found and found[0] else None), bool(found)


def read_draws(file: str | Path) -> dict[str, Floats]:
    """Read the effects of draws.csv.gz by column, at most `MOST_DRAWS` draws at equal distances."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
        values = np.loadtxt(handle, delimiter=",", ndmin=2)
    kept = values[:: max(1, -(-len(values) // MOST_DRAWS))]
    return {name: kept[:, i] for i, name in enumerate(header) if name.startswith("d[")}


def compared_pairs(rows: Table) -> frozenset[Pair]:
    """Read network/edges.csv: the pairs of regimens that any study compares, in both directions."""
    pairs = {(row["treatment"], row["comparator"]) for row in rows if float(row["weight"]) > 0}
    return frozenset(pairs | {(comparator, treatment) for treatment, comparator in pairs})
