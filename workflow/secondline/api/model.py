"""What to fit: the likelihood and the model of the effects, and the priors."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from secondline.api.covariate import Covariate
from secondline.api.sd_priors import SD_PRIORS
from secondline.api.unequal import Unequal
from secondline.errors import UserError
from secondline.likelihoods import LIKELIHOODS, Likelihood
from secondline.measures import MEASURES
from secondline.network.baseline_risk import why_not
from secondline.network.class_sds import OWN, SHARED
from secondline.network.mixed_arms import CLASS_CONTRAST, PATIENT_WEIGHTS
from secondline.sd_prior import LEAST_SCALE, MOST_SCALE, SdPrior, is_number
from secondline.sd_priors import HalfNormal

_ARMS = {
    (name.partition("_")[0], name.partition("_")[2] or one.link.name): one
    for name, one in LIKELIHOODS.items()
    if not one.is_contrasts
}
"""Likelihoods of arms by distribution and link; the first link of a distribution is its default."""


def usual_measure(likelihood: Likelihood) -> str:
    """Choose the measure of arms where a network does not name one: that whose usual likelihood this is."""
    by_default = [name for name in likelihood.scales if MEASURES[name].usual == likelihood.name]
    return (by_default or list(likelihood.scales))[0]


def _is_varying(value: Any) -> bool:
    """Whether a value is the name of a component with a standard deviation."""
    pair = value if isinstance(value, (tuple, list)) and len(value) == 2 else ("", 0)
    return isinstance(pair[0], str) and is_number(pair[1]) and LEAST_SCALE <= pair[1] <= MOST_SCALE


@dataclass(frozen=True)
class Prior:
    """A prior distribution on the link scale, given by its scale."""

    scale: float
    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Check that the scale is a number above 0, within the limits of configurations."""
        if not (is_number(self.scale) and LEAST_SCALE <= self.scale <= MOST_SCALE):
            problem = f"allowed: a number above 0, from {LEAST_SCALE:g} to {MOST_SCALE:g}"
            raise UserError(problem, key=self.name, value=self.scale)
        object.__setattr__(self, "scale", float(self.scale))

    def __str__(self) -> str:
        """Write the prior as it is called."""
        return f"{self.name}({self.scale:g})"


class Normal(Prior):
    """A normal distribution around 0."""

    name: ClassVar[str] = "normal"


