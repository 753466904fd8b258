"""The table summary_of_findings.csv: every treatment against the reference of its setting, with the certainty.

A summary of findings has, for every treatment, what its effect rests on, the relative effect, the outcome to expect
without and with it, and the certainty with the reasons for it (Guyatt 2011; for network meta-analyses Yepes-Nuñez
2019). Here each of these is taken from a table of the run; nothing is computed anew.

References
----------
Guyatt GH, Oxman AD, Akl EA et al. (2011) Journal of Clinical Epidemiology 64:383.
Yepes-Nuñez JJ, Li SA, Guyatt G et al. (2019) Journal of Clinical Epidemiology 115:1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from secondline.cell_values import EXTRAPOLATED, NOT_ASSESSABLE, NOT_GIVEN, PRIOR_DRIVEN, REFERENCE
from secondline.certainty.settings import DOMAINS, OVERALL_CERTAINTY, START
from secondline.tables import read_table, write_table

_BEHIND = ("studies", "participants", "direct_studies", "direct_participants", "direct_share", "prior_share")
_RELATIVE = ("measure", "estimate", "estimate_lower", "estimate_upper", "evidence")
_SIDES = ("without", "with")
_ENDS = ("", "_lower", "_upper")
COLUMNS = (
    *("setting", "treatment", "comparator"),
    *_BEHIND,
    *_RELATIVE,
    *("scale", "unit"),
    *(f"{side}{end}" for side in _SIDES for end in (*_ENDS, "_not_given")),
    *("certainty", "reasons", "other_certainty_in_draws", "override", "interval", "engine", "converged"),
)
"""Relative effects and outcomes on the natural scale; outcomes without and with the treatment in place of the
reference, a probability between 0 and 1, or a time in the unit named."""
WITHHELD = {EXTRAPOLATED: "extrapolated", PRIOR_DRIVEN: "prior-driven"}
"""Why the outcome under a treatment is not given, by the evidence on it."""

Row = Mapping[str, str]
Names = tuple[str, str, str]
By = Mapping[Names, Row]


def summarise_findings(files: Mapping[str, str], model: str, output: str) -> None:
    """Write summary_of_findings.csv of one outcome.

    Parameters
    ----------
    files : mapping
        ``behind``, ``effects`` (relative_effects.csv of the model), ``absolute`` (absolute_effects.csv of it),
        ``ranking`` and ``certainty``.
    model : str
        The model whose effects are summarised.
    output : str
        The file to write.
    """
    tables = {name: read_table(file) for name, file in files.items()}
    behind = [row for row in tables["behind"] if row["model"] == model]
    rows = finding_rows(behind, tables["effects"], tables["absolute"], tables["ranking"], tables["certainty"])
    write_table(output, rows, COLUMNS)


def finding_rows(
    behind: Sequence[Mapping[str, Any]],
    effects: Sequence[Row],
    absolute: Sequence[Row],
    ranking: Sequence[Row],
    certainty: Sequence[Row],
) -> list[dict[str, Any]]:
    """Collect what is known of every treatment against the reference of its setting, in the order of the ranking.

    Parameters
    ----------
    behind : rows
        Those of studies_behind.csv that are of the model.
    effects, absolute, ranking, certainty : rows
        relative_effects.csv, absolute_effects.csv, ranking.csv and certainty.csv.
    """
    references = {row["setting"]: row["treatment"] for row in ranking if row["evidence"] == REFERENCE}
    related, weighed = _by_names(effects), _by_names(behind)
    outcomes = {(row["setting"], row["treatment"]): row for row in absolute}
    judged: dict[Names, dict[str, Row]] = {}
    for row in certainty:
        judged.setdefault(_names(row), {})[row["domain"]] = row
    rows = []
    for row in ranking:
        setting, treatment = row["setting"], row["treatment"]
        names = setting, treatment, references[setting]
        if row["evidence"] == REFERENCE or names not in related:
            continue
        effect = related[names]
        rows.append(
            {
                **dict(zip(("setting", "treatment", "comparator"), names, strict=True)),
                **{column: _either(weighed, names).get(column) for column in _BEHIND},
                **{column: effect[column] for column in (*_RELATIVE, "interval", "engine", "converged")},
                **_absolute(outcomes, names),
                **_certainty(_either(judged, names)),
            }
        )
    return rows


def _names(row: Mapping[str, Any]) -> Names:
    return row["setting"], row["treatment"], row["comparator"]


def _by_names(rows: Sequence[Mapping[str, Any]]) -> dict[Names, Mapping[str, Any]]:
    return {_names(row): row for row in rows}


def _either(rows: Mapping[Names, Mapping[str, Any]], names: Names) -> Mapping[str, Any]:
    """Row of a comparison, in the direction in which the table has it; nothing where the table has neither."""
    setting, treatment, comparator = names
    return rows.get(names) or rows.get((setting, comparator, treatment)) or {}


def _absolute(outcomes: Mapping[tuple[str, str], Row], names: Names) -> dict[str, Any]:
    """Take the outcome under the reference and under the treatment, or say why there is none."""
    setting, treatment, comparator = names
    found: dict[str, Any] = {}
    for side, name in zip(_SIDES, (comparator, treatment), strict=True):
        row = outcomes.get((setting, name))
        if row is None:
            found[f"{side}_not_given"] = f"{NOT_GIVEN}: no baseline is declared"
            continue
        found |= {"scale": row["scale"], "unit": row["unit"]}
        if row["absolute"]:
            found |= {f"{side}{end}": row[f"absolute{end}"] for end in _ENDS}
        else:
            found[f"{side}_not_given"] = f"{NOT_GIVEN}: {WITHHELD.get(row['evidence'], row['reason'])}"
    return found


def _certainty(judged: Mapping[str, Row]) -> dict[str, Any]:
    """Take the certainty of a comparison, and every judgement that is a reason for it."""
    if OVERALL_CERTAINTY not in judged:
        return {"certainty": f"{NOT_ASSESSABLE}: contributions to this comparison were not computed"}
    overall = judged[OVERALL_CERTAINTY]
    return {
        "certainty": overall["judgement"],
        "reasons": "; ".join(_reasons(judged)),
        "other_certainty_in_draws": overall["differs_in_draws"],
        "override": overall["override"],
    }


def _reasons(judged: Mapping[str, Row]) -> Iterator[str]:
    """Name the level at which certainty starts, unless it is high, and the domains that are not free of concerns."""
    if judged[START]["judgement"] != "high":
        yield f"{START}: {judged[START]['judgement']}"
    for domain in DOMAINS:
        if judged[domain]["judgement"] != "none":
            yield f"{domain}: {judged[domain]['judgement']}"
