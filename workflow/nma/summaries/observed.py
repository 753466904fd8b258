"""What the studies observed in their own arms, to set beside what a model predicts for a treatment."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nma.network.arms import OVERALL, Arm, arms_of, is_contrast, parse_mix, used_rows

COLUMNS = (
    "setting",
    "treatment",
    "study",
    "arm",
    "population",
    "n",
    "regimen_share",
    "setting_share",
    "scale",
    "unit",
    "observed",
    "observed_lower",
    "observed_upper",
    "interval",
    "shown",
    "source",
)
MOST = 0.5  # of the patients of an arm: more of them received the treatment in the setting

Row = Mapping[str, Any]


def observed_outcomes(evidence: Iterable[Row], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the outcome of every arm of the studies in use, once a regimen and setting of its patients.

    Medians are those that the sheets print, of every arm that a study reports; events, rates and means those of the
    arms in the fit. ``shown`` marks the rows that say something of their treatment in their setting: most patients of
    the arm belong to both, and the population is that of the fit where the paper gives it.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fits.
    settings : mapping
        From `nma.plan.summary_settings`.
    """
    used = used_rows(evidence)
    contrasts, arms = [row for row in used if is_contrast(row)], [row for row in used if not is_contrast(row)]
    found = _medians(contrasts, settings["medians"])
    if settings["likelihood"] in OBSERVED:
        found += [(arm, _figure(row, settings["likelihood"])) for row in arms for arm in arms_of(row)]
    return [row for arm, figure in found for row in _places(arm, figure)]


def _medians(contrasts: Sequence[Row], medians: Sequence[Row]) -> list[tuple[Arm, dict[str, Any]]]:
    """Medians of the studies in use; one of another population than the fit's is shown only for want of its own."""
    populations = {row["study"]: row.get("population") or "all" for row in contrasts}
    given = {(row["study"], row["arm"], row["population"]) for row in medians}
    result = []
    for row in medians:
        study, arm, population = row["study"], row["arm"], row["population"]
        if study in populations:
            fits = population == populations[study]
            only = population == "all" and (study, arm, populations[study]) not in given
            figure = {
                "population": population,
                "scale": "median time",
                "unit": "months",
                **{
                    f"observed{end}": row[key]
                    for end, key in (("", "median"), ("_lower", "lower"), ("_upper", "upper"))
                },
                "interval": row["interval"],
                "shown": fits or only,
                "source": row["source"],
            }
            result.append((Arm(study, arm, row["regimens"], row["settings"], row["n"] or 0.0), figure))
    return result


def _ordered(row: Row) -> float:
    """Share of the patients above the lowest category."""
    lowest, *others = parse_mix(row["categories"]).values()
    return sum(others) / (lowest + sum(others))


# likelihood: name of the natural scale, and the figure of an arm on it
OBSERVED: dict[str, tuple[str, Callable[[Row], float]]] = {
    "binomial_logit": ("probability", lambda row: float(row["events"]) / float(row["n"])),
    "poisson_log": ("rate", lambda row: float(row["events"]) / float(row["time"])),
    "ordered_logit": ("probability of more than the lowest category", _ordered),
    "ordered_probit": ("probability of more than the lowest category", _ordered),
    "normal": ("mean", lambda row: float(row["mean"])),
}


def _figure(row: Row, likelihood: str) -> dict[str, Any]:
    scale, figure = OBSERVED[likelihood]
    return {
        "population": "all",
        "scale": scale,
        "unit": "",
        "observed": figure(row),
        "shown": True,
        "source": row.get("criterion", ""),
    }


def _places(arm: Arm, figure: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for every regimen and setting of an arm's patients."""
    settings = {OVERALL: 1.0, **{name: arm.own_share(name) for name in arm.settings}}
    return [
        {
            **figure,
            "setting": setting,
            "treatment": regimen,
            "study": arm.study,
            "arm": arm.name,
            "n": arm.n or None,
            "regimen_share": arm.share(regimen),
            "setting_share": share,
            "shown": figure["shown"] and arm.share(regimen) * share > MOST,
        }
        for regimen in arm.regimens
        for setting, share in settings.items()
        if share > 0
    ]
