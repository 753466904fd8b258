"""The linear predictor: which coefficients a model has, and what each arm contributes to them.

The predictor of an arm is its study's baseline plus a row of coefficients. Every model of the effects is a choice of
columns, so that one compiled model and one exact engine serve all of them:

- component effects: an arm is a mixture of regimens, a regimen a sum of components (Welton 2009, Rücker 2020), and of
  interactions of pairs of components where the model has them;
- exchangeable interactions: the effect of one component varies by regimen around a common effect, with a declared
  standard deviation; 0 is additivity, and a large one leaves the interactions free;
- regimen level: every regimen but the reference has an effect of its own, whatever it is made of;
- departures of every setting from them, exchangeable with standard deviation omega;
- classes: the effect of a component is its class mean plus a departure exchangeable with standard deviation omega,
  which all classes share or every class has for itself (`secondline.network.class_sds`);
- slopes of covariates of the studies, or of their arms (`secondline.network.slopes`), and of the baseline of the study,
  which the model estimates (`secondline.network.baseline_risk`);
- unrelated mean effects: a coefficient for every compared pair (TSD4), against the first arm of each study;
- a split: direct evidence on one comparison with a coefficient of its own (Dias 2010, van Valkenhoef 2016);
- a bias of studies with counts: a coefficient of each, in the direction of its arms (`secondline.network.bias`).

Mixed arms enter by their patients, or by the class contrast (`secondline.network.mixed_arms`).

Two of the models depend, in studies of more than two arms, on which arm is the baseline. Unrelated mean effects take
the first arm that the study gives, or the comparator of its contrasts; a split takes `split_baseline`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import OVERALL
from secondline.network.arms import Arm
from secondline.network.baseline_risk import BASELINE_RISK
from secondline.network.bias import Bias
from secondline.network.class_sds import omega_names
from secondline.network.mixed_arms import CLASS_CONTRAST, PATIENT_WEIGHTS, class_contrast
from secondline.network.slopes import Slopes
from secondline.network.structure import Floats, Structure
from secondline.network.study_groups import StudyGroups

# kinds of coefficients: each has its prior scale
EFFECT, SLOPE, CUT, EXCHANGEABLE, INTERACTION, BIAS = range(6)


@dataclass(frozen=True)
class Effects:
    """The model of the relative effects."""

    settings: bool = False
    classes: Mapping[str, str] = field(default_factory=dict)
    """Class by component, for the components that have one."""
    own_class_sds: bool = False
    """Whether every class has a standard deviation of its own, instead of one that all share."""
    interactions: tuple[tuple[str, str], ...] = ()
    varying: str | None = None
    """Component whose effect varies by regimen around its own: exchangeable interactions."""
    regimen_level: bool = False
    """Whether every regimen has an effect of its own, instead of the sum of its components."""
    mixed_arms: str = PATIENT_WEIGHTS
    """How arms that mix regimens enter: ``patient_weights`` or ``class_contrast``."""
    slopes: tuple[Slopes, ...] = ()
    """How the effects change with covariates."""
    baseline_risk: float | None = None
    """Baseline at which the effects are given, where they change with that of the study; None where they do not."""
    unrelated: bool = False
    split: tuple[str, str] | None = None
    """Treatment and comparator whose direct evidence has a coefficient of its own."""
    groups: StudyGroups | None = None
    """How studies are divided, where their heterogeneity is not the same in all."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Covariates that a study has to give."""
        return tuple(each.covariate for each in self.slopes)

    @property
    def centres(self) -> dict[str, float]:
        """Value of every covariate at which the effects are given."""
        own = {} if self.baseline_risk is None else {BASELINE_RISK: self.baseline_risk}
        return {each.covariate: each.centre for each in self.slopes} | own

    def centred(self, centres: Mapping[str, float]) -> "Effects":
        """Take the same effects at other values of the covariates."""
        baseline = self.baseline_risk if self.baseline_risk is None else centres.get(BASELINE_RISK, self.baseline_risk)
        return replace(self, slopes=tuple(each.centred(centres) for each in self.slopes), baseline_risk=baseline)


