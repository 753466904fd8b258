"""What the choices of a specification mean: the model, the prior of tau, and the contrasts that every study gives.

Studies that may share patients are read together, as a cluster. A cluster under one model is a part; parts that give
the same figures, rows and arms have the same number, so that specifications with the same numbers are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any, Literal

import numpy as np

from secondline.doubt.batch import Piece
from secondline.doubt.factorial import Factorial, Ints
from secondline.doubt.settings import Axis, Level
from secondline.errors import UserError
from secondline.inference.priors import PriorScales
from secondline.inference.settings import AnalysisSettings
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import Arm, is_contrast, rows_with, used_arms, used_rows
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.sd_points import ABSENT
from secondline.sd_prior import SdPrior

Rows = Sequence[Mapping[str, str]]
NOTHING, IMPOSSIBLE = -1, -2
"""Number of parts without contrasts; those that cannot be modelled have `IMPOSSIBLE` and below, one for each reason."""
NO_EVIDENCE = "no study gives evidence"
KEYS = 3
"""Columns of the keys before the parts: design, space, prior of tau."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """A model of the effects and its priors, tau apart; designs with the same coefficients are of one ``space``."""

    effects: Effects
    scales: PriorScales
    predictor: Predictor
    space: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """A cluster of studies as one specification reads it.

    Parameters
    ----------
    rows : sequence of rows
        Of the evidence table.
    overlaps : tuple of Overlap
    bias : Bias, optional
        Taken from its studies.
    arms : tuple of Arm
    network : int
        The same for parts with the same arms in the same rows of the design.
    piece : Piece
        Whitened contrasts; empty of counts.
    """

    rows: Rows
    overlaps: tuple[Overlap, ...]
    bias: Bias | None
    arms: tuple[Arm, ...]
    network: int
    piece: Piece


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The axes of a specification curve, put into terms of a fit.

    Parameters
    ----------
    axes : tuple of Axis
        In the order of the factorial.
    evidence : mapping
        Rows of every study in the declared analysis.
    alternatives : mapping
        Rows of every study by axis and level, for the levels that choose evidence.
    fit : AnalysisSettings
    model : str
        The model of the declared analysis.
    classes : mapping
        Class by component, for levels with classes.
    """

    axes: tuple[Axis, ...]
    evidence: Mapping[str, Rows]
    alternatives: Mapping[tuple[str, str], Mapping[str, Rows]]
    fit: AnalysisSettings
    model: str
    classes: Mapping[str, str]
    parts: list[Part] = field(default_factory=list)
    _numbers: dict[str, dict[Any, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what two axes choose at once."""
        for what in ("model", "structure", "mixed_arms", "settings", "tau", "bias"):
            self._once(what, [a.name for a in self.axes if any(getattr(lv, what) is not None for lv in a.levels)])
        for study in self.studies:
            self._once(study, [self.axes[a].name for a in self._of_study(study)])

    @staticmethod
    def _once(what: str, axes: Sequence[str]) -> None:
        if len(axes) > 1:
            raise UserError(f"axes {' and '.join(axes)} both choose {what}; allowed: one axis for each choice")

    @cached_property
    def studies(self) -> list[str]:
        """Every study that any specification may use."""
        others = [study for by_study in self.alternatives.values() for study in by_study]
        named = [study for axis in self.axes for level in axis.levels for study in level.studies]
        return sorted({*self.evidence, *others, *named})

    @cached_property
    def is_gaussian(self) -> bool:
        """Whether every study gives contrasts or means of arms."""
        rows = [
            row for by_study in [self.evidence, *self.alternatives.values()] for r in by_study.values() for row in r
        ]
        return LIKELIHOODS[self.fit.likelihood].is_gaussian or all(map(is_contrast, used_rows(rows)))

    @cached_property
    def structure(self) -> Structure:
        """What the treatments are made of."""
        return Structure.of(self.fit.treatments)

    @cached_property
    def clusters(self) -> list[tuple[str, ...]]:
        """Studies whose errors any level correlates, together; the others each alone."""
        cluster = {study: {study} for study in self.studies}
        pairs = [pair for axis in self.axes for level in axis.levels for pair in level.overlap or {}]
        for pair in [*pairs, *(overlap.studies for overlap in self.fit.overlaps)]:
            if set(pair) <= set(cluster):
                joined = cluster[pair[0]] | cluster[pair[1]]
                cluster |= dict.fromkeys(joined, joined)
        return sorted({tuple(sorted(members)) for members in cluster.values()})

    def _of_study(self, study: str) -> list[int]:
        """Axes that choose the rows of a study."""
        return [a for a, axis in enumerate(self.axes) if any(study in self._decided(axis, lv) for lv in axis.levels)]

    def _decided(self, axis: Axis, level: Level) -> set[str]:
        return {*level.studies, *self.alternatives.get((axis.name, level.name), {})}

    def _rows(self, study: str, chosen: Mapping[int, Level]) -> Rows:
        """Rows of a study that are used, given the levels of the axes by their place."""
        for a, level in chosen.items():
            if study in self._decided(self.axes[a], level):
                return used_rows(self.alternatives.get((self.axes[a].name, level.name), {}).get(study, []))
        return used_rows(self.evidence.get(study, []))

    @cached_property
    def _model_axes(self) -> list[int]:
        keys = ("model", "structure", "mixed_arms", "settings")
        return [a for a, x in enumerate(self.axes) if any(getattr(lv, k) is not None for lv in x.levels for k in keys)]

    @cached_property
    def designs(self) -> tuple[list[Design], Ints]:
        """List distinct designs, and the design by levels of the axes that choose the model."""
        sizes = [len(self.axes[a].levels) for a in self._model_axes]
        table, found, known, spaces = np.zeros(sizes, np.int64), list[Design](), dict[str, int](), dict[Any, int]()
        for at in product(*map(range, sizes)):
            levels = [self.axes[a].levels[k] for a, k in zip(self._model_axes, at, strict=True)]
            effects, scales = self._model(levels)
            key = repr((effects, scales))
            if key not in known:
                known[key] = len(found)
                predictor = Predictor.build(self.structure, effects, [])
                prior = scales.coefficients(predictor, scales.omega.size)
                space = (tuple(predictor.columns), prior.tobytes(), predictor.effect_rows().tobytes())
                number = spaces.setdefault(space, len(spaces))
                found.append(Design(effects=effects, scales=scales, predictor=predictor, space=number))
            table[at] = known[key]
        return found, table

    def _model(self, levels: Sequence[Level]) -> tuple[Effects, PriorScales]:
        """Change the declared model by the levels of the axes that choose it."""
        name = next((level.model for level in levels if level.model is not None), self.model)
        base = self.fit.models[name]
        effects, scales = base.effects, replace(base.prior, tau=ABSENT)
        for level in levels:
            if level.settings is not None:
                effects = replace(effects, settings=level.settings and bool(self.structure.settings))
            if level.mixed_arms is not None:
                effects = replace(effects, mixed_arms=level.mixed_arms)
            if level.structure is not None:
                effects, scales = self._structured(effects, scales, level, base.effects.interactions)
        departs = effects.settings or bool(effects.classes)
        return effects, replace(scales, omega=self._omega if departs else ABSENT)

    def _structured(
        self, effects: Effects, scales: PriorScales, level: Level, declared: tuple[tuple[str, str], ...]
    ) -> tuple[Effects, PriorScales]:
        component, sd = level.interaction or (None, 0.0)
        changed = replace(
            effects,
            classes=self.classes if level.structure == "classes" else {},
            interactions=declared if level.structure == "additive" else (),
            varying=component if level.structure == "exchangeable_interactions" else None,
            regimen_level=level.structure == "regimen_level",
        )
        return changed, replace(scales, interaction=sd if changed.varying else 0.0)

    @cached_property
    def _omega(self) -> SdPrior:
        """Prior of omega: that of the declared model, otherwise that of another model of the fit."""
        scales = [self.fit.models[self.model].prior.omega, *(m.prior.omega for m in self.fit.models.values())]
        found = [scale for scale in scales if scale]
        if not found:
            raise UserError("a level lets effects differ by setting or class, and no model has a prior of omega")
        return found[0]

    @cached_property
    def taus(self) -> tuple[list[SdPrior], Ints, int | None]:
        """List distinct priors of tau, the prior by level of the axis that chooses it, and that axis."""
        declared = self.fit.models[self.model].prior.tau
        for a, axis in enumerate(self.axes):
            if any(level.tau is not None for level in axis.levels):
                priors = [declared if level.tau is None else level.tau for level in axis.levels]
                distinct = list(dict.fromkeys(priors))
                return distinct, np.array([distinct.index(prior) for prior in priors]), a
        return [declared], np.zeros(1, np.int64), None

    def keys(self, factorial: Factorial) -> Ints:
        """Say what every combination of levels comes to, (combinations, 3 + clusters).

        Returns
        -------
        array of int
            Design, its space, prior of tau, and the part of every cluster by its number: `NOTHING` where no study of a
            cluster is used, `IMPOSSIBLE` or less where its contrasts cannot be modelled. Combinations with the same
            numbers but for the first are the same specification.
        """
        levels, n = factorial.levels, len(factorial.levels)
        designs, table = self.designs
        design = np.broadcast_to(table[tuple(levels[:, a] for a in self._model_axes)], n)
        _, of_tau, axis = self.taus
        tau = np.zeros(n, np.int64) if axis is None else of_tau[levels[:, axis]]
        space = np.array([d.space for d in designs])[design]
        result = np.stack([design, space, tau, *(np.full(n, NOTHING) for _ in self.clusters)], axis=1)
        for k, cluster in enumerate(self.clusters):
            axes = self._axes_of(cluster)
            sizes = [len(self.axes[a].levels) for a in axes]
            for d in np.unique(design):
                here = design == d
                numbers = np.zeros(sizes, np.int64)
                for at in product(*map(range, sizes)):
                    chosen = {a: self.axes[a].levels[level] for a, level in zip(axes, at, strict=True)}
                    numbers[at] = self._part(designs[d], cluster, chosen)
                result[here, KEYS + k] = numbers[tuple(levels[here, a] for a in axes)]
        return result

    def why_invalid(self, keys: Ints) -> dict[str, int]:
        """Say why combinations are no specifications, and how many by reason, the commonest first.

        Of those with several reasons one counts.
        """
        parts = keys[:, KEYS:]
        worst = parts.min(axis=1, initial=NOTHING)
        found = {NO_EVIDENCE: int(((parts == NOTHING).all(axis=1)).sum())}
        found |= {
            reason: int((worst == IMPOSSIBLE - k).sum()) for (reason,), k in self._numbers.get("problem", {}).items()
        }
        return {reason: n for reason, n in sorted(found.items(), key=lambda each: (-each[1], each[0])) if n}

    def _axes_of(self, cluster: Sequence[str]) -> list[int]:
        """Axes on which the contrasts of a cluster depend."""
        found = {a for study in cluster for a in self._of_study(study)}
        for a, axis in enumerate(self.axes):
            for level in axis.levels:
                pairs = [pair for pair in level.overlap or {} if set(pair) <= set(cluster)]
                biased = [study for study, *_ in (level.bias.contrasts if level.bias else ()) if study in cluster]
                found |= {a} if pairs or biased else set()
        return sorted(found)

    def _part(self, design: Design, cluster: Sequence[str], chosen: Mapping[int, Level]) -> int:
        """Give the number of the part of a cluster."""
        rows = [row for study in cluster for row in rows_with(self._rows(study, chosen), design.effects.needs)]
        if not rows:
            return NOTHING
        taken = next((level.bias for level in chosen.values() if level.bias), self.fit.bias)
        bias = taken.of(cluster) if taken else None
        overlaps = self._overlaps(chosen, cluster)
        try:
            data = network_data(rows, self.structure, self.fit.likelihood, design.effects, overlaps, bias)
        except UserError as error:
            return IMPOSSIBLE - self._number("problem", str(error))
        gaussian, arms = data.gaussian, tuple(used_arms(rows))
        network = self._number("network", design.space, design.predictor.rows(arms).tobytes(), repr(arms))
        piece = Piece(y=gaussian.y, rows=gaussian.rows, scales=gaussian.scales)
        content: list[object] = [gaussian.y.tobytes(), gaussian.rows.tobytes(), gaussian.scales.tobytes()]
        if not self.is_gaussian:
            content = [repr([sorted(row.items()) for row in rows]), repr(overlaps), repr(bias)]
        number = self._number("part", network, *content)
        if number == len(self.parts):
            self.parts.append(Part(rows=rows, overlaps=overlaps, bias=bias, arms=arms, network=network, piece=piece))
        return number

    def _overlaps(self, chosen: Mapping[int, Level], cluster: Sequence[str]) -> tuple[Overlap, ...]:
        """Patients whom studies of a cluster share: as the levels say, otherwise as in the declared analysis."""
        given = [level.overlap for level in chosen.values() if level.overlap is not None]
        if not given:
            return tuple(each for each in self.fit.overlaps if set(each.studies) <= set(cluster))
        correlations = {pair: rho for overlap in given for pair, rho in overlap.items() if set(pair) <= set(cluster)}
        return tuple(Overlap(studies=pair, correlation=rho) for pair, rho in sorted(correlations.items()) if rho)

    def _number(self, kind: Literal["network", "part", "problem"], *key: object) -> int:
        """Give what is new the next number of its kind, from 0."""
        known = self._numbers.setdefault(kind, {})
        return known.setdefault(key, len(known))
