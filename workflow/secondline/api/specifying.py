"""The choices of a specification curve in a notebook's terms: priors, models, studies left out, other figures."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral

import pandas as pd

from secondline.api.assembly import model_settings
from secondline.api.fitted_network import table
from secondline.api.model import Model, Priors
from secondline.api.network import Network
from secondline.api.sd_priors import checked_priors
from secondline.doubt import specification_tables as tables
from secondline.doubt.curve import Curve, specification_curve
from secondline.doubt.settings import MOST_COUNTS, MOST_GAUSSIAN, Axis, Level, SpecificationSettings
from secondline.errors import UserError
from secondline.inference.settings import AnalysisSettings
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import used_arms
from secondline.sd_points import ABSENT
from secondline.sd_prior import SdPrior
from secondline.summaries.settings import ComparisonSettings

KINDS = ("specifications", "levels", "shares", "flips", "counts")
"""Tables of a specification curve."""
DECLARED, LEFT_OUT, ALL_STUDIES, NO_TAU = "declared", "left_out", "all_studies", "none"
"""Names of levels."""
_TAU, _MODEL = "tau", "model"
_WHERE = "Result.specifications"
_TABLES = {
    "levels": (tables.level_rows, tables.LEVEL_COLUMNS),
    "shares": (tables.share_rows, tables.SHARE_COLUMNS),
    "flips": (tables.flip_rows, tables.FLIP_COLUMNS),
    "counts": (tables.count_rows, tables.COUNT_COLUMNS),
}
Row = Mapping[str, str]
Figures = Mapping[str, Mapping[str, Network]]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The analysis from which the others depart."""

    network: Network
    model: Model
    priors: Priors
    evidence: Sequence[Row]
    summary: ComparisonSettings


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What could have been chosen otherwise.

    Parameters
    ----------
    tau : sequence of priors or None
        Priors of tau; None is a common effect.
    left_out : tuple of str
        Studies.
    figures : mapping
        Networks with other figures of a study, by study and by name of the choice.
    models : mapping
        Models by name.
    """

    tau: Sequence[SdPrior | None] = ()
    left_out: Sequence[str] = ()
    figures: Figures
    models: Mapping[str, Model]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A specification curve that a user asks for; equal ones have equal curves."""

    evidence: Sequence[Row]
    alternatives: Sequence[Row]
    fit: AnalysisSettings
    summary: ComparisonSettings
    settings: SpecificationSettings

    @classmethod
    def of(cls, declared: Declared, choices: Choices, limit: int | None) -> "Asked":
        """Cross the choices of a user.

        Raises
        ------
        UserError
            No choice at all, or one that does not go with the network.
        """
        _check_names(declared.network, choices)
        axes = (*_of_studies(choices), _of_left_out(choices), _of_tau(declared, choices), _of_models(declared, choices))
        crossed = tuple(axis for axis in axes if len(axis.levels) > 1)
        if not crossed:
            problem = "there is no choice but the declared one; allowed: others of tau, left_out, figures or models"
            raise UserError(problem, _WHERE)
        network, likelihood = declared.network, declared.model.arms
        models = {DECLARED: declared.model, **choices.models}
        fit = AnalysisSettings(
            likelihood=likelihood.name,
            treatments=network.structure.treatments,
            models={
                name: model_settings(network, model, declared.priors, declared.evidence)
                for name, model in models.items()
            },
            overlaps=network.overlaps,
            bias=network.bias.of(declared.evidence) if network.bias else None,
        )
        most = MOST_GAUSSIAN if likelihood.is_gaussian else MOST_COUNTS
        return cls(
            evidence=declared.evidence,
            alternatives=list(_other_rows(declared, choices.figures)),
            fit=fit,
            summary=declared.summary,
            settings=SpecificationSettings(axes=crossed, limit=most if limit is None else _whole("limit", limit)),
        )

    def curve(self, cores: int | None) -> Curve:
        """Compute the curve; by default in one process for counts, and otherwise with a thread for every processor."""
        at_once = None if cores is None else _whole("cores", cores)
        if cores is None and not LIKELIHOODS[self.fit.likelihood].is_gaussian:
            at_once = 1
        return specification_curve(
            self.evidence, self.alternatives, self.fit, self.summary, DECLARED, self.settings, at_once
        )


def frame_of(curve: Curve, kind: str) -> pd.DataFrame:
    """Give one of the tables of a curve as a data frame."""
    if kind in _TABLES:
        rows_of, shown = _TABLES[kind]
        return table(rows_of(curve), shown)
    columns, *rows = csv.reader(tables.specifications_csv(curve))
    cells = zip(*rows, strict=True)
    return pd.DataFrame({name: list(map(_CELLS.get(name, str), own)) for name, own in zip(columns, cells, strict=True)})


def _number(cell: str) -> float:
    return float(cell or "nan")


def _truth(cell: str) -> bool:
    return cell == "true"


_CELLS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys((*tables.NUMBERS, "weight", "error"), _number),
    **dict.fromkeys(("specification", "placed"), int),
    **dict.fromkeys(("declared", "named"), _truth),
}
"""How cells of specifications.csv.gz are read, by column; the others are words."""