def normal(scale: float) -> Normal:
    """Give effects, slopes or baselines a normal prior around 0.

    Parameters
    ----------
    scale : float
        Standard deviation on the link scale, above 0.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.normal(2.5))
    normal(2.5)
    """
    return Normal(scale)


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Prior distributions, all on the link scale.

    Without arguments they are the vague ones of the smoking example, for log odds ratios. Choose them for your measure:
    a standard deviation of 100 is vague for a log odds ratio, and may not be for a difference in metres walked.

    Parameters
    ----------
    effect : normal
        Of every treatment (or component) against the reference.
    tau : half_normal, uniform, half_cauchy, half_t, log_normal or fixed
        Standard deviation of effects between studies.
    omega : half_normal, uniform, half_cauchy, half_t, log_normal or fixed
        Standard deviation of effects within classes, or of departures by setting.
    baseline : normal
        Of the mean of every study with counts. Means of arms have a flat baseline.
    slope : normal, optional
        Of a covariate; by default that of effects.
    cutpoint : normal
        Of the log distances between the cutpoints of an ordered outcome.

    Raises
    ------
    UserError
        A prior that the engines do not take, in one line.

    Examples
    --------
    >>> import secondline as sl
    >>> priors = sl.Priors(effect=sl.normal(10), tau=sl.half_normal(1))
    >>> print(priors.tau)
    half_normal(1)
    """

    effect: Normal = field(default_factory=lambda: Normal(100.0))
    tau: SdPrior = field(default_factory=lambda: HalfNormal(5.0))
    omega: SdPrior = field(default_factory=lambda: HalfNormal(1.0))
    baseline: Normal = field(default_factory=lambda: Normal(100.0))
    slope: Normal | None = None
    cutpoint: Normal = field(default_factory=lambda: Normal(1.5))

    def __post_init__(self) -> None:
        """Check the form of every prior."""
        for entry in fields(self):
            value, of_sd = getattr(self, entry.name), entry.name in ("tau", "omega")
            if not isinstance(value, SdPrior if of_sd else Normal) and not (entry.name == "slope" and value is None):
                known = SD_PRIORS if of_sd else f"{Normal.name}(scale)"
                raise UserError(f"allowed: {known}", "Priors", key=entry.name, value=value)


@dataclass(frozen=True, kw_only=True)
class Model:
    """The likelihood of a network and the model of its relative effects.

    Parameters
    ----------
    likelihood : {"binomial", "poisson", "normal", "ordered"}
        Of the figures of the arms. Studies that give contrasts are normal whatever it is; a network of nothing but
        contrasts takes ``normal``.
    link : {"logit", "cloglog", "log", "identity", "probit"}, optional
        By default logit for binomial and ordered, log for poisson, identity for normal.
    heterogeneity : bool or Unequal
        Random effects, with standard deviation tau between studies; otherwise a common effect. `Unequal` divides the
        studies into groups with a tau of their own.
    classes : mapping, optional
        Class by treatment (or component): effects of a class are exchangeable around its mean, with standard deviation
        omega.
    class_sd : {"shared", "own"}
        Whether all classes share one omega, or every class has its own, all with the prior of omega. That of a class
        with few members stays close to its prior, and that of a class with a single member practically at it.
    settings : bool
        Effects of components differ by setting; for networks of a configuration that has settings.
    interactions : tuple of pairs
        Components whose effects do not simply add up.
    exchangeable_interactions : tuple of str and float, optional
        A component whose effect varies between the regimens that contain it, and with which standard deviation on the
        link scale: 0 would be additivity, a large one leaves the interactions free.
    regimen_level : bool
        Every regimen but the reference has an effect of its own, instead of the sum of its components.
    mixed_arms : {"patient_weights", "class_contrast"}
        How arms that mix regimens enter: by the patients who received each, or with the same mix of what varies within
        them in all mixed arms of a study.
    covariate : str, optional
        A covariate of the studies with which effects change, the same for every treatment but the reference.
    centre : float, optional
        Value of the covariate at which effects are given; by default its mean over the studies.
    covariates : tuple of Covariate
        Several covariates, words among them, or slopes that treatments do not share.
    baseline_risk : bool or float
        Effects change with the baseline of the study, as it is modelled: the linear predictor of its arm on the
        reference. A number is the baseline at which effects are given, by default the mean of those observed.

    Raises
    ------
    UserError
        A combination that the engines do not have, in one line.

    Examples
    --------
    >>> import secondline as sl
    >>> sl.Model(likelihood="binomial").link
    'logit'
    >>> sl.Model(likelihood="poisson", link="logit")
    Traceback (most recent call last):
    ...
    secondline.errors.UserError: Model: link = 'logit': allowed with likelihood poisson: log
    """

    likelihood: str
    link: str = ""
    heterogeneity: bool | Unequal = True
    classes: Mapping[str, str] | None = None
    class_sd: str = SHARED
    settings: bool = False
    interactions: tuple[tuple[str, str], ...] = ()
    exchangeable_interactions: tuple[str, float] | None = None
    regimen_level: bool = False
    mixed_arms: str = PATIENT_WEIGHTS
    covariate: str | None = None
    centre: float | None = None
    covariates: tuple[Covariate, ...] = ()
    baseline_risk: bool | float = False

    def __post_init__(self) -> None:
        """Check the combination, and choose the link where none is given."""
        links = [link for name, link in _ARMS if name == self.likelihood]
        if not links:
            known = ", ".join(dict.fromkeys(name for name, _ in _ARMS))
            raise UserError(f"allowed: {known}", "Model", key="likelihood", value=self.likelihood)
        if self.link and self.link not in links:
            problem = f"allowed with likelihood {self.likelihood}: {', '.join(links)}"
            raise UserError(problem, "Model", key="link", value=self.link)
        self._check_types()
        if self.classes and self.settings:
            problem = "a model has settings or classes, not both: each needs omega for itself"
            raise UserError(problem, "Model", key="classes", value=dict(self.classes))
        if self.class_sd == OWN and not self.classes:
            raise UserError("the model has no classes; allowed: with classes", "Model", key="class_sd", value=OWN)
        if self.centre is not None and not self.covariate:
            raise UserError("there is no covariate to be centred", "Model", key="centre", value=self.centre)
        self._check_interactions()
        self._check_covariates()
        problem = why_not(_ARMS[self.likelihood, self.link or links[0]])
        if self.regresses_on_baseline and problem:
            raise UserError(problem, "Model", key="baseline_risk", value=self.baseline_risk)
        object.__setattr__(self, "link", self.link or links[0])

    def _check_types(self) -> None:
        """Check what a word or a number in the wrong place would turn into another model."""
        pairs = list(self.interactions) if isinstance(self.interactions, (tuple, list)) else [self.interactions]
        different = all(isinstance(pair, (tuple, list)) and len({*pair}) == len(pair) == 2 for pair in pairs)
        sets = [frozenset(pair) for pair in pairs] if different else []
        checks = {
            "heterogeneity": (isinstance(self.heterogeneity, bool | Unequal), "True, False, or how it is Unequal"),
            "settings": (isinstance(self.settings, bool), "True or False"),
            "classes": (self.classes is None or isinstance(self.classes, Mapping), "a mapping, class by treatment"),
            "class_sd": (self.class_sd in (SHARED, OWN), f"{SHARED}, {OWN}"),
            "interactions": (different and len({*sets}) == len(sets), "pairs of two different components, each once"),
            "regimen_level": (isinstance(self.regimen_level, bool), "True or False"),
            "exchangeable_interactions": (
                self.exchangeable_interactions is None or _is_varying(self.exchangeable_interactions),
                "a component, and a standard deviation above 0",
            ),
            "covariate": (self.covariate is None or bool(self.covariate), "the name of a covariate, or None"),
            "centre": (self.centre is None or is_number(self.centre), "a number"),
            "covariates": (
                isinstance(self.covariates, (tuple, list)) and all(isinstance(c, Covariate) for c in self.covariates),
                "a tuple of Covariate",
            ),
            "baseline_risk": (
                isinstance(self.baseline_risk, bool) or is_number(self.baseline_risk),
                "True or a number",
            ),
        }
        for key, (right, allowed) in checks.items():
            if not right:
                raise UserError(f"allowed: {allowed}", "Model", key=key, value=getattr(self, key))

    def _check_interactions(self) -> None:
        """Check what is said of the interactions of components, and of arms that mix regimens."""
        if self.mixed_arms not in (PATIENT_WEIGHTS, CLASS_CONTRAST):
            problem = f"allowed: {PATIENT_WEIGHTS}, {CLASS_CONTRAST}"
            raise UserError(problem, "Model", key="mixed_arms", value=self.mixed_arms)
        for key in ("classes", "interactions", "exchangeable_interactions"):
            if self.regimen_level and getattr(self, key):
                problem = f"effects of regimens have no components; allowed: without {key}"
                raise UserError(problem, "Model", key="regimen_level", value=True)
        if self.exchangeable_interactions:
            component = self.exchangeable_interactions[0]
            if any(component in pair for pair in self.interactions):
                problem = f"those of {component} are exchangeable already; allowed: the one or the other"
                raise UserError(problem, "Model", key="interactions", value=self.interactions)

    def _check_covariates(self) -> None:
        """Check that every covariate is declared once, and has slopes of what the effects belong to."""
        names = [covariate.name for covariate in self.regressors]
        if len(set(names)) < len(names) or (self.covariate and self.covariates):
            problem = "allowed: every covariate once, in covariates where there are several"
            raise UserError(problem, "Model", key="covariates", value=", ".join(names))
        if self.regimen_level and any(not isinstance(each.slopes, str) for each in self.covariates):
            problem = "effects of regimens have no components with classes; allowed: common or independent slopes"
            raise UserError(problem, "Model", key="covariates", value=", ".join(names))

    @property
    def unequal(self) -> Unequal | None:
        """How studies are divided into groups with a tau of their own; None where they are not."""
        return self.heterogeneity if isinstance(self.heterogeneity, Unequal) else None

    @property
    def has_own_class_sds(self) -> bool:
        """Whether every class has a standard deviation of its own."""
        return self.class_sd == OWN

    @property
    def regressors(self) -> tuple[Covariate, ...]:
        """The covariates, one or several."""
        return (Covariate(self.covariate, self.centre),) if self.covariate else tuple(self.covariates)

    @property
    def regresses_on_baseline(self) -> bool:
        """Whether effects change with the baseline of the study."""
        return self.baseline_risk is not False

    @property
    def needs(self) -> list[str]:
        """Names of the numbers that a study has to give: covariates, and indicators of levels."""
        return [name for each in self.regressors for name in each.numbers]

    @property
    def arms(self) -> Likelihood:
        """Likelihood of the arms."""
        return _ARMS[self.likelihood, self.link]

    def __str__(self) -> str:
        """Say in one line what the model is."""
        effects = "random effects" if self.heterogeneity else "common effect"
        effects += f" {self.unequal}" if self.unequal else ""
        parts = [
            *(["classes" + " with a standard deviation each" * self.has_own_class_sds] if self.classes else []),
            *(["effects by setting"] if self.settings else []),
            *(f"interaction {a} and {b}" for a, b in self.interactions),
            *self._words_of_varying(),
            *(["effects by regimen"] if self.regimen_level else []),
            *(["class contrast of mixed arms"] if self.mixed_arms == CLASS_CONTRAST else []),
            *(
                [f"covariate{'s' * bool(self.covariates)} {', '.join(map(str, self.regressors))}"]
                * bool(self.regressors)
            ),
            *(["regression on the baseline risk"] if self.regresses_on_baseline else []),
        ]
        return ", ".join([f"{self.likelihood} likelihood with {self.link} link", effects, *parts])

    def _words_of_varying(self) -> list[str]:
        if self.exchangeable_interactions is None:
            return []
        component, sd = self.exchangeable_interactions
        return [f"exchangeable interactions of {component} with sd {sd:g}"]
