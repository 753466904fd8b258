"""Unequal heterogeneity: studies divided by what they compare, each group with a standard deviation of its own.

A study belongs to exactly one group, so that it has one tau and its arms keep their correlation of 1/2: in study i,
delta_i ~ N(0, tau_g(i)^2 R), R with 1 on the diagonal and 1/2 off it. That is the first of the models of Lu & Ades
(Biostatistics 2009;10:792) in which the variances of comparisons differ; types of comparison such as those against an
inactive control are those of Turner et al. (Int J Epidemiol 2012;41:818).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from secondline.network.arms import Arm
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats

ACTIVE, INACTIVE = "active", "inactive"
NO_GROUP = -1
"""Place of a comparison of which no study is of the kind: its heterogeneity is not known."""


@dataclass(frozen=True, kw_only=True)
class StudyGroups:
    """A rule that puts every study into a group, by the kinds of the regimens that it compares."""

    kinds: Mapping[str, str]
    """Kind by regimen, for example its class; in the order in which they are named in a group."""

    @classmethod
    def by_activity(cls, regimens: Iterable[str], inactive: Iterable[str]) -> "StudyGroups":
        """Divide studies by whether they have an inactive control."""
        controls = set(inactive)
        names = sorted(regimens, key=lambda name: name in controls)
        return cls(kinds={name: INACTIVE if name in controls else ACTIVE for name in names})

    @classmethod
    def by_class(cls, regimens: Mapping[str, Sequence[str]], classes: Mapping[str, str]) -> "StudyGroups":
        """Divide studies by the classes of their regimens.

        Parameters
        ----------
        regimens : mapping
            Components by regimen.
        classes : mapping
            Class by component. A component without one is a class of its own, and so is a regimen without components;
            the class of a combination names those of its components.
        """
        kinds = {}
        for name, parts in sorted(regimens.items(), key=lambda each: not each[1]):
            kinds[name] = " + ".join(dict.fromkeys(classes.get(part, part) for part in parts)) or name
        return cls(kinds=kinds)

    def of(self, compared: Iterable[Iterable[str]]) -> str:
        """Name the group of a study.

        Parameters
        ----------
        compared : iterable of iterables of str
            Regimens of every arm; an arm that mixes regimens of several kinds is of a kind of its own.
        """
        order = list(dict.fromkeys(self.kinds.values()))
        arms = [tuple(sorted({order.index(self.kinds[name]) for name in arm})) for arm in compared]
        found = sorted(set(arms))
        if len(found) == 1:
            found = found * 2
        return " v ".join(" or ".join(order[kind] for kind in kinds) for kinds in found)

    def of_study(self, arms: Sequence[Arm]) -> str:
        """Name the group of a study by its arms."""
        return self.of([name for name in arm.regimens if arm.share(name) > 0] for arm in arms)

    def by_study(self, arms: Iterable[Arm]) -> dict[str, str]:
        """Name the group of every study, by all of its arms."""
        found: dict[str, list[Arm]] = {}
        for arm in arms:
            found.setdefault(arm.study, []).append(arm)
        return {study: self.of_study(own) for study, own in found.items()}

    def of_pairs(self, regimens: Sequence[str], groups: Sequence[str]) -> NDArray[np.int64]:
        """Place among the groups that a study of every two regimens would have, (regimens, regimens)."""
        places = {name: k for k, name in enumerate(groups)}
        return np.array([[places.get(self.of([[a], [b]]), NO_GROUP) for b in regimens] for a in regimens], np.int64)


def tau_names(groups: Sequence[str]) -> tuple[str, ...]:
    """Names of the standard deviations between studies: ``tau``, or that of every group."""
    return tuple(f"tau[{name}]" for name in groups) or ("tau",)


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """The groups of the studies of a network; without names all studies are one, with one tau."""

    names: tuple[str, ...] = ()
    by_study: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Group of every study of the network, (studies,), where there are any."""
    rule: StudyGroups | None = None
    """The rule that divides them."""

    @classmethod
    def of(
        cls, rule: StudyGroups | None, arms: Iterable[Arm], studies: Sequence[str], overlaps: Sequence[Overlap]
    ) -> "Grouping":
        """Divide studies; the groups stand in the order in which the studies have them.

        Raises
        ------
        UserError
            Studies of two groups share patients: no transformation makes both errors and random effects independent.
        """
        if rule is None:
            return cls()
        by_study = rule.by_study(arms)
        for overlap in overlaps:
            found = sorted({by_study[study] for study in overlap.studies if study in by_study})
            if len(found) > 1:
                problem = (
                    f"studies of unequal heterogeneity share patients, {' and '.join(found)}; allowed: of one group"
                )
                raise overlap.error("studies", overlap.studies, problem)
        names = tuple(dict.fromkeys(by_study[study] for study in studies))
        places = np.array([names.index(by_study[study]) for study in studies], np.int64)
        return cls(names=names, by_study=places, rule=rule)

    @property
    def n_taus(self) -> int:
        """Number of standard deviations between studies."""
        return len(self.names) or 1

    @property
    def taus(self) -> tuple[str, ...]:
        """Names of the standard deviations between studies."""
        return tau_names(self.names)

    @property
    def sizes(self) -> list[int]:
        """Number of studies of every group."""
        return [int((self.by_study == k).sum()) for k in range(len(self.names))]

    def of_pairs(self, regimens: Sequence[str]) -> NDArray[np.int64] | None:
        """Group that a study of every two regimens would have, see `StudyGroups.of_pairs`; None where all are one."""
        return self.rule.of_pairs(regimens, self.names) if self.rule else None

    def of_points(self, study: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give data points the group of their studies, (N,) to (N,); 0 where all studies are one."""
        return self.by_study[study] if self.names else np.zeros(len(study), np.int64)

    def tau_of(self, tau: Floats, study: NDArray[np.int64]) -> Floats:
        """Give data points the standard deviation of their studies.

        Parameters
        ----------
        tau : array, (B,) or (B, groups)
            Of draws or grid points.
        study : array, (N,)
            Study of every data point.

        Returns
        -------
        array, (B, 1) or (B, N)
        """
        return tau[:, None] if tau.ndim == 1 else np.ascontiguousarray(tau[:, self.by_study[study]])
