"""A network with the model that was fitted to it, and how its treatments are compared."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from secondline.api.model import Model, Priors, usual_measure
from secondline.api.network import Network
from secondline.errors import UserError
from secondline.inference.fitted import Fitted
from secondline.measures import MEASURES
from secondline.network.class_sds import SHARED
from secondline.sd_prior import is_number
from secondline.summaries.settings import ComparisonSettings

Row = Mapping[str, Any]
_DIRECTIONS = ("lower", "higher")


class FittedNetwork:
    """A fitted network: what every verb of a result needs.

    Attributes
    ----------
    network : Network
    model : Model
    priors : Priors
    engine : {"exact", "nuts"}
    """

    def __init__(
        self,
        network: Network,
        model: Model,
        priors: Priors,
        engine: str,
        evidence: Sequence[Mapping[str, str]],
        fitted: Fitted,
    ) -> None:
        self.network, self.model, self.priors, self.engine = network, model, priors, engine
        self._fitted, self._evidence = fitted, evidence

    @property
    def converged(self) -> bool:
        """Whether the draws can be relied on."""
        return self._fitted.attempt.converged

    @property
    def measure(self) -> str:
        """Effect measure: that of the network, or that which the likelihood estimates."""
        return self.network.measure or usual_measure(self.model.arms)

    @property
    def is_ratio(self) -> bool:
        """Whether estimates are ratios, and their logarithms the effects."""
        return MEASURES[self.measure].is_ratio

    def _check_one_of_each_sd(self, verb: str) -> None:
        """Refuse what departs from a fit by one tau and one omega where groups of studies or classes have their own."""
        if self.model.unequal:
            problem = "this is computed for models with one tau, or none; fit the network without Unequal for it"
            raise UserError(problem, f"Result.{verb}", key="heterogeneity", value=str(self.model.unequal))
        if self.model.has_own_class_sds:
            problem = (
                f"this is computed for models with one omega, or none; fit the network with class_sd {SHARED} for it"
            )
            raise UserError(problem, f"Result.{verb}", key="class_sd", value=self.model.class_sd)

    def _direction(self, better: str | None) -> str:
        direction = better or self.network.better
        if direction not in _DIRECTIONS:
            problem = f"which direction is better for the patient? allowed: {', '.join(_DIRECTIONS)}"
            raise UserError(problem, "Result", key="better", value=direction)
        return direction

    def _check_margin(self, margin: float | None, better: str | None) -> None:
        """Check a margin as that of a configuration: a ratio above 0, on the side of no effect that is better."""
        none = MEASURES[self.measure].none
        if margin is None:
            return
        if not is_number(margin) or (self.is_ratio and margin <= 0):
            problem = "a ratio; allowed: a number above 0" if self.is_ratio else "allowed: a number"
            raise UserError(problem, "Result", key="margin", value=margin)
        if better in _DIRECTIONS and (margin == none or (margin < none) != (better == "lower")):
            side = "below" if better == "lower" else "above"
            problem = f"with better: {better} the margin lies {side} {none}"
            raise UserError(problem, "Result", key="margin", value=margin)

    def _settings(self, better: str, margin: float | None) -> ComparisonSettings:
        """Resolve the settings of the summaries, as the jobs of the pipeline do."""
        none = 1.0 if self.is_ratio else 0.0
        return ComparisonSettings(
            measure=self.measure,
            ratio=self.is_ratio,
            better=self._direction(better),
            margin=none if margin is None else margin,
            reference=self.network.reference,
            not_candidates=self.network.not_candidates,
        )


def table(rows: Sequence[Row], columns: Sequence[str]) -> pd.DataFrame:
    """Put rows into a data frame; whole numbers stay whole where some are missing."""
    return pd.DataFrame({column: _column([row.get(column) for row in rows]) for column in columns})


def _column(values: Sequence[Any]) -> Any:
    there = [value for value in values if value is not None]
    whole = there and all(isinstance(value, int) and not isinstance(value, bool) for value in there)
    return pd.array(values, dtype="Int64") if whole and len(there) < len(values) else values
