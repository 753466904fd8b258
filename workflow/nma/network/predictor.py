"""The linear predictor: which coefficients a model has, and what each arm contributes to them.

The predictor of an arm is its study's baseline plus a row of coefficients. Every model of the effects is a choice of
columns, so that one compiled model and one exact engine serve all of them:

- component effects: an arm is a mixture of regimens, a regimen a sum of components (Welton 2009, Rücker 2020), and of
  interactions of pairs of components where the model has them;
- departures of every setting from them, exchangeable with standard deviation omega;
- classes: the effect of a component is its class mean plus a departure exchangeable with standard deviation omega;
- the slope of a study covariate, common to all treatments but the reference (Dias, NICE DSU TSD3, 2011);
- unrelated mean effects: a coefficient for every compared pair (TSD4), against the first arm of each study;
- a split: direct evidence on one comparison with a coefficient of its own (Dias 2010, van Valkenhoef 2016).

Two of them depend, in studies of more than two arms, on which arm is the baseline. Unrelated mean effects take the
first arm that the study gives, or the comparator of its contrasts; a split takes `split_baseline`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nma.network.arms import OVERALL, Arm
from nma.network.structure import Floats, Structure

# kinds of coefficients: each has its prior scale
EFFECT, SLOPE, CUT, EXCHANGEABLE = range(4)


@dataclass(frozen=True)
class Effects:
    """The model of the relative effects."""

    settings: bool = False
    classes: Mapping[str, str] = field(default_factory=dict)
    """Class by component, for the components that have one."""
    interactions: tuple[tuple[str, str], ...] = ()
    covariate: str | None = None
    centre: float = 0.0
    """Value of the covariate at which the effects are given."""
    unrelated: bool = False
    split: tuple[str, str] | None = None
    """Treatment and comparator whose direct evidence has a coefficient of its own."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Effects":
        """Build the model from the resolved settings of a job."""
        values = dict(settings)
        values["interactions"] = tuple((a, b) for a, b in values.get("interactions", ()))
        return cls(**values)


