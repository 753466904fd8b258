"""The project file of CINeMA (cinema.cnm): a network with its judgements and its frequentist analysis, as JSON.

It follows the format that CINeMA 2 saves, in the parts for which MetaInsight's schema of these files asks: effects are
on the link scale, contributions are percentages, and studies are known by their numbers (id).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

from secondline.certainty.cinema_evidence import (
    COLUMNS,
    TYPES,
    CinemaNames,
    listed_rows,
    treatment_of,
    why_no_cinema,
    written_rows,
)
from secondline.certainty.cinema_results import CinemaResults, cinema_results
from secondline.certainty.cinema_settings import CinemaSettings
from secondline.certainty.plain_network import plain_studies
from secondline.errors import UserError
from secondline.network.arms import arms_of
from secondline.network.structure import Structure
from secondline.tables import read_table, write_table, write_text

RESULT_COLUMNS = (
    *("Direct", "DirectL", "DirectU", "Indirect", "IndirectL", "IndirectU"),
    *("SideIF", "SideIFlower", "SideIFupper", "SideZ", "SidePvalue", "PropDir"),
    *("NMA treatment effect", "se treat effect", "lower CI", "upper CI", "lower PrI", "upper PrI"),
    *("PropDirNetmeta", "_row"),
)
"""Columns of the results, all of which CINeMA names whichever of them a comparison has."""
WRITTEN = "a project of CINeMA is written"
NO_LOOP = f"{WRITTEN}; no loop of the network tests incoherence, which CINeMA cannot finish without"
Row = Mapping[str, str]


def export_cinema(evidence: str, settings: CinemaSettings, outputs: Sequence[str]) -> str:
    """Write cinema_rows.csv of an outcome and, where a second file is asked for, cinema.cnm.

    Returns
    -------
    str
        What there is to say of it, in one line.

    Raises
    ------
    UserError
        A file is asked for, and CINeMA's file cannot hold the evidence.
    """
    rows = read_table(evidence)
    listing, *projects = outputs
    reason = why_no_cinema(rows, settings)
    write_table(listing, listed_rows(rows, reason), COLUMNS)
    if reason:
        return f"no project of CINeMA: {reason}"
    project = cinema_project(rows, settings)
    for file in projects:
        write_text(file, as_json(project))
    (matrix,) = project["project"]["CM"]["contributionMatrices"]
    return WRITTEN if any("SideIF" in row for row in matrix["hatmatrix"]["NMAresults"]) else NO_LOOP


def as_json(project: Mapping[str, Any]) -> str:
    """Format a project as strict JSON, which has no way to say that a number is missing or infinite."""
    return json.dumps(project, allow_nan=False) + "\n"


def cinema_project(evidence: Sequence[Row], settings: CinemaSettings) -> dict[str, Any]:
    """Put a network into the form of a project of CINeMA.

    Parameters
    ----------
    evidence : rows
        Evidence table of a fit.
    settings : CinemaSettings

    Raises
    ------
    UserError
        CINeMA's file cannot hold the evidence; the message says why.
    """
    if reason := why_no_cinema(evidence, settings):
        raise UserError(f"there is no project of CINeMA: {reason}", settings.outcome)
    rows = written_rows(evidence)
    names = CinemaNames.of(rows)
    results = _results(rows, settings, names)
    return {
        "project": {
            "CM": {"contributionMatrices": [_matrix(results, settings.measure)]},
            "format": "long",
            "type": TYPES[settings.likelihood, settings.measure],
            "studies": {"long": [_arm(row, names, settings) for row in rows]},
        }
    }


def _results(rows: Sequence[Row], settings: CinemaSettings, names: CinemaNames) -> CinemaResults:
    """Analyse the network under the names of CINeMA."""
    structure = Structure.of(settings.treatments)
    studies = [
        replace(
            study,
            study=str(names.ids[study.study]),
            treatments=tuple(names.treatments[name] for name in study.treatments),
        )
        for study in plain_studies(rows, structure, settings.likelihood)
    ]
    coefficients = {clean: structure.matrix[structure.regimens.index(name)] for name, clean in names.treatments.items()}
    return cinema_results(studies, coefficients)


def _matrix(results: CinemaResults, measure: str) -> dict[str, Any]:
    pairs, direct = ([":".join(pair) for pair in group] for group in (results.pairs, results.direct))
    return {
        "hatmatrix": {
            "colNames": direct,
            "colNamesNMAresults": list(RESULT_COLUMNS),
            "H": results.hat.tolist(),
            "model": "fixed" if results.tau is None else "random",
            "NMAresults": list(results.effects),
            "rowNames": pairs,
            "rowNamesNMAresults": pairs,
            "sm": measure,
        },
        "studycontributions": {":".join(pair): shares for pair, shares in results.contributions.items()},
    }


def _arm(row: Row, names: CinemaNames, settings: CinemaSettings) -> dict[str, Any]:
    """One arm; of means, the standard deviation of the patients in place of the standard error."""
    (arm,) = arms_of(row)
    figures = (
        {"r": _number(row["events"]), "n": _number(row["n"])}
        if row.get("events")
        else {"mean": float(row["mean"]), "sd": float(row["se"]) * sqrt(arm.n), "n": _number(row["n"])}
    )
    return {
        "study": names.studies[arm.study],
        "id": names.ids[arm.study],
        "t": names.treatments[treatment_of(arm)],
        **figures,
        "rob": settings.risk_of_bias[arm.study],
        "indirectness": settings.indirectness[arm.study],
    }


def _number(cell: str) -> int | float:
    value = float(cell)
    return int(value) if value.is_integer() else value
