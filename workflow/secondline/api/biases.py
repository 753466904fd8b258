"""Biases that a notebook asks about or takes from its studies: in whose favour, in which studies, and how large."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Protocol

from secondline.doubt.settings import BiasScheme
from secondline.errors import UserError
from secondline.network.bias import Bias
from secondline.network.biased_contrasts import Flattered, Row
from secondline.sd_prior import is_number


@dataclass(frozen=True, kw_only=True)
class NetworkBias:
    """A bias b ~ N(mean, sd^2) that a fit takes from the studies of a network.

    Parameters
    ----------
    arms : Flattered
        Whom it flatters, and the studies that have it.
    mean, sd : float
        On the link scale.
    """

    arms: Flattered
    mean: float
    sd: float

    @classmethod
    def asked(cls, found: tuple[Mapping[str, Any], float, float] | None) -> "NetworkBias | None":
        """Take the bias of an analysis of a configuration, as `secondline.evidence.biased_arms.bias_asked` gives it."""
        return cls(arms=Flattered(**found[0]), mean=found[1], sd=found[2]) if found else None

    def of(self, evidence: Sequence[Row]) -> Bias:
        """Find the contrasts of the evidence that have it."""
        return Bias(contrasts=self.arms.contrasts(evidence), mean=self.mean, sd=self.sd)

    def within(self, studies: Collection[str]) -> "NetworkBias":
        """Keep it in these studies alone."""
        own = studies if self.arms.studies is None else [name for name in self.arms.studies if name in studies]
        return replace(self, arms=replace(self.arms, studies=tuple(own)))


class Biased(Protocol):
    """What is asked of a network that has, or takes, a bias."""

    @property
    def treatments(self) -> tuple[str, ...]:
        """All treatments."""

    @property
    def studies(self) -> tuple[str, ...]:
        """Studies in use."""

    @property
    def better(self) -> str | None:
        """Direction of the outcome, where it is known."""

    @property
    def bias(self) -> NetworkBias | None:
        """Bias that fits take from the studies."""


def taken(
    network: Biased,
    toward: str | Sequence[str],
    size: tuple[float, float],
    studies: Sequence[str] | None,
    better: str | None,
) -> NetworkBias:
    """Resolve the bias that `secondline.Network.biased` takes; ``size`` is its mean and standard deviation.

    Raises
    ------
    UserError
        A treatment or study that is not there, a size or direction that cannot be, or a second bias.
    """
    verb, direction = "Network.biased", better or network.better
    if network.bias is not None:
        raise UserError("the network has a bias already; allowed: one bias, toward one or more treatments", verb)
    if direction not in ("lower", "higher"):
        problem = "which direction is better for the patient? allowed: lower, higher"
        raise UserError(problem, verb, key="better", value=direction)
    check_size(*size, verb)
    arms = flattered(toward, studies, (network.treatments, network.studies), direction, verb)
    return NetworkBias(arms=arms, mean=float(size[0]), sd=float(size[1]))


def joined_bias(first: Biased, second: Biased) -> NetworkBias | None:
    """Keep the bias of one of two networks that are put together, in its own studies.

    Raises
    ------
    UserError
        Both have one.
    """
    if first.bias and second.bias:
        raise UserError("both networks have a bias; allowed: put them together first, then `biased`", "Network")
    found = [network.bias.within(network.studies) for network in (first, second) if network.bias]
    return found[0] if found else None


def flattered(
    toward: str | Sequence[str],
    studies: Sequence[str] | None,
    known: tuple[Sequence[str], Sequence[str]],
    better: str,
    asked_by: str,
) -> Flattered:
    """Resolve whom a bias flatters: arms by the share of their patients who received one of the treatments.

    Parameters
    ----------
    toward : str or sequence of str
        Treatments.
    studies : sequence of str, optional
        By default all.
    known : pair of sequences
        Treatments and studies of the network.
    better : {"lower", "higher"}
    asked_by : str
        The function that a message names.

    Raises
    ------
    UserError
        A treatment or a study that is not there.
    """
    treatments = (toward,) if isinstance(toward, str) else tuple(toward)
    for key, names, allowed in (("toward", treatments, known[0]), ("studies", studies or (), known[1])):
        for name in names:
            if name not in allowed:
                raise UserError(f"allowed: {', '.join(allowed)}", asked_by, key=key, value=name)
    direction = 1.0 if better == "higher" else -1.0
    return Flattered(direction=direction, studies=studies and tuple(studies), treatments=treatments)


def check_size(mean: float, sd: float, asked_by: str) -> None:
    """Refuse what is no mean or no standard deviation.

    Raises
    ------
    UserError
        Not a number, or a standard deviation below 0.
    """
    for key, value in (("mean", mean), ("sd", sd)):
        if not (is_number(value) and isfinite(value)):
            raise UserError("allowed: a number", asked_by, key=key, value=value)
    if sd < 0:
        raise UserError("allowed: 0 or more", asked_by, key="sd", value=sd)


def scheme_of(
    evidence: Sequence[Row], arms: Flattered, sizes: tuple[Sequence[float], Sequence[float]], asked_by: str
) -> BiasScheme:
    """Make a scheme of the bias that flatters some treatments.

    Parameters
    ----------
    evidence : rows
    arms : Flattered
    sizes : pair of sequences of float
        Means and standard deviations.

    Raises
    ------
    UserError
        A standard deviation below 0, or what is no number.
    """
    means, sds = sizes
    for mean in means:
        check_size(mean, 0.0, asked_by)
    for sd in sds:
        check_size(0.0, sd, asked_by)
    name = " ".join(arms.treatments or ())
    return BiasScheme(
        name=name, label=name, reason="", contrasts=arms.contrasts(evidence), means=tuple(means), sds=tuple(sds)
    )
