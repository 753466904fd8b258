"""Tables of a made-up run from which certainty is judged: three treatments, of which a and b are compared directly."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from secondline.cell_values import BEYOND_HETEROGENEITY, PRIOR_SHARE
from secondline.tables import write_bytes, write_table

EFFECT = ("setting", "treatment", "comparator", "median", "lower", "upper", "predictive_lower", "predictive_upper")
SHARE = ("model", "setting", "treatment", "comparator", "study", "share", "method")
SPLIT = ("treatment", "comparator", "evidence", "lower", "upper", "p_value", "label")
MODEL = "additive"
NAMES = ("overall", "b", "a")


def effect(names: Sequence[str] = NAMES, median: float = -0.4, half: float = 0.3, **more: Any) -> dict[str, Any]:
    """Row of relative_effects.csv, with a predictive interval a third wider."""
    limits = {"lower": median - half, "upper": median + half}
    wider = {"predictive_lower": median - 4 / 3 * half, "predictive_upper": median + 4 / 3 * half}
    named = dict(zip(("setting", "treatment", "comparator"), names, strict=True))
    return {
        **named,
        "median": median,
        **limits,
        **wider,
        "evidence": "indirect",
        "engine": "exact",
        "converged": True,
        **more,
    }


def shares(names: Sequence[str] = NAMES, prior: float = 0.1, **studies: float) -> list[dict[str, Any]]:
    """Rows of contributions.csv of one comparison."""
    named = {"model": MODEL, **dict(zip(("setting", "treatment", "comparator"), names, strict=True))}
    return [
        {**named, "study": study, "share": share, "method": "posterior covariance"}
        for study, share in {**studies, PRIOR_SHARE: prior}.items()
    ]


def split(direct: tuple[float, float], indirect: tuple[float, float], p: float, weak: str = "") -> list[dict[str, Any]]:
    """Rows of node_splits.csv that split b against a; the data do not carry the weak side."""
    pair = {"treatment": "b", "comparator": "a"}
    return [
        {**pair, "evidence": "network", "label": "direct"},
        *(
            {**pair, "evidence": side, "lower": low, "upper": high, "label": "prior_driven" if side == weak else side}
            for side, (low, high) in (("direct", direct), ("indirect", indirect))
        ),
        {**pair, "evidence": "difference", "p_value": p, "label": ""},
    ]


def write_tables(
    folder: Path,
    effects: Sequence[Mapping[str, Any]],
    contributions: Sequence[Mapping[str, Any]],
    splits: Sequence[Mapping[str, Any]] | None = None,
    p_design: float | None = None,
    draws: Mapping[str, np.ndarray] | None = None,
) -> dict[str, str]:
    """Write the tables and give their names as the job takes them."""
    heterogeneity = [{"statistic": BEYOND_HETEROGENEITY, "p_value": p_design}]
    edges = [{"treatment": "b", "comparator": "a", "weight": 1.0}]
    made: dict[str, tuple[Sequence[Mapping[str, Any]], Sequence[str]]] = {
        "effects": (effects, (*EFFECT, "evidence", "engine", "converged")),
        "contributions": (contributions, SHARE),
        "heterogeneity": (heterogeneity, ("statistic", "p_value")),
        "edges": (edges, ("treatment", "comparator", "weight")),
    }
    if splits is not None:
        made["splits"] = splits, SPLIT
    for name, (rows, columns) in made.items():
        write_table(folder / f"{name}.csv", rows, columns)
    drawn = {"chain": np.zeros(3), "draw": np.arange(3), "d[overall,b]": np.full(3, -0.4)} if draws is None else draws
    lines = [",".join(f'"{name}"' if "," in name else name for name in drawn)]
    lines += [",".join(map(repr, map(float, values))) for values in zip(*drawn.values(), strict=True)]
    write_bytes(folder / "draws.csv.gz", gzip.compress("\n".join(lines).encode(), mtime=0))
    return {name: str(folder / f"{name}.csv") for name in made} | {"draws": str(folder / "draws.csv.gz")}