def check_kind(kind: str) -> None:
    """Check that a curve has a table.

    Raises
    ------
    UserError
        It has not.
    """
    if kind not in KINDS:
        raise UserError(f"allowed: {', '.join(KINDS)}", _WHERE, key="kind", value=kind)


def _whole(key: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise UserError("allowed: a whole number, 1 or more", _WHERE, key=key, value=value)
    return int(value)


def _check_names(network: Network, choices: Choices) -> None:
    """Check that studies are there, and that nothing that a user names has the name of something else."""
    for key, studies in (("left_out", choices.left_out), ("figures", choices.figures)):
        for name in studies:
            if name not in network.studies:
                raise UserError(f"allowed: {', '.join(network.studies)}", _WHERE, key=key, value=name)
            if key == "figures" and name in (_TAU, _MODEL, LEFT_OUT):
                raise UserError("another axis has this name; rename the study", _WHERE, key=key, value=name)
    for key, names, taken in (
        ("figures", [name for others in choices.figures.values() for name in others], (DECLARED, LEFT_OUT)),
        ("models", list(choices.models), (DECLARED,)),
    ):
        for name in names:
            if not isinstance(name, str) or not name or name in taken:
                raise UserError(f"allowed: a name other than {', '.join(taken)}", _WHERE, key=key, value=name)


def _of_studies(choices: Choices) -> Iterator[Axis]:
    """Make an axis of every study with other figures: as declared, each of them, and left out if it may be."""
    for study, others in choices.figures.items():
        names = [*others, *([LEFT_OUT] if study in choices.left_out else [])]
        levels = [Level(name=name, label=name.replace("_", " "), studies=(study,)) for name in names]
        yield Axis(name=study, label=study, levels=(_declared(), *levels))


def _of_left_out(choices: Choices) -> Axis:
    """Leave out none of the studies without an axis of their own, and each of them."""
    studies = [study for study in dict.fromkeys(choices.left_out) if study not in choices.figures]
    levels = [Level(name=f"without_{study}", label=f"without {study}", studies=(study,)) for study in studies]
    return Axis(name=LEFT_OUT, label="left out", levels=(_declared(ALL_STUDIES), *levels))


def _of_tau(declared: Declared, choices: Choices) -> Axis:
    """Give tau its own prior, and each of the others."""
    own = declared.priors.tau if declared.model.heterogeneity else None
    checked_priors(choices.tau, _WHERE)
    levels = [Level(name=_prior_name(prior), tau=_tau(prior)) for prior in dict.fromkeys(choices.tau) if prior != own]
    return Axis(name=_TAU, label="τ", levels=(_declared(_prior_name(own)), *levels))


def _of_models(declared: Declared, choices: Choices) -> Axis:
    """Take the model of the fit, and each of the others; tau is there or not, as each has it."""
    own = declared.model
    levels = []
    for name, model in choices.models.items():
        if not isinstance(model, Model):
            problem = f"allowed: a Model of secondline, not {type(model).__name__}"
            raise UserError(problem, _WHERE, key="models", value=name)
        if model.arms != own.arms:
            problem = f"allowed: the likelihood of the fit, {own.likelihood} with {own.link} link"
            raise UserError(problem, _WHERE, key="models", value=name)
        if model.unequal:
            problem = "the specification curve has one tau, or none; fit this model by itself"
            raise UserError(problem, _WHERE, key="models", value=name)
        if model.has_own_class_sds:
            problem = "the specification curve has one omega, or none; fit this model by itself"
            raise UserError(problem, _WHERE, key="models", value=name)
        other = _tau(declared.priors.tau if model.heterogeneity else None)
        tau = other if model.heterogeneity != own.heterogeneity else None
        levels.append(Level(name=name, label=str(model), model=name, tau=tau))
    return Axis(name=_MODEL, label="model", levels=(_declared(), *levels))


def _declared(name: str = DECLARED) -> Level:
    return Level(name=name, label=name.replace("_", " "), declared=True)


def _prior_name(prior: SdPrior | None) -> str:
    return NO_TAU if prior is None else str(prior)


def _tau(prior: SdPrior | None) -> SdPrior:
    return ABSENT if prior is None else prior


def _other_rows(declared: Declared, figures: Figures) -> Iterator[Row]:
    """Rows of every other reading of a study, with its axis and level."""
    network = declared.network
    for study, others in figures.items():
        for name, other in others.items():
            if not isinstance(other, Network) or study not in other.studies:
                problem = f"allowed: a Network of secondline with study {study}"
                raise UserError(problem, _WHERE, key="figures", value=name)
            measure = declared.summary.measure
            if other.measure not in (None, measure):
                raise UserError(f"allowed: {measure}, as of the fit", _WHERE, key="measure", value=other.measure)
            rows = [row for row in other.evidence(declared.model.arms) if row["study"] == study]
            for treatment in (part for arm in used_arms(rows) for part in arm.regimens):
                if treatment not in network.treatments:
                    problem = f"study {study} has a treatment that the network does not have; allowed: "
                    raise UserError(problem + ", ".join(network.treatments), _WHERE, key="figures", value=treatment)
            yield from ({**row, "axis": study, "level": name} for row in rows)