@dataclass(frozen=True)
class Predictor:
    """Coefficients of a model, and the rows of its arms."""

    structure: Structure
    effects: Effects
    pairs: tuple[tuple[str, str], ...] = ()
    """Compared pairs, treatment and comparator, where the effects are unrelated."""
    n_cuts: int = 0
    """Cutpoints beyond the first of an ordered outcome: their log distances are the last coefficients."""

    @classmethod
    def build(cls, structure: Structure, effects: Effects, arms: Sequence[Arm], n_cuts: int = 0) -> "Predictor":
        """Choose the coefficients that the arms of a network need."""
        pairs: dict[tuple[str, str], None] = {}
        if effects.unrelated:
            for _, members in groupby(arms, key=lambda arm: arm.study):
                base, *others = [node(arm, structure) for arm in members]
                pairs |= {_oriented(name, base, structure)[0]: None for name in others if name != base}
        return cls(structure, effects, tuple(pairs), n_cuts)

    @property
    def _terms(self) -> list[str]:
        """Components and interactions: the columns of a treatment."""
        return [*self.structure.components, *("*".join(pair) for pair in self.effects.interactions)]

    @property
    def columns(self) -> list[tuple[str, int]]:
        """Name and kind of every coefficient."""
        effects, terms = self.effects, self._terms
        grouped = [c for c in self.structure.components if c in effects.classes]
        if effects.unrelated:
            columns = [(f"d[{t},{c}]", EFFECT) for t, c in self.pairs]
        else:
            columns = [(f"beta[{term}]", EFFECT) for term in terms if term not in grouped]
            columns += [(f"class[{name}]", EFFECT) for name in dict.fromkeys(effects.classes[c] for c in grouped)]
            columns += [(f"departure[{c}]", EXCHANGEABLE) for c in grouped]
        if effects.settings:
            pairs = [(s, c) for s in self.structure.settings for c in self.structure.components]
            columns += [(f"delta[{s},{c}]", EXCHANGEABLE) for s, c in pairs]
        if effects.split:
            columns.append((f"direct[{','.join(effects.split)}]", EFFECT))
        if effects.covariate:
            columns.append((f"slope[{effects.covariate}]", SLOPE))
        return columns + [(f"log_distance[{k + 2}]", CUT) for k in range(self.n_cuts)]

    @property
    def names(self) -> list[str]:
        """Names of the coefficients."""
        return [name for name, _ in self.columns]

    @property
    def kinds(self) -> NDArray[np.int64]:
        """Kind of every coefficient: EFFECT, SLOPE, CUT or EXCHANGEABLE."""
        return np.array([kind for _, kind in self.columns], dtype=np.int64)

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients."""
        return len(self.columns)

    def rows(self, arms: Sequence[Arm]) -> Floats:
        """Rows of arms that stand study by study, (arms, coefficients), not centred.

        Only differences between the arms of one study have a meaning.
        """
        rows = np.zeros((len(arms), self.n_coefficients))
        start = 0
        for _, group in groupby(arms, key=lambda arm: arm.study):
            members = list(group)
            rows[start : start + len(members)] = self._study_rows(members)
            start += len(members)
        return rows

    def _study_rows(self, arms: Sequence[Arm]) -> Floats:
        shares = np.array([arm.regimen_shares(self.structure.regimens) for arm in arms])
        blocks = [self._unrelated(arms)] if self.effects.unrelated else [self._consistent(self._treatments(shares))]
        if self.effects.settings:
            weights = np.array([arm.setting_shares(self.structure.settings) for arm in arms])
            components = shares @ self.structure.matrix
            blocks.append((weights[:, :, None] * components[:, None, :]).reshape(len(arms), -1))
        if self.effects.split:
            blocks.append(np.zeros((len(arms), 1)))
        if self.effects.covariate:
            values = np.array([arm.covariates[self.effects.covariate] for arm in arms])
            treated = 1 - shares[:, self.structure.reference]
            blocks.append(((values - self.effects.centre) * treated)[:, None])
        blocks.append(np.zeros((len(arms), self.n_cuts)))
        rows = np.hstack(blocks)
        if self.effects.split:
            self._split(arms, rows)
        return rows

    def _treatments(self, shares: Floats) -> Floats:
        """Components and interactions of mixtures of regimens, (N, terms)."""
        index = {name: k for k, name in enumerate(self.structure.components)}
        products = [
            self.structure.matrix[:, [index[a]]] * self.structure.matrix[:, [index[b]]]
            for a, b in self.effects.interactions
        ]
        return np.asarray(shares @ np.hstack([self.structure.matrix, *products]))

    def _consistent(self, treatments: Floats) -> Floats:
        """Turn components into ungrouped components, class means and departures."""
        terms, classes = self._terms, self.effects.classes
        grouped = [c for c in self.structure.components if c in classes]
        names = list(dict.fromkeys(classes[c] for c in grouped))
        ungrouped = [k for k, term in enumerate(terms) if term not in grouped]
        index = [terms.index(c) for c in grouped]
        membership = np.array([[float(classes[c] == name) for name in names] for c in grouped])
        membership = membership.reshape(len(grouped), len(names))
        return np.hstack([treatments[:, ungrouped], treatments[:, index] @ membership, treatments[:, index]])

    def _unrelated(self, arms: Sequence[Arm]) -> Floats:
        nodes = [node(arm, self.structure) for arm in arms]
        rows = np.zeros((len(arms), len(self.pairs)))
        for row, name in zip(rows, nodes, strict=True):
            if name != nodes[0]:
                pair, sign = _oriented(name, nodes[0], self.structure)
                row[self.pairs.index(pair)] = sign
        return rows

    def _split(self, arms: Sequence[Arm], rows: Floats) -> None:
        """Set the direct effect between the two treatments of the split, where the study has both arms.

        One of the two, `split_baseline`, keeps its place among the other arms of the study; the other is placed
        against it. The choice matters in studies of more than two arms alone (van Valkenhoef 2016).
        """
        assert self.effects.split
        treatment, comparator = self.effects.split
        baseline = split_baseline(self.effects.split, self.structure)
        other, sign = (treatment, 1.0) if baseline == comparator else (comparator, -1.0)
        bases = [k for k, arm in enumerate(arms) if arm.share(baseline) == 1]
        if bases:
            direct = self.names.index(f"direct[{treatment},{comparator}]")
            for k, arm in enumerate(arms):
                if arm.share(other) == 1:
                    rows[k] = rows[bases[0]]
                    rows[k, direct] = sign

    def effect_rows(self) -> Floats:
        """Rows that give the effect of every regimen against the reference, in every setting.

        Returns
        -------
        array, (1 + settings, regimens, coefficients)
            The first block is ``overall``; covariates are at their centre.

        Raises
        ------
        ValueError
            The effects are unrelated.
        """
        structure, covariates = self.structure, {}
        if self.effects.unrelated:
            raise ValueError("unrelated mean effects belong to pairs, not to treatments")
        if self.effects.covariate:
            covariates = {self.effects.covariate: self.effects.centre}
        blocks = []
        for setting in (OVERALL, *structure.settings):
            weights = {} if setting == OVERALL else {setting: 1}
            arms = [Arm(OVERALL, name, {name: 1}, weights, 1.0, covariates) for name in structure.regimens]
            plain = Predictor(structure, self._without_split(), self.pairs, self.n_cuts).rows(arms)
            blocks.append(self._aligned(plain - plain[structure.reference]))
        return np.stack(blocks)

    def _without_split(self) -> Effects:
        values = {**vars(self.effects), "split": None}
        return Effects(**values)

    def _aligned(self, rows: Floats) -> Floats:
        """Put back the column of the split."""
        if not self.effects.split:
            return rows
        at = self.names.index(f"direct[{','.join(self.effects.split)}]")
        return np.insert(rows, at, 0.0, axis=1)


def split_baseline(pair: tuple[str, str], structure: Structure) -> str:
    """Choose the baseline of a split in multi-arm studies: the reference of the network, otherwise the first by id.

    So the order in which treatments are declared changes nothing; with the reference named, it is what multinma does.
    """
    reference = structure.regimens[structure.reference]
    return min(pair, key=lambda name: (name != reference, name))


def node(arm: Arm, structure: Structure) -> str:
    """Name what an arm received: its regimen, or the regimens that it mixes."""
    return "+".join(regimen for regimen in structure.regimens if arm.share(regimen) > 0)


def _oriented(name: str, base: str, structure: Structure) -> tuple[tuple[str, str], float]:
    """Orient a pair, the treatment that comes first in the network as comparator, with the sign that this takes."""

    def order(node_name: str) -> list[int]:
        return [structure.regimens.index(part) for part in node_name.split("+")]

    return ((name, base), 1.0) if order(base) < order(name) else ((base, name), -1.0)
