"""Named empirical priors of the heterogeneity, by outcome type and comparison (`empirical_priors.csv`)."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from secondline.sd_prior import MisreadError, SdPrior
from secondline.sd_priors import LogNormal

FILE = Path(__file__).with_name("empirical_priors.csv")
ANY = "any"
"""Outcome and comparison of a prior that does not distinguish them."""
KEYS = ("outcome", "comparison")


@dataclass(frozen=True)
class Empirical:
    """A set of priors, of which an outcome type and a comparison choose one."""

    name: str
    priors: Mapping[tuple[str, str], LogNormal]

    @property
    def example(self) -> str:
        """See `secondline.sd_prior_forms.Written`."""
        return f"{{{', '.join(KEYS)}}}"

    def read(self, value: Any) -> SdPrior:
        """Find a prior: by outcome and comparison, or `any`.

        Raises
        ------
        MisreadError
            What is no outcome or no comparison of the set.
        """
        given = dict.fromkeys(KEYS, ANY) if value == ANY else value
        if not isinstance(given, Mapping) or set(given) != set(KEYS):
            raise MisreadError((self.name,), str(value), f"allowed: {self.example}, or {ANY}")
        if tuple(given[key] for key in KEYS) not in self.priors:
            for k, key in enumerate(KEYS):
                known = dict.fromkeys(pair[k] for pair in self.priors)
                if given[key] not in known:
                    raise MisreadError((self.name, key), given[key], f"allowed: {', '.join(known)}")
            raise MisreadError((self.name,), str(value), f"{ANY} goes with {ANY} alone")
        return self.priors[given["outcome"], given["comparison"]]


@lru_cache
def empirical_sets() -> tuple[Empirical, ...]:
    """Read the sets."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = dict.fromkeys(row["name"] for row in rows)
    return tuple(Empirical(name, dict(_priors(row for row in rows if row["name"] == name))) for name in names)


def _priors(rows: Iterator[dict[str, str]]) -> Iterator[tuple[tuple[str, str], LogNormal]]:
    for row in rows:
        outcome, comparison = (row[key] for key in KEYS)
        prior = LogNormal(float(row["mean"]), float(row["sd"]))
        yield (outcome, comparison), replace(prior, source=_source(row), measure=row["measure"])


def _source(row: Mapping[str, str]) -> str:
    of = "any outcome" if row["outcome"] == ANY else f"{row['outcome']}, {row['comparison']}"
    return f"{row['source']}, {of}"
