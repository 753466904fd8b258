"""Simulation-based calibration of the sampler: every likelihood under every model of the effects.

Truths are drawn from the priors and a data set from every truth; the rank of a truth among its posterior draws has to
be uniform (Talts et al. 2018). Data are drawn by the definition of each model, treatment by treatment, and turned into
an evidence table: the check covers the linear predictor and the data of a fit as well as its sampler.

    python scripts/calibrate.py --datasets 100 --out docs/calibration.md
"""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from secondline.cells import categories_cell
from secondline.inference.priors import PriorScales
from secondline.inference.sampling import CompiledModel, compile_model, fit_seed, use_compile_cache
from secondline.inference.settings import SamplerSettings
from secondline.likelihoods import LIKELIHOODS, OWN_LIKELIHOODS, Distribution
from secondline.links import PROBIT
from secondline.network.arms import Arm, arms_of, is_contrast
from secondline.network.data import NetworkData, contrast_covariance, network_data
from secondline.network.mixed_arms import CLASS_CONTRAST
from secondline.network.predictor import CUT, EFFECT, EXCHANGEABLE, INTERACTION, SLOPE, Effects
from secondline.network.slopes import BY_CLASS, COMMON, INDEPENDENT, Slopes
from secondline.network.structure import Floats, Structure, Treatments
from secondline.network.study_groups import StudyGroups
from secondline.sd_points import Fixed
from secondline.sd_priors import HalfCauchy, HalfT, LogNormal, Uniform
from secondline.versions import versions

Row = Mapping[str, str]

SEED = 20261121
SETTINGS = SamplerSettings(draws=200, tune=250, target_accept=0.9)
CHAINS, THIN = 4, 4
LEVEL = 0.01  # of all tests of a run together
CATEGORIES = 4  # of an ordered outcome


def plain(treatments: Sequence[str], reference: str | None = None, settings: Sequence[str] = ()) -> Structure:
    """Structure of a plain network: one component for every treatment but the reference."""
    return replace(Structure.plain(treatments, reference or treatments[0]), settings=tuple(settings))


def contrast_row(
    study: str, treatment: str, comparator: str, effect: float, se: float, baseline_se: float = 0.0, **cells: str
) -> dict[str, str]:
    """One row of an evidence table of contrasts, as it reads from CSV."""
    row = {"study": study, "contrast_set": "arms", "treatment_arm": treatment, "comparator_arm": comparator}
    row |= {"treatment_mix": f"{treatment}:10", "comparator_mix": f"{comparator}:10", "setting_mix": ""}
    row |= {"n_treatment": "10", "n_comparator": "10", "effect": repr(float(effect)), "se": repr(float(se))}
    return row | {"baseline_se": repr(float(baseline_se)), "covariances": "", "used": "true"} | cells


def arm_row(study: str, treatment: str, events: int = 0, n: int = 10, **cells: str) -> dict[str, str]:
    """One row of an evidence table of arms, as it reads from CSV; other figures than events by their columns."""
    row = {"study": study, "contrast_set": "arms", "arm": treatment, "arm_mix": f"{treatment}:{n}", "setting_mix": ""}
    return row | {"events": str(events), "n": str(n), "used": "true"} | cells


@dataclass(frozen=True)
class Sizes:
    """How large simulated studies are: ranges of the patients of an arm, and of the standard error of its mean."""

    n: tuple[int, int] = (40, 160)
    se: tuple[float, float] = (0.15, 0.4)


def design_rows(
    designs: Iterable[Sequence[str]], likelihood: str, rng: np.random.Generator, sizes: Sizes | None = None
) -> list[dict[str, str]]:
    """Rows of studies with the given treatments whose outcomes are still to be drawn.

    Parameters
    ----------
    designs : iterable of sequences of str
        Treatments of every study; contrasts are against the first of them.
    likelihood : str
        One of `OWN_LIKELIHOODS`.
    rng : Generator
    sizes : Sizes, optional
    """
    sizes = sizes or Sizes()
    rows: list[dict[str, str]] = []
    for i, (base, *others) in enumerate(designs):
        study = f"study{i:02d}"
        if LIKELIHOODS[likelihood].is_contrasts:
            errors = rng.uniform(*sizes.se, len(others) + 1)
            rows += [
                contrast_row(study, t, base, 0.0, float(np.hypot(error, errors[0])), float(errors[0]))
                for t, error in zip(others, errors[1:], strict=True)
            ]
            continue
        for t in (base, *others):
            n, length = int(rng.integers(*sizes.n)), float(rng.uniform(0.5, 2))
            # Follow-up of each patient where their number is modelled, of all together where it is not.
            time = length if "n" in LIKELIHOODS[likelihood].required else length * n
            cells = {"se": repr(float(rng.uniform(*sizes.se))), "time": repr(time)}
            given = {name: cell for name, cell in cells.items() if name in LIKELIHOODS[likelihood].figures}
            rows.append(arm_row(study, t, 0, n, **given))
    return rows


