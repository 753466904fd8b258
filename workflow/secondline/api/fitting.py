"""Fits of a network: by the exact engine, by Markov chains, and written out in plain PyMC."""

import os
from numbers import Integral
from typing import TYPE_CHECKING

from secondline.api.assembly import assemble
from secondline.api.model import Model, Priors
from secondline.api.network import Network
from secondline.api.result import Result
from secondline.errors import UserError
from secondline.inference.fitted import Fitted, solved
from secondline.inference.sampling import use_user_cache
from secondline.inference.task import Fit
from secondline.inference.widening import solve_and_assess
from secondline.thresholds import MOST_DRAWS

if TYPE_CHECKING:
    import pymc

EXACT, NUTS = "exact", "nuts"
_DRAWS = {EXACT: 10_000, NUTS: 1000}
_TUNE, _TARGET_ACCEPT = 600, 0.9
_RETRY_TUNE, _RETRY_TARGET_ACCEPT = 2000, 0.99
_RETRY_DRAWS = 4  # times as many draws in a second attempt


def fit(
    network: Network,
    model: Model,
    *,
    priors: Priors | None = None,
    engine: str = EXACT,
    seed: int = 1,
    chains: int = 4,
    draws: int | None = None,
    cores: int | None = None,
) -> Result:
    """Fit a model to a network.

    Parameters
    ----------
    network : Network
    model : Model
    priors : Priors, optional
        By default the vague ones of `Priors`.
    engine : {"exact", "nuts"}
        ``exact`` needs no Markov chain: closed form on a grid of tau and omega where all evidence is Gaussian,
        importance sampling on that grid for counts. It says so where it cannot be relied on. ``nuts`` samples with
        Markov chains, checks them, and compares them with the exact engine; its first fit on a machine compiles for a
        minute or two.
    seed : int
        Of the draws: the same seed gives the same tables.
    chains, cores : int
        Markov chains, two or more, and how many are sampled at a time.
    draws : int, optional
        By default 10,000 independent draws of an exact posterior, or 1,000 of every chain. Chains whose Monte Carlo
        errors are too large for tables go on, to 20,000 draws at most, unless the posterior has a closed form; those
        that have not converged are run again, four times as long.

    Returns
    -------
    Result

    Raises
    ------
    UserError
        In one line: a network that falls apart, figures that the likelihood does not take, an engine that cannot be
        relied on for this network.

    Examples
    --------
    >>> import pandas as pd
    >>> import secondline as sl
    >>> trials = pd.DataFrame({
    ...     "trial": ["A", "B", "C"], "t": ["x", "y", "y"], "c": ["placebo", "x", "placebo"],
    ...     "log_hr": [-0.31, 0.1, -0.25], "se": [0.12, 0.2, 0.15],
    ... })
    >>> net = sl.Network.from_contrasts(
    ...     trials, study="trial", treatment="t", comparator="c", effect="log_hr", se="se",
    ...     reference="placebo", measure="HR",
    ... )
    >>> result = sl.fit(net, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(0.5)))
    >>> ranking = result.ranking(better="lower")
    >>> ranking[["treatment", "median_rank"]].to_dict("list")
    {'treatment': ['placebo', 'x', 'y'], 'median_rank': [3, 1, 2]}
    """
    if engine not in _DRAWS:
        raise UserError(f"allowed: {', '.join(_DRAWS)}", "fit", key="engine", value=engine)
    chosen = _DRAWS[engine] if draws is None else draws
    at_once = (os.cpu_count() or 1) if cores is None else cores
    for key, value, least in (("draws", chosen, 100), ("chains", chains, 2), ("seed", seed, 0), ("cores", at_once, 1)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise UserError(f"allowed: a whole number, {least} or more", "fit", key=key, value=value)
    priors = Priors() if priors is None else priors
    evidence, ready = assemble(network, model, priors)
    if engine == NUTS or len(ready.data.counts.study):
        use_user_cache()
    if engine == EXACT:
        fitted = _solve(ready, chosen, seed)
    else:
        fitted = _sample(ready, chosen, chains, min(chains, at_once), seed)
    return Result(network, model, priors, engine, evidence, fitted)


def textbook_model(network: Network, model: Model, priors: Priors | None = None) -> "pymc.Model":
    """Write the same model out in plain PyMC: study baselines and random effects as parameters, no compiled kernels.

    To be read, drawn or extended; `fit` has the same posterior in less time. See
    `secondline.inference.textbook.textbook_model` for its variables.

    Parameters
    ----------
    network : Network
    model : Model
    priors : Priors, optional
        By default the vague ones of `Priors`.

    Examples
    --------
    >>> import secondline as sl
    >>> net = sl.Network.from_config("config/examples/smoking.yaml", analysis="smoking", outcome="cessation")
    >>> written_out = sl.textbook_model(net, sl.Model(likelihood="binomial"))
    >>> [variable.name for variable in written_out.free_RVs]
    ['effect', 'tau', 'mu', 'z']
    """
    from secondline.inference.textbook import textbook_model as build

    _, ready = assemble(network, model, Priors() if priors is None else priors)
    return build(ready.data, ready.scales)


def _solve(ready: Fit, draws: int, seed: int) -> Fitted:
    found = solve_and_assess(ready.data, ready.scales)
    if found.covariances is None:
        problem = f"the exact engine cannot be used here: {found.reason}; take nuts"
        raise UserError(problem, "fit", key="engine", value=EXACT)
    return solved(ready, found.solution, found.covariances, draws, seed)


def _sample(ready: Fit, draws: int, chains: int, cores: int, seed: int) -> Fitted:
    from secondline.inference.fit import Sampler, sample_fit
    from secondline.inference.settings import SamplerPlan, SamplerSettings

    first = SamplerSettings(draws=draws, tune=_TUNE, target_accept=_TARGET_ACCEPT)
    retry = SamplerSettings(draws=_RETRY_DRAWS * draws, tune=_RETRY_TUNE, target_accept=_RETRY_TARGET_ACCEPT)
    plan = SamplerPlan(chains=chains, first=first, retry=retry, most=max(draws, MOST_DRAWS))
    return sample_fit(ready, Sampler.build([ready], plan, cores), seed)
