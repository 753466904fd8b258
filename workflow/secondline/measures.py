"""Effect measures: the one place that says what a measure is called, whether it is a ratio, and how it is drawn.

Everything else asks `MEASURES`; a name that it does not hold is an error. Which likelihoods estimate a measure, and on
which scale they put its absolute outcome, is `secondline.likelihoods`.
"""

from dataclasses import dataclass
from math import exp, log
from typing import Literal

from secondline.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Measure:
    """An effect measure: how two treatments are compared."""

    name: str
    words: str
    """What it is called, at the beginning of a sentence."""
    is_ratio: bool
    """Whether effects are ratios, whose logarithms add up; differences add up as they are."""
    usual: str
    """Name of the likelihood of an outcome that names none."""
    information: float | None
    """Largest information that a patient can add about an effect, on the scale on which effects add up, over arms of
    equal size: about a log hazard ratio 1/4 (Schoenfeld 1981), about a log odds ratio at most 1/12, with many ordered
    categories (Whitehead 1993), about a difference in standard deviations 1/4. Ratios of rates and raw means have no
    such bound: None."""
    baseline: Literal["median", "events"] | None
    """The figure in which an absolute baseline may be declared, beside mean and sd on the link scale."""
    absolute: Literal["risk", "hazard"] | None = None
    """What a baseline turns effects into: differences of risks, or of the risks by a time; None where neither."""
    of_events: bool = False
    """Whether it compares how often, or how soon, patients have an event."""

    @property
    def none(self) -> int:
        """Effect of a treatment that is no different, natural scale."""
        return 1 if self.is_ratio else 0

    @property
    def axis(self) -> Literal["log", "linear"]:
        """Scale of an axis of effects, as matplotlib calls it."""
        return "log" if self.is_ratio else "linear"

    @property
    def axis_label(self) -> str:
        """What an axis of effects shows."""
        return f"{self.words}, log scale" if self.is_ratio else self.words

    @property
    def link_scale(self) -> str:
        """Scale on which effects add up: ``log OR``, or the measure itself."""
        return f"log {self.name}" if self.is_ratio else self.name

    def natural(self, effect: float) -> float:
        """Put an effect on the natural scale."""
        return exp(effect) if self.is_ratio else effect

    def additive(self, effect: float) -> float:
        """Put an effect on the scale on which effects add up, from the natural one."""
        return log(effect) if self.is_ratio else effect


HR = Measure(
    name="HR",
    words="Hazard ratio",
    is_ratio=True,
    usual="contrasts",
    information=1 / 4,
    baseline="median",
    absolute="hazard",
    of_events=True,
)
OR = Measure(
    name="OR",
    words="Odds ratio",
    is_ratio=True,
    usual="binomial_logit",
    information=1 / 12,
    baseline="events",
    absolute="risk",
    of_events=True,
)
RR = Measure(
    name="RR",
    words="Risk ratio",
    is_ratio=True,
    usual="normal_counts",
    information=None,
    baseline="events",
    absolute="risk",
    of_events=True,
)
RD = Measure(
    name="RD",
    words="Risk difference",
    is_ratio=False,
    usual="normal_counts",
    information=None,
    baseline="events",
    absolute="risk",
    of_events=True,
)
IRR = Measure(
    name="IRR",
    words="Incidence rate ratio",
    is_ratio=True,
    usual="poisson_log",
    information=None,
    baseline=None,
    of_events=True,
)
MD = Measure(name="MD", words="Mean difference", is_ratio=False, usual="normal", information=None, baseline=None)
SMD = Measure(
    name="SMD",
    words="Standardised mean difference",
    is_ratio=False,
    usual="normal",
    information=1 / 4,
    baseline=None,
)
ROM = Measure(name="ROM", words="Ratio of means", is_ratio=True, usual="normal", information=None, baseline=None)
PD = Measure(
    name="PD",
    words="Probit difference",
    is_ratio=False,
    usual="ordered_probit",
    information=1 / 4,
    baseline=None,
    absolute="risk",
)

MEASURES = Registry("measure", [HR, OR, RR, RD, IRR, MD, SMD, ROM, PD])
