"""Evidence, effects and prior scales of a fit, put together as a job of the pipeline does."""

from collections.abc import Mapping, Sequence

from secondline.api.model import Model, Priors
from secondline.api.network import Network
from secondline.api.network_checks import check_connected
from secondline.errors import UserError
from secondline.inference.priors import PriorScales
from secondline.inference.settings import ModelSettings
from secondline.inference.task import Fit
from secondline.network.arms import arms_with, mean_covariates, rows_with, used_arms
from secondline.network.baseline_risk import mean_baseline
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.slopes import Slopes
from secondline.sd_points import ABSENT


def assemble(network: Network, model: Model, priors: Priors) -> tuple[list[dict[str, str]], Fit]:
    """Read the evidence of a network as a model does; the rows of the evidence table, and the fit.

    Raises
    ------
    UserError
        Something else in the place of a network, a model or priors; a network that falls apart; a model of what the
        network does not have.
    """
    for key, given, kind in (("network", network, Network), ("model", model, Model), ("priors", priors, Priors)):
        if not isinstance(given, kind):
            raise UserError(f"allowed: a {kind.__name__} of secondline, not {type(given).__name__}", "fit", key=key)
    evidence = network.evidence(model.arms)
    check_connected(network.structure, rows_with(evidence, model.needs))
    settings = model_settings(network, model, priors, evidence)
    bias = network.bias.of(evidence) if network.bias else None
    data = network_data(evidence, network.structure, model.arms.name, settings.effects, network.overlaps, bias)
    return evidence, Fit(data, settings.prior)


def model_settings(
    network: Network, model: Model, priors: Priors, evidence: Sequence[Mapping[str, str]]
) -> ModelSettings:
    """Resolve a model of the effects and its priors.

    Parameters
    ----------
    evidence : rows
        Of the studies over which a covariate without a centre is centred.

    Raises
    ------
    UserError
        A model of what the network does not have.
    """
    departures = bool(model.classes) or model.settings
    prior = PriorScales(
        effect=priors.effect.scale,
        tau=priors.tau if model.heterogeneity else ABSENT,
        omega=priors.omega if departures else ABSENT,
        baseline=priors.baseline.scale,
        slope=(priors.slope or priors.effect).scale,
        cutpoint=priors.cutpoint.scale,
        interaction=model.exchangeable_interactions[1] if model.exchangeable_interactions else 0.0,
    )
    return ModelSettings(effects=_effects(network, model, evidence), prior=prior)


def _effects(network: Network, model: Model, evidence: Sequence[Mapping[str, str]]) -> Effects:
    components, settings = network.structure.components, network.structure.settings
    varying = model.exchangeable_interactions[0] if model.exchangeable_interactions else None
    named = [*(model.classes or {}), *(name for pair in model.interactions for name in pair)]
    for name in named:
        if name not in components:
            key = "classes" if name in (model.classes or {}) else "interactions"
            raise UserError(f"allowed: {', '.join(components)}", "Model", key=key, value=name)
    for pair in model.interactions:
        together = network.structure.matrix[:, [components.index(name) for name in pair]]
        if not together.all(axis=1).any():
            raise UserError("no treatment has both components", "Model", key="interactions", value=" and ".join(pair))
    several = [c for c in components if network.structure.matrix[:, components.index(c)].sum() > 1]
    if varying and varying not in several:
        problem = f"allowed: a component of several regimens, {', '.join(several) or 'of which there is none'}"
        raise UserError(problem, "Model", key="exchangeable_interactions", value=varying)
    if model.settings and not settings:
        raise UserError("the network has no settings; allowed: False", "Model", key="settings", value=True)
    for covariate in model.regressors:
        for name in [] if isinstance(covariate.slopes, str) else covariate.slopes:
            if name not in components:
                problem = f"its slopes have a class for what is no treatment; allowed: {', '.join(components)}"
                raise UserError(problem, "Model", key="covariates", value=name)
    return Effects(
        settings=model.settings,
        classes=dict(model.classes or {}),
        own_class_sds=model.has_own_class_sds,
        interactions=tuple((a, b) for a, b in model.interactions),
        varying=varying,
        regimen_level=model.regimen_level,
        mixed_arms=model.mixed_arms,
        slopes=_slopes(model, evidence),
        baseline_risk=_baseline(network, model, evidence),
        groups=model.unequal.groups(network.structure) if model.unequal else None,
    )


def _slopes(model: Model, evidence: Sequence[Mapping[str, str]]) -> tuple[Slopes, ...]:
    """Slopes of a model, a covariate without a centre at its mean over the studies that enter."""
    used = used_arms(evidence)
    known = dict.fromkeys(name for arm in used for name in arm.covariates)
    key = "covariate" if model.covariate else "covariates"
    for name in model.needs:
        if name not in known:
            allowed = ", ".join(known) or "none, the network has no covariates"
            problem = f"no study gives this covariate; allowed: {allowed}"
            raise UserError(problem, "Model", key=key, value=name)
    arms = arms_with(used, model.needs)
    if model.needs and not arms:
        raise UserError("no study gives all of these covariates", "Model", key=key, value=", ".join(model.needs))
    centres = mean_covariates(arms, [one.name for one in model.regressors if one.centre is None and not one.levels])
    return tuple(slopes.centred(centres) for each in model.regressors for slopes in each.resolved)


def _baseline(network: Network, model: Model, evidence: Sequence[Mapping[str, str]]) -> float | None:
    """Baseline at which effects are given; None where they do not change with it."""
    if not model.regresses_on_baseline:
        return None
    if model.baseline_risk is not True:
        return float(model.baseline_risk)
    return mean_baseline(rows_with(evidence, model.needs), network.structure, model.arms)
