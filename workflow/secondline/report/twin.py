"""The frequentist twin beside the Bayesian fit, or why there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

from secondline.report.tables.results import Table
from secondline.report.words import INTERVAL, Names, Row, number, p_value, reference_of

NONE = (
    "This outcome was not analysed by frequentist methods, which are available only for networks of contrasts and of "
    "means. The likelihood of counts is exact here; a normal approximation to it would be a different analysis."
)


def twin(
    tables: Sequence[Sequence[Row]], relative: Sequence[Row], ranking: Sequence[Row], names: Names
) -> dict[str, Any]:
    """Set the effects against the reference by generalised least squares and REML beside those of the report.

    Parameters
    ----------
    tables : sequence
        frequentist/relative_effects.csv, ranking.csv and heterogeneity.csv.
    relative, ranking : rows
        relative_effects.csv and ranking.csv of the headline model.
    """
    effects, scores, heterogeneity = tables
    if not effects:
        return {"sentences": [NONE], "table": None}
    reference = reference_of(ranking, "overall")
    bayesian = _against(row for row in relative if row["setting"] == "overall")
    frequentist = _against(effects)
    p_scores = {row["treatment"]: row["p_score"] for row in scores}
    sucra = {row["treatment"]: row["sucra"] for row in ranking if row["setting"] == "overall"}
    rows = [
        [
            names.regimen(name),
            names.estimate(frequentist[name, reference]) if (name, reference) in frequentist else "–",
            names.estimate(bayesian[name, reference]) if (name, reference) in bayesian else "–",
            number(p_scores[name]),
            number(sucra.get(name, "")),
        ]
        for name in p_scores
    ]
    columns = ("Treatment", "Frequentist (95% CI)", f"Bayesian ({INTERVAL})", "P-score", "SUCRA among all")
    caption = (
        f"{names.heading('overall')}: {names.measure} relative to {names.regimen(reference)}, frequentist and Bayesian"
    )
    return {"sentences": _heterogeneity(heterogeneity), "table": Table(caption, columns, rows)}


def _against(rows: Any) -> Mapping[tuple[str, str], Row]:
    return {(row["treatment"], row["comparator"]): row for row in rows if row["estimate"]}


def _heterogeneity(rows: Sequence[Row]) -> list[str]:
    """Say what tau is by restricted maximum likelihood, and whether designs contradict each other."""
    by_name = {row["statistic"]: row for row in rows if not row["design"]}
    tau, between = by_name["tau (restricted maximum likelihood)"], by_name["Q between designs"]
    first = (
        f"The restricted maximum likelihood estimate of τ is {number(tau['value'])}."
        if tau["value"]
        else "τ is not estimable."
    )
    second = "Inconsistency between designs is not assessable."
    if between["value"]:
        second = f"Q between designs is {number(between['value'])} (df {between['df']}, {p_value(between['p_value'])})."
    return [
        "Effects were estimated by generalised least squares, without priors, and are the same in every setting.",
        first,
        second,
    ]
