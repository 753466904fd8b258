"""A made-up network of contrasts for the panel of the page: four treatments, one setting, a study read in two ways."""

import json
from pathlib import Path

import numpy as np
from secondline.doubt.page_models import page_models
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.settings import FitSettings, ModelSettings, SamplerPlan, SamplerSettings
from secondline.inference.task import FitTask
from secondline.layout import PAGE_MODELS
from secondline.network.predictor import Effects
from secondline.network.structure import Treatments
from secondline.summaries.settings import ComparisonSettings

SETTING = "acute"
ASKED = ComparisonSettings(measure="OR", ratio=True, better="higher", margin=1.25, reference="placebo")
_ONCE = SamplerSettings(draws=1, tune=1, target_accept=0.9)
FIT = FitSettings(
    analysis="main",
    outcome="pain",
    likelihood="contrasts",
    treatments=Treatments(
        components=("alpha", "beta_long", "gamma"),
        regimens={"placebo": (), "alpha": ("alpha",), "beta_long": ("beta_long",), "gamma": ("gamma",)},
        settings=(SETTING,),
    ),
    models={
        "pooled": ModelSettings(effects=Effects(), prior=PriorScales(2.0, 0.04, 0.0, 10.0)),
        "fixed": ModelSettings(effects=Effects(), prior=PriorScales(2.0, 0.0, 0.0, 10.0)),
    },
    sampler=SamplerPlan(chains=1, first=_ONCE, retry=_ONCE),
    seed=1,
)


def row(study: str, treatment: str, comparator: str, effect: float, se: float) -> dict[str, str]:
    """Row of an evidence table: one contrast of two arms of 60 patients."""
    return {
        "study": study,
        "used": "true",
        "treatment_arm": treatment,
        "comparator_arm": comparator,
        "treatment_mix": f"{treatment}:60",
        "comparator_mix": f"{comparator}:60",
        "setting_mix": f"{SETTING}:120",
        "n_treatment": "60",
        "n_comparator": "60",
        "effect": repr(effect),
        "se": repr(se),
        "baseline_se": "",
    }


EVIDENCE = [
    row("one", "alpha", "placebo", 0.5, 0.1),
    row("two", "beta_long", "placebo", 0.9, 0.12),
    row("three", "gamma", "alpha", 0.8, 0.1),
    row("four", "gamma", "beta_long", -0.1, 0.2),
    row("five", "alpha", "placebo", 0.7, 0.3),
]
OTHER = [
    {
        **row("three", "gamma", "alpha", -0.8, 0.1),
        "axis": "three",
        "label": "as printed",
        "select": "",
        "level": "printed",
    }
]


def write_models(folder: Path) -> None:
    """Write page_models.json of an outcome into its folder."""
    found = page_models(EVIDENCE, OTHER, FIT, ASKED)
    (folder / PAGE_MODELS).write_text(json.dumps(found), encoding="utf-8")


def springs(three: float | None = None, model: str = "pooled") -> tuple[dict[str, float], dict[str, float]]:
    """Mean effect of every treatment on the link scale by the exact engine, and how far the studies are from it.

    Parameters
    ----------
    three : float, optional
        The effect of study three, moved.

    Returns
    -------
    means : dict
    far : dict
        By study, fitted mean less reported effect in standard errors, tau at its posterior mean included.
    """
    rows = [one if three is None or one["study"] != "three" else {**one, "effect": repr(three)} for one in EVIDENCE]
    fit = FitTask.from_rows(rows, FIT).fits[model]
    posterior = exact.posterior(fit.data, fit.scales)
    table = posterior.mixture(fit.data.predictor.effect_rows()[1]).summary()[0]
    means = dict(zip(FIT.treatments.regimens, table.tolist(), strict=True))
    tau = posterior.component_weights().ravel() @ posterior.tau_points
    far = {}
    for one in rows:
        treatment, comparator, effect, se = (one[key] for key in ("treatment_arm", "comparator_arm", "effect", "se"))
        far[one["study"]] = (means[treatment] - means[comparator] - float(effect)) / np.hypot(float(se), tau)
    return means, far


def effects(without: str = "", read_otherwise: bool = False, model: str = "pooled") -> dict[str, list[float]]:
    """Median and 95% limits of every treatment against placebo by the exact engine, natural scale."""
    rows = [one for one in EVIDENCE if one["study"] != without]
    if read_otherwise:
        rows = [OTHER[0] if one["study"] == "three" else one for one in rows]
    fit = FitTask.from_rows(rows, FIT).fits[model]
    mixture = exact.posterior(fit.data, fit.scales).mixture(fit.data.predictor.effect_rows()[1])
    limits = np.exp(mixture.quantiles(np.array([0.5, 0.025, 0.975])))
    return {name: limits[:, i].tolist() for i, name in enumerate(FIT.treatments.regimens)}
