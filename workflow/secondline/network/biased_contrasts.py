"""Which contrasts a bias moves, and in which direction: by what the arms of a study received."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from secondline.network.arms import Arm, compared_arms, used_rows
from secondline.network.bias import BiasedContrast

Row = Mapping[str, str]
_LEAST = 1e-12  # difference between two arms


@dataclass(frozen=True, kw_only=True)
class Flattered:
    """The arms that a bias flatters, and the studies that have it.

    Parameters
    ----------
    direction : float
        1 where a higher value of the link scale flatters, -1 where a lower one does.
    studies : collection of str, optional
        By default all.
    treatments : collection of str, optional
        Arms are flattered by the share of their patients who received one of these.
    sizes : mapping, optional
        In place of ``treatments``: number of components by treatment; arms of a study with more of them than the one
        with fewest are flattered.
    reference : str
        Without either: every arm is flattered but those of the reference alone, or else the comparator of the study.
    """

    direction: float
    studies: Collection[str] | None = None
    treatments: Collection[str] | None = None
    sizes: Mapping[str, int] | None = None
    reference: str = ""

    def contrasts(self, rows: Sequence[Row]) -> tuple[BiasedContrast, ...]:
        """List the contrasts of the used rows of an evidence table that have the bias, with its direction."""
        found = []
        by_study: dict[str, list[Row]] = {}
        for row in used_rows(rows):
            by_study.setdefault(row["study"], []).append(row)
        for study, members in by_study.items():
            if self.studies is not None and study not in self.studies:
                continue
            pairs = compared_arms(members)
            by_arm = self._by_arm(pairs)
            for treatment, comparator in pairs:
                direction = self.direction * (by_arm[treatment.name] - by_arm[comparator.name])
                if abs(direction) > _LEAST:
                    found.append((study, treatment.name, comparator.name, direction))
        return tuple(found)

    def _by_arm(self, pairs: Sequence[tuple[Arm, Arm]]) -> dict[str, float]:
        """By how much of a bias every arm of a study is flattered, by its name."""
        arms = {arm.name: arm for pair in pairs for arm in reversed(pair)}
        if self.treatments is not None:
            return {name: sum(map(arm.share, set(arm.regimens) & set(self.treatments))) for name, arm in arms.items()}
        if self.sizes is not None:
            sizes = self.sizes
            mean = {name: sum(arm.share(each) * sizes[each] for each in arm.regimens) for name, arm in arms.items()}
            return {name: float(count > min(mean.values()) + _LEAST) for name, count in mean.items()}
        alone = [name for name, arm in arms.items() if set(arm.regimens) == {self.reference}]
        older = alone or [pairs[0][1].name]
        return {name: float(name not in older) for name in arms}
