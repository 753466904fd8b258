"""Likelihoods: the one place that says what an outcome may be modelled from, and what follows from that.

A likelihood is a distribution and a link, the figures that tables give it, the measures that it may estimate with the
natural scale of each, and the code under which the compiled functions know it. Everything else asks `LIKELIHOODS`; a
name that it does not hold is an error. ARCHITECTURE.md says how to add one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any

from secondline.cells import parse_categories
from secondline.errors import UserError
from secondline.links import CLOGLOG, EXPONENTIAL_MEDIAN, IDENTITY, LOG, LOGIT, PROBIT, Link
from secondline.registry import Registry

Row = Mapping[str, Any]


class Distribution(StrEnum):
    """How the figures of an arm, or of a contrast, vary."""

    NORMAL = "normal"
    BINOMIAL = "binomial"
    POISSON = "poisson"
    MULTINOMIAL = "multinomial"


@dataclass(frozen=True, kw_only=True)
class NaturalScale:
    """A scale on which the outcome of one treatment is shown."""

    name: str
    """What result tables call it."""
    link: Link
    """The way from it to the linear predictor, and back."""
    per_hundred: bool
    """Whether it is shown as patients per 100."""
    least: float = -inf
    """The smallest value that the outcome can have, where the link does not keep to it."""
    most: float = inf
    """The largest such value."""

    def natural(self, predictor: Any) -> Any:
        """Put a linear predictor on the scale."""
        return self.link.inverse(predictor)

    def predictor(self, natural: Any) -> Any:
        """Find the linear predictor of a value of the scale."""
        return self.link.link(natural)

    @property
    def falls(self) -> bool:
        """Whether more of it goes with a lower linear predictor: times to an event."""
        return self.link is EXPONENTIAL_MEDIAN


MEDIAN_TIME = NaturalScale(name="median time", link=EXPONENTIAL_MEDIAN, per_hundred=False)
"""Of a baseline declared as a median, whatever the likelihood of the relative effects."""
_PROBABILITY = NaturalScale(name="probability", link=LOGIT, per_hundred=True)
_PROBIT_PROBABILITY = NaturalScale(name="probability", link=PROBIT, per_hundred=True)
_PROBABILITY_IN_TIME = NaturalScale(name="probability in one unit of time", link=CLOGLOG, per_hundred=False)
_ABOVE_LOWEST = "probability of more than the lowest category"
_HAZARD = NaturalScale(name="hazard", link=LOG, per_hundred=False)
_RISK = NaturalScale(name="risk", link=LOG, per_hundred=False, most=1.0)
_RISK_ITSELF = NaturalScale(name="risk", link=IDENTITY, per_hundred=False, least=0.0, most=1.0)
_RATE = NaturalScale(name="rate", link=LOG, per_hundred=False)
_MEAN = NaturalScale(name="mean", link=IDENTITY, per_hundred=False)
_MEAN_ON_LOG_SCALE = NaturalScale(name="mean", link=LOG, per_hundred=False)
_MEAN_IN_SDS = NaturalScale(name="mean in standard deviations", link=IDENTITY, per_hundred=False)

NO_FAMILY = -1
"""Code of likelihoods that are integrated in closed form, and compiled into no function of counts."""


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """What an outcome is modelled from."""

    name: str
    words: str
    """What had which distribution, in the methods text."""
    distribution: Distribution
    link: Link
    family: int
    """Code in compiled functions. Compiled code is kept on disk: a code is never given to another likelihood."""
    required: tuple[str, ...]
    """Columns of figures that a row of an evidence table must have; those of categories have the names of these."""
    optional: tuple[str, ...]
    """Further columns that it may have."""
    figures: frozenset[str]
    """Figures of an arm that are kept for the fit; none where fits have contrasts alone, given or made of arms."""
    scales: Mapping[str, NaturalScale]
    """The measures that it may estimate, each with the natural scale of the outcome of a treatment."""
    observed: Callable[[Row], float | None] | None
    """Outcome of an arm on its natural scale; None where the figures of an arm, or of any arm, do not show it."""
    converted: Mapping[str, str]
    """Measures for which figures of arms become contrasts before the fit, with the words of the methods text."""

    @property
    def is_gaussian(self) -> bool:
        """Whether estimates with standard errors are modelled, and study effects integrated in closed form."""
        return self.distribution is Distribution.NORMAL

    @property
    def is_count(self) -> bool:
        """Whether arms are modelled by counts, of events or of patients by category."""
        return not self.is_gaussian

    @property
    def is_ordered(self) -> bool:
        """Whether arms are modelled by patients by ordered category, with cutpoints."""
        return self.distribution is Distribution.MULTINOMIAL

    @property
    def is_contrasts(self) -> bool:
        """Whether effects of one arm against another are modelled, and arms have no figures of their own."""
        return not self.figures

    @property
    def only_converts(self) -> bool:
        """Whether all that it is given becomes contrasts, so that its fits are those of contrasts."""
        return self.is_contrasts and bool(self.converted)

    @property
    def counts_patients(self) -> bool:
        """Whether an arm is its patients with an event among all, as study sheets give them."""
        return self.distribution is Distribution.BINOMIAL and not self.takes_time

    @property
    def takes_time(self) -> bool:
        """Whether figures of an arm include time: of follow-up, or of all patients at risk together."""
        return "time" in self.required

    def scale(self, measure: str) -> NaturalScale:
        """Give the natural scale of the outcome of one treatment.

        Raises
        ------
        UserError
            The likelihood does not estimate the measure.
        """
        if measure not in self.scales:
            problem = f"likelihood {self.name} goes with measure {', '.join(self.scales)}"
            raise UserError(problem, key="measure", value=measure)
        return self.scales[measure]

    def words_for(self, measure: str) -> str:
        """Say what had which distribution where the likelihood estimates a measure."""
        return self.converted.get(measure, self.words)


def _share(row: Row) -> float:
    return float(row["events"]) / float(row["n"])


def _rate(row: Row) -> float:
    return float(row["events"]) / float(row["time"])


def _mean(row: Row) -> float:
    return float(row["mean"])


def _share_above_lowest(row: Row) -> float | None:
    """Share of the patients above the lowest category, where the arm reports its cut-off."""
    lowest, *others = parse_categories(row["categories"]).values()
    if lowest is None or others[0] is None:
        return None
    above = sum(n or 0 for n in others)
    return above / (lowest + above)


_OF_COUNTS = (
    "the numbers of patients with an event in the arms of a study were converted to {} with their large-sample "
    "standard errors, which had a normal likelihood with the covariance induced by a shared comparator [@gleser2009]; "
    "where an arm had no events or events in all patients, half a patient was added"
)
CONTRASTS = Likelihood(
    name="contrasts",
    words="contrasts between arms, with their standard errors taken as known, had a normal likelihood",
    distribution=Distribution.NORMAL,
    link=IDENTITY,
    family=NO_FAMILY,
    required=("comparator", "effect", "se"),
    optional=("estimate", "lower", "upper", "level", "comparator_se", "n_treatment", "n_comparator"),
    figures=frozenset(),
    scales={
        "HR": _HAZARD,
        "OR": _PROBABILITY,
        "RR": _RISK,
        "RD": _RISK_ITSELF,
        "IRR": _RATE,
        "MD": _MEAN,
        "SMD": _MEAN_IN_SDS,
        "ROM": _MEAN_ON_LOG_SCALE,
        "PD": _PROBIT_PROBABILITY,
    },
    observed=None,
    converted={},
)
NORMAL = Likelihood(
    name="normal",
    words="arm means, with their standard errors taken as known, had a normal likelihood",
    distribution=Distribution.NORMAL,
    link=IDENTITY,
    family=NO_FAMILY,
    required=("mean",),
    optional=("se", "sd", "n", "median", "q1", "q3", "baseline_mean", "baseline_sd"),
    figures=frozenset({"n", "mean", "se"}),
    scales={"MD": _MEAN, "SMD": _MEAN_IN_SDS, "ROM": _MEAN_ON_LOG_SCALE},
    observed=_mean,
    converted={
        "SMD": "arm means were converted to standardised mean differences (divided by the pooled within-study "
        "standard deviation and corrected for small samples [@hedges1981]), which had a normal likelihood with the "
        "covariance induced by a shared comparator [@gleser2009]",
        "ROM": "arm means were converted to log ratios of means with their large-sample standard errors, which had a "
        "normal likelihood with the covariance induced by a shared comparator [@gleser2009]",
    },
)
NORMAL_COUNTS = Likelihood(
    name="normal_counts",
    words=_OF_COUNTS.format("effects"),
    distribution=Distribution.NORMAL,
    link=IDENTITY,
    family=NO_FAMILY,
    required=("events", "n"),
    optional=(),
    figures=frozenset(),
    scales={"RR": _RISK, "RD": _RISK_ITSELF, "OR": _PROBABILITY},
    observed=None,
    converted={
        "RR": _OF_COUNTS.format("log risk ratios"),
        "RD": _OF_COUNTS.format("risk differences"),
        "OR": _OF_COUNTS.format("log odds ratios"),
    },
)
BINOMIAL_LOGIT = Likelihood(
    name="binomial_logit",
    words="the number of patients with an event in each arm had a binomial likelihood with a logit link",
    distribution=Distribution.BINOMIAL,
    link=LOGIT,
    family=0,
    required=("events", "n"),
    optional=(),
    figures=frozenset({"events", "n"}),
    scales={"OR": _PROBABILITY},
    observed=_share,
    converted={},
)
BINOMIAL_CLOGLOG = Likelihood(
    name="binomial_cloglog",
    words="the number of patients with an event in each arm, given the length of follow-up, had a "
    "binomial likelihood with a complementary log-log link",
    distribution=Distribution.BINOMIAL,
    link=CLOGLOG,
    family=1,
    required=("events", "n", "time"),
    optional=(),
    figures=frozenset({"events", "n", "time"}),
    scales={"HR": _PROBABILITY_IN_TIME},
    observed=None,
    converted={},
)
POISSON_LOG = Likelihood(
    name="poisson_log",
    words="the number of events in each arm, given the person-time at risk, had a Poisson likelihood with a log link",
    distribution=Distribution.POISSON,
    link=LOG,
    family=2,
    required=("events", "time"),
    optional=("n",),
    figures=frozenset({"events", "n", "time"}),
    scales={"HR": _RATE, "IRR": _RATE},
    observed=_rate,
    converted={},
)
ORDERED_LOGIT = Likelihood(
    name="ordered_logit",
    words="the numbers of patients in the ordered categories of each arm had a multinomial likelihood with "
    "a cumulative logit link",
    distribution=Distribution.MULTINOMIAL,
    link=LOGIT,
    family=3,
    required=(),
    optional=(),
    figures=frozenset({"n", "categories"}),
    scales={"OR": NaturalScale(name=_ABOVE_LOWEST, link=LOGIT, per_hundred=False)},
    observed=_share_above_lowest,
    converted={},
)
ORDERED_PROBIT = Likelihood(
    name="ordered_probit",
    words="the numbers of patients in the ordered categories of each arm had a multinomial likelihood with "
    "a cumulative probit link",
    distribution=Distribution.MULTINOMIAL,
    link=PROBIT,
    family=4,
    required=(),
    optional=(),
    figures=frozenset({"n", "categories"}),
    scales={"PD": NaturalScale(name=_ABOVE_LOWEST, link=PROBIT, per_hundred=False)},
    observed=_share_above_lowest,
    converted={},
)

LIKELIHOODS = Registry(
    "likelihood",
    [CONTRASTS, NORMAL, BINOMIAL_LOGIT, NORMAL_COUNTS, BINOMIAL_CLOGLOG, POISSON_LOG, ORDERED_LOGIT, ORDERED_PROBIT],
)
COUNT_LIKELIHOODS = Registry("likelihood of counts", [one for one in LIKELIHOODS.values() if one.is_count])
"""Those whose arms are modelled by counts."""
OWN_LIKELIHOODS = Registry("likelihood of a fit", [one for one in LIKELIHOODS.values() if not one.only_converts])
"""Those with fits of their own."""
SCALES = Registry(
    "natural scale", [*(scale for one in LIKELIHOODS.values() for scale in one.scales.values()), MEDIAN_TIME]
)
"""Natural scales by the name that result tables call them; two of one name are shown alike."""


_BY_CODE = {one.family: one for one in COUNT_LIKELIHOODS.values()}


def of_family(code: int) -> Likelihood:
    """Find the likelihood of counts that compiled functions know by a code; a KeyError where there is none."""
    return _BY_CODE[code]


def estimating(measure: str, usual: str) -> tuple[str, ...]:
    """Name the likelihoods that estimate a measure, the usual one first."""
    found = [name for name, one in LIKELIHOODS.items() if measure in one.scales]
    return tuple(sorted(found, key=lambda name: name != usual))
