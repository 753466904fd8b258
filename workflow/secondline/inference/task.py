"""What one fit job has to do: evidence, models and priors put together, before anything is sampled or solved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from secondline.inference.priors import PriorScales
from secondline.inference.settings import FitSettings, SamplerPlan
from secondline.network.data import NetworkData, network_data
from secondline.network.structure import Structure
from secondline.tables import read_table


@dataclass(frozen=True)
class Fit:
    """One model of a fit job: its data, seen through its linear predictor, and its priors."""

    data: NetworkData
    scales: PriorScales

    @property
    def free_sds(self) -> list[str]:
        """Which of every tau and omega are estimated: those that the model has and does not fix."""
        taus, omegas = self.data.groups.taus, self.data.predictor.omegas
        return [*(taus if self.scales.tau.is_free else ()), *(omegas if self.scales.omega.is_free else ())]


@dataclass(frozen=True)
class FitTask:
    """What one fit job has to do: the fits by model, and how to sample them."""

    analysis: str
    outcome: str
    structure: Structure
    fits: Mapping[str, Fit]
    sampler: SamplerPlan
    seed: int

    @classmethod
    def read(cls, evidence: str, settings: FitSettings) -> "FitTask":
        """Read an evidence table."""
        return cls.from_rows(read_table(evidence), settings)

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, str]], settings: FitSettings) -> "FitTask":
        """Assemble the data of evidence rows."""
        structure = Structure.of(settings.treatments)
        fits = {
            name: Fit(
                network_data(rows, structure, settings.likelihood, model.effects, settings.overlaps, settings.bias),
                model.prior,
            )
            for name, model in settings.models.items()
        }
        return cls(settings.analysis, settings.outcome, structure, fits, settings.sampler, settings.seed)

    @property
    def size(self) -> int:
        """Largest number of coefficients of the models: they share one compilation."""
        return max(fit.data.n_coefficients for fit in self.fits.values())
