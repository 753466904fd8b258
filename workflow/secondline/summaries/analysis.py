"""Summary of one analysis: rankings over outcomes and models, and how every fit went."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from secondline.summaries import candidates
from secondline.summaries.league_table import paired_league_table
from secondline.summaries.sensitivity import compare_analyses
from secondline.tables import read_table, write_table

RANKING_COLUMNS = (
    "outcome",
    "model",
    "setting",
    "treatment",
    "candidate",
    "sucra",
    "sucra_lower",
    "sucra_upper",
    "p_best",
    "evidence",
    *candidates.COLUMNS,
    "engine",
    "converged",
)
FIT_COLUMNS = (
    "outcome",
    "model",
    "converged",
    "exact_check",
    "engine",
    "draws",
    "min_ess_bulk",
    "max_r_hat",
    "mcse_mean_ratio",
    "mcse_limit_ratio",
    "divergences",
    "versions",
)


def summarise_analysis(
    folder: Path,
    outcomes: Sequence[str],
    models: Sequence[str],
    headline: str,
    pairs: Sequence[tuple[str, str]],
    treatments: Sequence[str],
) -> None:
    """Write the tables of one analysis over its outcomes, in summary/: ranking, fits, league_pairs and models.

    Parameters
    ----------
    folder : path
        results/<analysis>
    headline : str
        The model of the league tables.
    pairs : sequence
        Outcomes below and above the diagonal of one league table.
    treatments : sequence
        Order of the treatments in it.
    """
    ranking: list[dict[str, Any]] = []
    fits: list[dict[str, Any]] = []
    for outcome in outcomes:
        for model in models:
            names = {"outcome": outcome, "model": model}
            ranked = read_table(folder / outcome / model / "ranking.csv")
            ranking += [{**row, **names} for row in ranked]
            engine = ranked[0]["engine"] if ranked else ""
            fits.append({**names, **_fit(folder / outcome / model), "engine": engine})
    write_table(folder / "summary" / "ranking.csv", ranking, RANKING_COLUMNS)
    write_table(folder / "summary" / "fits.csv", fits, FIT_COLUMNS)
    shown = dict.fromkeys(outcome for pair in pairs for outcome in pair)
    relative = {outcome: read_table(folder / outcome / headline / "relative_effects.csv") for outcome in shown}
    league, columns = paired_league_table(relative, pairs, treatments)
    write_table(folder / "summary" / "league_pairs.csv", league, columns)
    own = [(folder.name, outcome) for outcome in outcomes]
    compare_analyses(folder.parent, own, models, [], str(folder / "summary" / "models.csv"))


def _fit(folder: Path) -> dict[str, Any]:
    import h5netcdf

    rows = read_table(folder / "diagnostics.csv")
    with h5netcdf.File(folder / "posterior.nc", "r") as file:
        group = file["posterior"]
        draws = group.dimensions["chain"].size * group.dimensions["draw"].size
        versions = str(file.attrs["versions"])
    return {
        "converged": rows[0]["converged"],
        "exact_check": rows[0]["exact_check"],
        "draws": draws,
        "min_ess_bulk": min(float(row["ess_bulk"]) for row in rows),
        "max_r_hat": max(float(row["r_hat"]) for row in rows),
        **{key: rows[0][key] for key in ("mcse_mean_ratio", "mcse_limit_ratio", "divergences")},
        "versions": versions,
    }
