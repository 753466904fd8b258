"""The effects of every treatment against the regimen of a declared baseline, and what their rows have in common."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondline.cell_values import EXPONENTIAL, EXTRAPOLATED, PRIOR_DRIVEN, REFERENCE
from secondline.cells import baseline_cell
from secondline.network.arms import Arm
from secondline.network.graph import received
from secondline.network.structure import Structure
from secondline.summaries.posterior import Posterior
from secondline.summaries.relative_effects import INTERVAL, blocks
from secondline.summaries.settings import BaselineSettings, SummarySettings
from secondline.summaries.with_baseline import WithBaseline

WITHHELD = {
    EXTRAPOLATED: "extrapolated: the effect against the regimen of the baseline comes from other settings",
    PRIOR_DRIVEN: "prior-driven: the data do not say what the effect against the regimen of the baseline is",
}


@dataclass(frozen=True)
class AtBaseline:
    """One treatment in a setting with a declared baseline."""

    baseline: BaselineSettings
    setting: str
    treatment: str
    effect: WithBaseline
    """Its effect against the regimen of the baseline, link scale, with the baseline."""
    evidence: str
    """Label of that effect: ``reference`` for the regimen itself, ``prior_driven`` where no arm received that."""
    engine: str
    converged: bool

    def row(self, *, exponential: bool) -> dict[str, Any]:
        """Give the cells that every table of absolute outcomes has; ``reason`` says why figures are withheld.

        Parameters
        ----------
        exponential : bool
            Whether what is computed assumes a constant hazard.
        """
        return {
            "setting": self.setting,
            "treatment": self.treatment,
            "evidence": self.evidence,
            "reason": WITHHELD.get(self.evidence, ""),
            "baseline": baseline_cell(self.baseline.regimen, self.baseline.figure),
            "source": self.baseline.source,
            "assumptions": "; ".join([*([EXPONENTIAL] if exponential else []), *self.baseline.assumed]),
            "interval": INTERVAL,
            "engine": self.engine,
            "converged": self.converged,
        }


def at_baselines(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: SummarySettings,
    relative: Sequence[Mapping[str, Any]],
) -> Iterator[AtBaseline]:
    """Take every treatment of the network in every setting with a declared baseline, in their order.

    Parameters
    ----------
    relative : rows
        relative_effects.csv of the fit, for the labels of the evidence.
    """
    labels = {(row["setting"], row["treatment"], row["comparator"]): row["evidence"] for row in relative}
    for setting, s in blocks(structure).items():
        baseline = settings.baselines.get(setting)
        if baseline is None:
            continue
        c = structure.regimens.index(baseline.regimen)
        for treatment in received(arms, structure.regimens):
            label = labels.get((setting, treatment, baseline.regimen), PRIOR_DRIVEN)
            row = posterior.difference(s, structure.regimens.index(treatment), c)
            yield AtBaseline(
                baseline=baseline,
                setting=setting,
                treatment=treatment,
                effect=WithBaseline(posterior.joint.of(row[None]), baseline),
                evidence=REFERENCE if treatment == baseline.regimen else label,
                engine=posterior.engine,
                converged=posterior.converged,
            )