@dataclass(frozen=True)
class Predictor:
    """Coefficients of a model, and the rows of its arms."""

    structure: Structure
    effects: Effects
    pairs: tuple[tuple[str, str], ...] = ()
    """Compared pairs, treatment and comparator, where the effects are unrelated."""
    n_cuts: int = 0
    """Cutpoints beyond the first of an ordered outcome: their log distances are the last coefficients."""
    bias: Bias | None = None
    """Bias of studies with counts; each of them has a coefficient where its standard deviation is above 0."""

    @classmethod
    def build(
        cls, structure: Structure, effects: Effects, arms: Sequence[Arm], n_cuts: int = 0, bias: Bias | None = None
    ) -> "Predictor":
        """Choose the coefficients that the arms of a network need."""
        pairs: dict[tuple[str, str], None] = {}
        if effects.unrelated:
            for _, members in groupby(arms, key=lambda arm: arm.study):
                base, *others = [node(arm, structure) for arm in members]
                pairs |= {_oriented(name, base, structure)[0]: None for name in others if name != base}
        return cls(structure, effects, tuple(pairs), n_cuts, bias)

    @cached_property
    def _own(self) -> Structure:
        """What the effects belong to: the treatments, or their regimens as they are."""
        return self.structure.by_regimen if self.effects.regimen_level else self.structure

    @cached_property
    def _holders(self) -> list[str]:
        """Regimens that contain the component whose effect varies."""
        varying, structure = self.effects.varying, self.structure
        return [name for name in structure.regimens if varying and varying in structure.parts(name)]

    @cached_property
    def _biased(self) -> tuple[str, ...]:
        """Studies whose bias is a coefficient."""
        return self.bias.studies if self.bias and self.bias.sd > 0 else ()

    @property
    def _terms(self) -> list[str]:
        """Components and interactions: the columns of a treatment."""
        return [*self._own.components, *("*".join(pair) for pair in self.effects.interactions)]

    @property
    def columns(self) -> list[tuple[str, int]]:
        """Name and kind of every coefficient."""
        effects, terms = self.effects, self._terms
        grouped = [c for c in self._own.components if c in effects.classes]
        if effects.unrelated:
            columns = [(f"d[{t},{c}]", EFFECT) for t, c in self.pairs]
        else:
            columns = [(f"beta[{term}]", EFFECT) for term in terms if term not in grouped]
            columns += [(f"class[{name}]", EFFECT) for name in dict.fromkeys(effects.classes[c] for c in grouped)]
            columns += [(f"departure[{c}]", EXCHANGEABLE) for c in grouped]
        columns += [(f"interaction[{regimen}]", INTERACTION) for regimen in self._holders]
        if effects.settings:
            pairs = [(s, c) for s in self.structure.settings for c in self._own.components]
            columns += [(f"delta[{s},{c}]", EXCHANGEABLE) for s, c in pairs]
        if effects.split:
            columns.append((f"direct[{','.join(effects.split)}]", EFFECT))
        columns += [(name, SLOPE) for each in effects.slopes for name in each.names(self._own.components)]
        if effects.baseline_risk is not None:
            columns.append((f"slope[{BASELINE_RISK}]", SLOPE))
        columns += [(f"bias[{study}]", BIAS) for study in self._biased]
        return columns + [(f"log_distance[{k + 2}]", CUT) for k in range(self.n_cuts)]

    @property
    def names(self) -> list[str]:
        """Names of the coefficients."""
        return [name for name, _ in self.columns]

    @property
    def kinds(self) -> NDArray[np.int64]:
        """Kind of every coefficient: EFFECT, SLOPE, CUT, EXCHANGEABLE, INTERACTION or BIAS."""
        return np.array([kind for _, kind in self.columns], dtype=np.int64)

    @cached_property
    def classes_with_sds(self) -> tuple[str, ...]:
        """Classes with a standard deviation of their own; none where all exchangeable effects share one."""
        effects = self.effects
        if not effects.own_class_sds or effects.unrelated:
            return ()
        return tuple(dict.fromkeys(effects.classes[c] for c in self._own.components if c in effects.classes))

    @property
    def omegas(self) -> tuple[str, ...]:
        """Names of the standard deviations of exchangeable coefficients."""
        return omega_names(self.classes_with_sds)

    @cached_property
    def omega_of(self) -> NDArray[np.int64]:
        """Which of the standard deviations an exchangeable coefficient has, (coefficients,); 0 for the others."""
        found = np.zeros(self.n_coefficients, np.int64)
        for k, (name, kind) in enumerate(self.columns):
            if kind == EXCHANGEABLE and self.classes_with_sds:
                component = name.removeprefix("departure[").removesuffix("]")
                found[k] = self.classes_with_sds.index(self.effects.classes[component])
        return found

    @property
    def baseline_slope(self) -> int | None:
        """Index of the slope on the baseline of the study."""
        return None if self.effects.baseline_risk is None else self.names.index(f"slope[{BASELINE_RISK}]")

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
            members = self.entering(list(group))
            rows[start : start + len(members)] = self._study_rows(members)
            start += len(members)
        return rows

    def entering(self, arms: Sequence[Arm]) -> list[Arm]:
        """List the arms of one study as they enter the model: those that mix regimens with the mix that it gives them.

        Raises
        ------
        UserError
            The class contrast needs a regimen that the treatments do not have.
        """
        return class_contrast(arms, self.structure) if self.effects.mixed_arms == CLASS_CONTRAST else list(arms)

    def _study_rows(self, arms: Sequence[Arm]) -> Floats:
        shares = np.array([arm.regimen_shares(self.structure.regimens) for arm in arms])
        blocks = [self._unrelated(arms)] if self.effects.unrelated else [self._consistent(self._treatments(shares))]
        if self._holders:
            blocks.append(shares[:, [self.structure.regimens.index(name) for name in self._holders]])
        if self.effects.settings:
            weights = np.array([arm.setting_shares(self.structure.settings) for arm in arms])
            components = shares @ self._own.matrix
            blocks.append((weights[:, :, None] * components[:, None, :]).reshape(len(arms), -1))
        if self.effects.split:
            blocks.append(np.zeros((len(arms), 1)))
        blocks += [each.rows(arms, shares, self.structure, self._own) for each in self.effects.slopes]
        if self.effects.baseline_risk is not None:
            blocks.append(np.zeros((len(arms), 1)))  # filled where the baselines are known, see `against_reference`
        blocks += [self._bias(arms), np.zeros((len(arms), self.n_cuts))]
        rows = np.hstack(blocks)
        if self.effects.split:
            self._split(arms, rows)
        return rows

    def _bias(self, arms: Sequence[Arm]) -> Floats:
        """Directions of the bias of one study, in its own column, (arms, biased studies)."""
        rows = np.zeros((len(arms), len(self._biased)))
        if self.bias and arms[0].study in self._biased:
            directions = self.bias.by_arm(arms[0].study, [arm.name for arm in arms])
            rows[:, self._biased.index(arms[0].study)] = directions
        return rows

    def offsets(self, arms: Sequence[Arm]) -> Floats:
        """By how much the mean of a bias moves the linear predictor of every arm of one study, (arms,)."""
        if self.bias is None:
            return np.zeros(len(arms))
        return self.bias.mean * self.bias.by_arm(arms[0].study, [arm.name for arm in arms])

    def _treatments(self, shares: Floats) -> Floats:
        """Components and interactions of mixtures of regimens, (N, terms)."""
        matrix, index = self._own.matrix, {name: k for k, name in enumerate(self._own.components)}
        products = [matrix[:, [index[a]]] * matrix[:, [index[b]]] for a, b in self.effects.interactions]
        return np.asarray(shares @ np.hstack([matrix, *products]))

    def _consistent(self, treatments: Floats) -> Floats:
        """Turn components into ungrouped components, class means and departures."""
        terms, classes = self._terms, self.effects.classes
        grouped = [c for c in self._own.components if c in classes]
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
        structure, covariates = self.structure, self.effects.centres
        if self.effects.unrelated:
            raise ValueError("unrelated mean effects belong to pairs, not to treatments")
        blocks = []
        for setting in (OVERALL, *structure.settings):
            weights = {} if setting == OVERALL else {setting: 1}
            arms = [Arm(OVERALL, name, {name: 1}, weights, 1.0, covariates) for name in structure.regimens]
            plain = replace(self, effects=replace(self.effects, split=None), bias=None).rows(arms)
            blocks.append(self._aligned(plain - plain[structure.reference]))
        return np.stack(blocks)

    @property
    def estimated(self) -> "Predictor":
        """The same model with the columns alone that the data have to estimate, by which estimability is judged.

        Departures of settings and exchangeable interactions are left out, as their priors tie them to the effects that
        are judged; so are cutpoints, which no contrast contains, biases, and the coefficient of a split. A member of a
        class is judged as if it had none.
        """
        effects = replace(self.effects, settings=False, classes={}, varying=None, split=None)
        return Predictor(self.structure, effects, self.pairs)

    def _aligned(self, rows: Floats) -> Floats:
        """Put back the columns of the split and of biases, which are no effects."""
        for at, (name, kind) in enumerate(self.columns):
            if kind == BIAS or name.startswith("direct["):
                rows = np.insert(rows, at, 0.0, axis=1)
        return rows


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