@dataclass(frozen=True)
class Truth:
    """Parameters that data are drawn from: coefficients by name; mean and standard deviation of study baselines."""

    values: Mapping[str, float]
    tau: float = 0.0
    omega: float = 0.0
    baseline: tuple[float, float] = (0.0, 1.0)
    own: Mapping[str, float] = field(default_factory=dict)
    """Standard deviations of groups of studies and of classes, by name, where they have their own."""

    def tau_of(self, groups: StudyGroups | None, arms: Sequence[Arm]) -> float:
        """Give the standard deviation between studies with such arms."""
        return self.own.get(f"tau[{groups.of_study(arms)}]", self.tau) if groups else self.tau

    def cutpoints(self) -> Floats:
        """Cutpoints of an ordered outcome, the first at 0."""
        distances = [np.exp(value) for name, value in self.values.items() if name.startswith("log_distance")]
        return np.cumsum([0.0, *distances])


@dataclass(frozen=True)
class Model:
    """A model of the effects of a network, written down treatment by treatment."""

    structure: Structure
    effects: Effects = field(default_factory=Effects)

    def study(self, arms: Iterable[Arm], truth: Truth) -> dict[str, float]:
        """Effect of every arm of a study against the reference, by the name of the arm."""
        by_name = {arm.name: arm for arm in arms}
        mixed = [arm for arm in by_name.values() if len(arm.regimens) > 1]
        if self.effects.mixed_arms != CLASS_CONTRAST or len(mixed) < 2:
            return {name: self.effect(arm, truth) for name, arm in by_name.items()}
        patients = sum(sum(arm.regimens.values()) for arm in mixed)
        pool: dict[tuple[str, ...], float] = {}
        for arm in mixed:
            for regimen, n in arm.regimens.items():
                rest = tuple(c for c in self._parts(regimen) if c not in self._common(arm))
                pool[rest] = pool.get(rest, 0.0) + n / patients
        effects = {}
        for name, arm in by_name.items():
            effects[name] = self.effect(arm, truth)
            if arm in mixed:
                sets = [({*self._common(arm), *rest}, share) for rest, share in pool.items()]
                effects[name] = sum(share * self._regimen(self._of(parts), arm, truth) for parts, share in sets)
        return effects

    def _common(self, arm: Arm) -> set[str]:
        return set.intersection(*(set(self._parts(regimen)) for regimen in arm.regimens))

    def _of(self, parts: set[str]) -> str:
        return next(name for name in self.structure.regimens if set(self._parts(name)) == parts)

    def _parts(self, regimen: str) -> list[str]:
        row = self.structure.matrix[self.structure.regimens.index(regimen)]
        return [component for component, has in zip(self.structure.components, row, strict=True) if has]

    def effect(self, arm: Arm, truth: Truth) -> float:
        """Effect of an arm against the reference, regimen by regimen, weighted by its patients."""
        names = [name for name in self.structure.regimens if arm.share(name)]
        return sum(arm.share(name) * self._regimen(name, arm, truth) for name in names)

    def _regimen(self, regimen: str, arm: Arm, truth: Truth) -> float:
        parts = self._parts(regimen)
        own = [regimen] if self.effects.regimen_level and parts else parts
        total = sum(self._component(c, arm, truth) for c in own)
        if self.effects.varying in parts:
            total += truth.values[f"interaction[{regimen}]"]
        total += sum(truth.values[f"beta[{a}*{b}]"] for a, b in self.effects.interactions if {a, b} <= set(parts))
        for each in self.effects.slopes:
            owners = {COMMON: [""] * bool(parts), INDEPENDENT: own, BY_CLASS: [each.classes.get(c, c) for c in own]}
            names = [f"slope[{','.join(filter(None, [each.label, owner]))}]" for owner in owners[each.kind]]
            total += (
                sum(truth.values[name] for name in names) * (arm.covariates[each.covariate] - each.centre) / each.per
            )
        return total

    def _component(self, component: str, arm: Arm, truth: Truth) -> float:
        values, classes = truth.values, self.effects.classes
        if component in classes:
            total = values[f"class[{classes[component]}]"] + values[f"departure[{component}]"]
        else:
            total = values[f"beta[{component}]"]
        if self.effects.settings:
            names = self.structure.settings
            total += sum(arm.setting_share(name) * values[f"delta[{name},{component}]"] for name in names)
        return total


