"""Unequal heterogeneity of a model, as a notebook declares it."""

from collections.abc import Mapping
from dataclasses import dataclass

from secondline.errors import UserError
from secondline.network.structure import Structure
from secondline.network.study_groups import StudyGroups

BY_COMPARISON, BY_CLASS = "comparison", "class"


@dataclass(frozen=True, kw_only=True)
class Unequal:
    """Random effects whose standard deviation differs between groups of studies.

    A study belongs to one group, by what it compares; every group has a tau of its own, with the prior of tau.

    Parameters
    ----------
    by : {"comparison", "class"}
        Whether studies are divided by having an inactive control, or by the classes of treatments that they compare.
    inactive : tuple of str
        The treatments that are inactive controls; by default the reference.
    classes : mapping, optional
        Class by treatment (or component); one without is a class of its own.

    Raises
    ------
    UserError
        A combination that is not allowed, in one line.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.Unequal(by="comparison", inactive=("placebo",)))
    unequal by comparison
    >>> sl.Model(likelihood="binomial", heterogeneity=sl.Unequal(by="comparison")).unequal.by
    'comparison'
    """

    by: str
    inactive: tuple[str, ...] = ()
    classes: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Check what divides the studies."""
        if self.by not in (BY_COMPARISON, BY_CLASS):
            raise UserError(f"allowed: {BY_COMPARISON}, {BY_CLASS}", "Unequal", key="by", value=self.by)
        if (self.by == BY_CLASS) != bool(self.classes):
            problem = "allowed: a mapping, class by treatment, with by class, and only there"
            raise UserError(problem, "Unequal", key="classes", value=self.classes)
        if self.inactive and (self.by == BY_CLASS or isinstance(self.inactive, str)):
            problem = "allowed: a tuple of treatments, with by comparison"
            raise UserError(problem, "Unequal", key="inactive", value=self.inactive)

    def __str__(self) -> str:
        """Say what divides the studies."""
        return f"unequal by {self.by}"

    def groups(self, structure: Structure) -> StudyGroups:
        """Resolve how the studies of a network are divided.

        Raises
        ------
        UserError
            A treatment that the network does not have.
        """
        for key, names, allowed in (
            ("inactive", self.inactive, structure.regimens),
            ("classes", self.classes or (), structure.components),
        ):
            for name in names:
                if name not in allowed:
                    raise UserError(f"allowed: {', '.join(allowed)}", "Unequal", key=key, value=name)
        if self.classes:
            return StudyGroups.by_class(structure.treatments.regimens, self.classes)
        return StudyGroups.by_activity(structure.regimens, self.inactive or [structure.regimens[structure.reference]])
