"""What the studies observed in their own arms, to set beside what a model predicts for a treatment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from secondline.cell_values import OVERALL
from secondline.likelihoods import LIKELIHOODS, MEDIAN_TIME
from secondline.network.arms import Arm, arms_of, is_contrast, used_rows
from secondline.summaries.settings import PrintedMedian, SummarySettings

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


def observed_outcomes(evidence: Iterable[Row], settings: SummarySettings) -> list[dict[str, Any]]:
    """List the outcome of every arm of the studies in use, once a regimen and setting of its patients.

    Medians are those that the sheets print, of every arm that a study reports; events, rates and means those of the
    arms in the fit, where they show it. ``shown`` marks the rows that say something of their treatment in their
    setting: most patients of the arm belong to both, and the population is that of the fit where the paper gives it.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fits.
    settings : SummarySettings
    """
    used = used_rows(evidence)
    contrasts, arms = [row for row in used if is_contrast(row)], [row for row in used if not is_contrast(row)]
    found = _medians(contrasts, settings.medians)
    likelihood = LIKELIHOODS[settings.likelihood]
    if likelihood.observed:
        scale = likelihood.scale(settings.measure).name
        observed = ((row, likelihood.observed(row)) for row in arms)
        given = [(row, value) for row, value in observed if value is not None]
        found += [(arm, _figure(row, scale, value)) for row, value in given for arm in arms_of(row)]
    return [row for arm, figure in found for row in _places(arm, figure)]


def _medians(contrasts: Sequence[Row], medians: Sequence[PrintedMedian]) -> list[tuple[Arm, dict[str, Any]]]:
    """Medians of the studies in use; one of another population than the fit's is shown only for want of its own."""
    populations = {row["study"]: row.get("population") or "all" for row in contrasts}
    given = {(row.study, row.arm, row.population) for row in medians}
    result = []
    for row in medians:
        study, arm, population = row.study, row.arm, row.population
        if study in populations:
            fits = population == populations[study]
            only = population == "all" and (study, arm, populations[study]) not in given
            figure = {
                "population": population,
                "scale": MEDIAN_TIME.name,
                "unit": "months",
                **{
                    f"observed{end}": getattr(row, key)
                    for end, key in (("", "median"), ("_lower", "lower"), ("_upper", "upper"))
                },
                "interval": row.interval,
                "shown": fits or only,
                "source": row.source,
            }
            result.append((Arm(study, arm, row.regimens, row.settings, row.n or 0.0), figure))
    return result


def _figure(row: Row, scale: str, observed: float) -> dict[str, Any]:
    return {
        "population": "all",
        "scale": scale,
        "unit": "",
        "observed": observed,
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