def redraw(
    rows: Iterable[Row], likelihood: str, model: Model, truth: Truth, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Draw the outcomes of every study of an evidence table anew; sizes, follow-up and standard errors stay.

    Parameters
    ----------
    rows : iterable of rows
        Rows of contrasts stay contrasts.
    likelihood : str
        Likelihood of the arm rows.
    """
    result: list[dict[str, str]] = []
    for _, group in groupby(rows, key=lambda row: row["study"]):
        members = list(group)
        cells = (
            _draw_contrasts(members, model, truth, rng)
            if is_contrast(members[0])
            else _draw_arms(members, likelihood, model, truth, rng)
        )
        result += [{**row, **drawn} for row, drawn in zip(members, cells, strict=True)]
    return result


def _draw_contrasts(
    members: Sequence[Row], model: Model, truth: Truth, rng: np.random.Generator
) -> list[dict[str, str]]:
    arms = [arm for row in members for arm in arms_of(row)]
    effects, tau = model.study(arms, truth), truth.tau_of(model.effects.groups, arms)
    mean = [effects[row["treatment_arm"]] - effects[row["comparator_arm"]] for row in members]
    pattern = (np.eye(len(members)) + 1) / 2
    y = rng.multivariate_normal(mean, contrast_covariance(members) + tau**2 * pattern)
    return [{"effect": repr(float(value))} for value in y]


def _draw_arms(
    members: Sequence[Row], likelihood: str, model: Model, truth: Truth, rng: np.random.Generator
) -> list[dict[str, str]]:
    arms = [arms_of(row)[0] for row in members]
    effects, tau = model.study(arms, truth), truth.tau_of(model.effects.groups, arms)
    f = np.array([effects[row["arm"]] for row in members])
    eta = rng.normal(*truth.baseline) + f - f.mean() + tau / np.sqrt(2) * rng.normal(size=len(f))
    return [_outcome(row, likelihood, float(x), truth, rng) for row, x in zip(members, eta, strict=True)]


def _outcome(row: Row, likelihood: str, eta: float, truth: Truth, rng: np.random.Generator) -> dict[str, str]:
    """Draw the outcome of one arm given its linear predictor."""
    one = LIKELIHOODS[likelihood]
    offset = np.log(float(row["time"])) if one.takes_time else 0.0
    match one.distribution:
        case Distribution.NORMAL:
            return {"mean": repr(float(rng.normal(eta, float(row["se"]))))}
        case Distribution.POISSON:
            return {"events": str(rng.poisson(one.link.inverse(eta + offset)))}
        case Distribution.BINOMIAL:
            return {"events": str(rng.binomial(int(row["n"]), one.link.inverse(eta + offset)))}
        case Distribution.MULTINOMIAL:
            above = one.link.inverse(eta - truth.cutpoints())
            counts = rng.multinomial(int(row["n"]), np.maximum(-np.diff([1.0, *above, 0.0]), 0.0))
            return {"categories": _counted(counts, row.get("unreported", ""))}


def _counted(counts: Sequence[int], unreported: str) -> str:
    """Write patients by category; of categories whose numbers are ``unreported`` they are counted in the one before."""
    found: dict[str, int | None] = {}
    for k, count in enumerate(counts):
        if str(k) in unreported.split():
            own = next(name for name in reversed(found) if found[name] is not None)
            found[own], found[f"c{k}"] = (found[own] or 0) + int(count), None
        else:
            found[f"c{k}"] = int(count)
    return categories_cell(found)


@dataclass(frozen=True)
class Case:
    """A model with its priors and a way to lay out a network on which it is calibrated."""

    model: Model
    scales: PriorScales
    layout: Callable[[str, np.random.Generator], Sequence[Row]]
    """From a likelihood to the rows of the studies, their outcomes still to be drawn."""

    def data(self, rows: Sequence[Row], likelihood: str) -> NetworkData:
        """Assemble the data of a fit."""
        return network_data(rows, self.model.structure, likelihood, self.model.effects)

    def blank(self, likelihood: str) -> NetworkData:
        """Assemble the data of a fit whose outcomes are still to be drawn."""
        filler = {"events": "1", "mean": "0", "effect": "0"}
        if LIKELIHOODS[likelihood].is_ordered:
            filler["categories"] = " ".join(f"c{k}:1" for k in range(CATEGORIES))
        rows = [{**row, **filler} for row in self.layout(likelihood, np.random.default_rng(0))]
        return self.data(rows, likelihood)

    def priors(self, likelihood: str) -> PriorScales:
        """Prior scales; those of the probit link are narrower, as its standard deviation is 1 and a logistic's 1.8."""
        if LIKELIHOODS[likelihood].link is not PROBIT:
            return self.scales
        narrower = ("effect", "baseline", "slope", "interaction")
        values = {name: 0.6 * getattr(self.scales, name) for name in narrower}
        return replace(self.scales, **values, tau=self.scales.tau.scaled(0.6), omega=self.scales.omega.scaled(0.6))

    def draw_truth(self, likelihood: str, rng: np.random.Generator) -> Truth:
        """Draw every parameter from its prior."""
        scales, data = self.priors(likelihood), self.blank(likelihood)
        taus = {name: scales.tau.draw(rng) for name in data.groups.taus}
        omegas = {name: scales.omega.draw(rng) for name in data.predictor.omegas}
        sd = {EFFECT: scales.effect, SLOPE: scales.slope, CUT: scales.cutpoint, INTERACTION: scales.interaction}
        values = {}
        for (name, kind), which in zip(data.predictor.columns, data.predictor.omega_of, strict=True):
            own = list(omegas.values())[which] if kind == EXCHANGEABLE else sd[kind]
            values[name] = float(rng.normal()) * own
        shared = {"tau": 0.0, "omega": 0.0} | taus | omegas
        return Truth(values, shared["tau"], shared["omega"], (0.0, scales.baseline), taus | omegas)


def simulated(
    model: Model,
    scales: PriorScales,
    designs: Sequence[str],
    covariates: tuple[float, float] = (-1.0, 3.0),
    sizes: Sizes | None = None,
) -> Case:
    """Case on a simulated network; each letter of a design is an arm on that treatment."""

    def layout(likelihood: str, rng: np.random.Generator) -> Sequence[Row]:
        chosen = sizes or (Sizes(n=(100, 300)) if LIKELIHOODS[likelihood].is_ordered else None)
        rows = design_rows(designs, likelihood, rng, chosen)
        cells: dict[str, dict[str, str]] = {}
        for i, study in enumerate(dict.fromkeys(row["study"] for row in rows)):
            cells[study] = _study_cells(model, i, rng.uniform(*covariates))
        return [row | cells[row["study"]] for row in rows]

    return Case(model, scales, layout)


def with_mixes(case: Case, mixes: Mapping[str, str]) -> Case:
    """Turn the arms on some treatments into mixed arms: their composition by treatment."""

    def layout(likelihood: str, rng: np.random.Generator) -> Sequence[Row]:
        ends = (("arm", "arm_mix"), ("treatment_arm", "treatment_mix"), ("comparator_arm", "comparator_mix"))
        return [
            {**row, **{mix: mixes[row[arm]] for arm, mix in ends if row.get(arm) in mixes}}
            for row in case.layout(likelihood, rng)
        ]

    return replace(case, layout=layout)


def _study_cells(model: Model, i: int, value: float) -> dict[str, str]:
    """Give the i-th study its setting and its covariate; every third study is of two settings."""
    cells, names = {}, model.structure.settings
    if names:
        first, second = names[i % len(names)], names[(i + 1) % len(names)]
        cells["setting_mix"] = f"{first}:30 {second}:10" if i % 3 == 0 else f"{first}:40"
    for each in model.effects.slopes:
        cells["covariates"] = f"{each.covariate}:{value!r}"
    return cells


_COMBINATIONS = Structure.of(
    Treatments(
        components=("b", "c", "d"),
        regimens={"a": [], "b": ["b"], "c": ["c"], "d": ["d"], "e": ["b", "c"]},
        settings=(),
    )
)
_BACKBONES = Structure.of(
    Treatments(
        components=("b", "c", "x"),
        regimens={"a": [], "b": ["b"], "c": ["c"], "d": ["x"], "e": ["b", "x"], "f": ["c", "x"]},
        settings=(),
    )
)
_COMBINED = ("ab", "ac", "ae", "be", "ad", "abe", "ace", "cd")
_DESIGNS = ("ab", "ac", "bc", "ad", "cd", "abc", "acd", "bd")
_RANDOM = PriorScales(effect=1.0, tau=0.5, omega=0.0, baseline=1.0, slope=0.5, cutpoint=0.5)
_DEPARTING = PriorScales(effect=1.0, tau=0.3, omega=0.5, baseline=1.0, slope=0.5, cutpoint=0.5)
CASES = {
    "fixed": simulated(Model(plain("abcd")), PriorScales(1.0, 0.0, 0.0, 1.0, 0.5, 0.5), _DESIGNS),
    "random": simulated(Model(plain("abcd")), _RANDOM, _DESIGNS),
    "settings": simulated(Model(plain("abcd", settings="st"), Effects(settings=True)), _DEPARTING, _DESIGNS),
    "classes": simulated(
        Model(plain("abcde"), Effects(classes={"b": "x", "c": "x", "d": "x"})),
        _DEPARTING,
        ("ab", "ac", "bc", "ad", "ae", "abc", "ade", "bd"),
    ),
    "own_class_sds": simulated(
        Model(plain("abcde"), Effects(classes={"b": "x", "c": "x", "d": "y", "e": "y"}, own_class_sds=True)),
        _DEPARTING,
        ("ab", "ac", "bc", "ad", "ae", "abc", "ade", "bd"),
    ),
    "unequal_heterogeneity": simulated(
        Model(plain("abcd"), Effects(groups=StudyGroups.by_activity("abcd", ["a"]))), _RANDOM, _DESIGNS
    ),
    "covariate": simulated(Model(plain("abcd"), Effects(slopes=(Slopes("age", 1.0),))), _RANDOM, _DESIGNS),
    "interactions": simulated(
        Model(_COMBINATIONS, Effects(interactions=(("b", "c"),))),
        _RANDOM,
        _COMBINED,
    ),
    "exchangeable_interactions": simulated(
        Model(_COMBINATIONS, Effects(varying="c")), replace(_RANDOM, interaction=0.4), _COMBINED
    ),
    "regimen_level": simulated(Model(_COMBINATIONS, Effects(regimen_level=True)), _RANDOM, _COMBINED),
    "class_contrast": with_mixes(
        simulated(
            Model(_BACKBONES, Effects(mixed_arms=CLASS_CONTRAST)), _RANDOM, ("ad", "ad", "ab", "ac", "abd", "bc")
        ),
        {"a": "a:20 b:10", "d": "e:15 f:25"},
    ),
}

PRIOR_LIKELIHOOD = "contrasts"
PRIOR_CASES = {
    f"prior {prior.name}": simulated(Model(plain("abcd")), replace(_RANDOM, tau=prior), _DESIGNS)
    for prior in (Uniform(1.0), HalfCauchy(0.3), HalfT(0.4, 3.0), LogNormal(-2.56, 1.74), Fixed(0.3))
}
"""Every other prior of tau than the half-normal of the models, on one likelihood."""


def with_unreported(case: Case, unreported: Sequence[str]) -> Case:
    """Leave out categories of ordered outcomes that studies do not report, each its own of these in turn."""

    def layout(likelihood: str, rng: np.random.Generator) -> Sequence[Row]:
        rows = case.layout(likelihood, rng)
        studies = list(dict.fromkeys(row["study"] for row in rows))
        return [{**row, "unreported": unreported[studies.index(row["study"]) % len(unreported)]} for row in rows]

    return replace(case, layout=layout)


ORDERED_CASES = {"unreported_cut_offs": with_unreported(CASES["random"], ("", "1", "2 3", "3"))}
"""Ordered outcomes of which studies do not report every category."""
ALL_CASES = CASES | PRIOR_CASES | ORDERED_CASES


def is_for(effects: str, likelihood: str) -> bool:
    """Whether a case is calibrated with a likelihood."""
    if effects in ORDERED_CASES:
        return LIKELIHOODS[likelihood].is_ordered
    return effects in CASES or likelihood == PRIOR_LIKELIHOOD


SPARSE = simulated(
    Model(plain("abc")),
    PriorScales(effect=4.0, tau=3.0, omega=0.0, baseline=2.5, slope=0.5, cutpoint=0.5),
    ("ab", "ab", "ac", "bc", "ab", "abc"),
    sizes=Sizes(n=(15, 60)),
)
"""Small trials under wide priors: a third of the arms has no events, or nothing else."""


@dataclass(frozen=True)
class Sampler:
    """The product under test: the compiled model and how it is run."""

    compiled: CompiledModel
    size: int
    n_sds: tuple[int, int]
    """Numbers of taus and omegas among the raw parameters."""
    cores: int = 2
    settings: SamplerSettings = SETTINGS

    @classmethod
    def compile(cls, combinations: Iterable[tuple[Case, str]], cores: int = 2) -> "Sampler":
        """Compile one model for cases and their likelihoods."""
        from secondline.inference.models import model_inputs, network_model

        chosen = list(combinations)
        blank = [case.blank(likelihood) for case, likelihood in chosen]
        size = max(data.n_coefficients for data in blank)
        n_taus, n_omegas = max(data.groups.n_taus for data in blank), max(len(data.predictor.omegas) for data in blank)
        case, likelihood = chosen[0]
        rng = np.random.default_rng(SEED)
        rows = redraw(case.layout(likelihood, rng), likelihood, case.model, case.draw_truth(likelihood, rng), rng)
        data, priors = case.data(rows, likelihood), case.priors(likelihood)
        inputs = model_inputs(data, priors, size, tabulated=False, n_taus=n_taus, n_omegas=n_omegas)
        return cls(compile_model(network_model(inputs)), size, (n_taus, n_omegas), cores)


@dataclass(frozen=True)
class Ranks:
    """Ranks of the truths among their posterior draws, as shares in (0, 1), by parameter; and divergences."""

    ranks: Mapping[str, Sequence[float]]
    divergences: int

    def p_values(self) -> dict[str, float]:
        """Kolmogorov-Smirnov test of uniformity of every parameter."""
        from scipy.stats import kstest

        return {name: float(kstest(values, "uniform").pvalue) for name, values in self.ranks.items()}


def calibrate(case: Case, likelihood: str, sampler: Sampler, datasets: int, seed: int, name: str) -> Ranks:
    """Draw data sets from the prior, sample their posteriors and rank the truths in them.

    Parameters
    ----------
    name : str
        Names the case: the seed of every data set depends on it.
    """
    from secondline.inference.fit import sample
    from secondline.inference.fitted import draws_of_sds
    from secondline.inference.task import Fit

    ranks: dict[str, list[float]] = {}
    divergences = 0
    for i in range(datasets):
        own_seed = fit_seed(seed, name, likelihood, str(i))
        rng = np.random.default_rng(own_seed)
        truth = case.draw_truth(likelihood, rng)
        data = case.data(redraw(case.layout(likelihood, rng), likelihood, case.model, truth, rng), likelihood)
        fit = Fit(data, case.priors(likelihood))
        parameters, diverged = sample(
            sampler.compiled, fit, sampler.size, sampler.settings, CHAINS, sampler.cores, own_seed, *sampler.n_sds
        )
        divergences += diverged
        draws = dict(zip(data.predictor.names, np.moveaxis(parameters["coefficients"], -1, 0), strict=True))
        sds = draws_of_sds(parameters, data.groups, data.predictor.classes_with_sds)
        draws |= {name: values for name, values in sds.items() if name in fit.free_sds}
        true = {**truth.values, **truth.own}
        for key, values in draws.items():
            thinned = values[:, ::THIN]
            # A uniform jitter makes the discrete ranks continuous.
            rank = (np.sum(thinned < true[key]) + rng.random()) / (thinned.size + 1)
            ranks.setdefault(key, []).append(float(rank))
    return Ranks(ranks, divergences)


@dataclass(frozen=True)
class Line:
    """One line of the table: a combination, its ranks and the seconds it took."""

    likelihood: str
    effects: str
    ranks: Ranks
    seconds: float


def pooled(lines: Iterable[Line]) -> dict[str, Ranks]:
    """Pool the ranks of a kind of parameter over all combinations.

    Only the first coefficient of each kind enters: ranks within one data set are not independent.
    """
    found: dict[str, list[float]] = {}
    for line in lines:
        kinds: dict[str, Sequence[float]] = {}
        for name, values in line.ranks.ranks.items():
            kinds.setdefault(name.partition("[")[0], values)
        for kind, values in kinds.items():
            found.setdefault(kind, []).extend(values)
    return {kind: Ranks({kind: values}, 0) for kind, values in found.items()}


def verdict(p: float, bound: float) -> str:
    """Word for the outcome of a test."""
    return "uniform" if p > bound else "NOT UNIFORM"


def report(lines: Sequence[Line], command: str) -> str:
    """Write the table as a document."""
    together = pooled(lines)
    n_tests = sum(len(line.ranks.ranks) for line in lines) + len(together)
    bound = LEVEL / n_tests
    text = [
        "# Simulation-based calibration",
        "",
        "True values are drawn from the priors and a data set is simulated from each; the rank of each true value",
        f"among the posterior draws is uniform if the sampler is correct. {n_tests} sets of ranks are tested for",
        f"uniformity by Kolmogorov-Smirnov tests at level {LEVEL:g} / {n_tests} = {bound:.2g} each, which",
        f"gives an overall level of at most {LEVEL:.0%}.",
        "",
        f"The table was made by `{command}`",
        f"in {sum(line.seconds for line in lines) / 60:.0f} minutes. The seed of each data set is derived from the",
        f"base seed {SEED}, the names of model and likelihood, and the number of the data set. Each posterior has",
        f"{CHAINS} chains of {SETTINGS.draws} draws after {SETTINGS.tune} tuning iterations; every {THIN}th is kept.",
        "",
        f"{versions()}",
        "",
        "| likelihood | effects | data sets | parameters | divergences | smallest p | parameter | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        p_values = line.ranks.p_values()
        worst = min(p_values, key=lambda name: p_values[name])
        cells = [line.likelihood, line.effects, len(line.ranks.ranks[worst]), len(p_values), line.ranks.divergences]
        cells += [f"{p_values[worst]:.4f}", f"`{worst}`", verdict(p_values[worst], bound)]
        text.append(f"| {' | '.join(map(str, cells))} |")
    text += ["", "The first parameter of each kind in every data set, over all combinations:", ""]
    text += ["| parameter | data sets | p | verdict |", "|---|---|---|---|"]
    for kind, ranks in together.items():
        p = ranks.p_values()[kind]
        text.append(f"| {kind} | {len(ranks.ranks[kind])} | {p:.4f} | {verdict(p, bound)} |")
    return "\n".join([*text, ""])


def main() -> None:
    """Calibrate the chosen combinations and write the table."""
    parser = argparse.ArgumentParser(description="Simulation-based calibration of every likelihood and effects model.")
    parser.add_argument("--datasets", type=int, default=100, help="data sets for every combination")
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"), help="the table")
    parser.add_argument("--likelihoods", nargs="+", choices=list(OWN_LIKELIHOODS), default=list(OWN_LIKELIHOODS))
    parser.add_argument("--effects", nargs="+", choices=list(ALL_CASES), default=list(ALL_CASES))
    parser.add_argument("--cores", type=int, default=2)
    chosen = parser.parse_args()
    use_compile_cache(Path(".cache/compiled"))
    names = [
        (likelihood, effects)
        for likelihood in chosen.likelihoods
        for effects in chosen.effects
        if is_for(effects, likelihood)
    ]
    sampler = Sampler.compile(((ALL_CASES[effects], likelihood) for likelihood, effects in names), chosen.cores)
    lines = []
    for likelihood, effects in names:
        started = time.perf_counter()
        ranks = calibrate(ALL_CASES[effects], likelihood, sampler, chosen.datasets, SEED, effects)
        lines.append(Line(likelihood, effects, ranks, time.perf_counter() - started))
        smallest = min(ranks.p_values().values())
        print(f"{likelihood} {effects}: smallest p {smallest:.4f}, {lines[-1].seconds:.0f} s", flush=True)
    command = f"python scripts/calibrate.py --datasets {chosen.datasets} --out {chosen.out}"
    if chosen.likelihoods != list(OWN_LIKELIHOODS):
        command += f" --likelihoods {' '.join(chosen.likelihoods)}"
    if chosen.effects != list(ALL_CASES):
        command += f" --effects {' '.join(map(repr, chosen.effects))}"
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(report(lines, command), encoding="utf-8")


if __name__ == "__main__":
    main()
