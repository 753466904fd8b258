"""The table of priors of one outcome: prior_fan.csv."""

from collections.abc import Sequence

from secondline.doubt.bias_fan import Declared
from secondline.doubt.prior_fan import COLUMNS, prior_fan_rows
from secondline.inference.settings import FitSettings
from secondline.inference.task import FitTask
from secondline.network.structure import Structure
from secondline.sd_prior import SdPrior
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table


def write_prior_fan(
    evidence: str, fit: FitSettings, summary: SummarySettings, model: str, priors: Sequence[SdPrior], output: str
) -> None:
    """Write prior_fan.csv of one model of a fit.

    Parameters
    ----------
    evidence : path
        Evidence table of the fits.
    priors : sequence
        Of tau, beside the declared one.
    """
    rows = read_table(evidence)
    declared = Declared(
        evidence=rows,
        fit=FitTask.from_rows(rows, fit).fits[model],
        structure=Structure.of(fit.treatments),
        likelihood=fit.likelihood,
        settings=summary,
        overlaps=fit.overlaps,
    )
    write_table(output, list(prior_fan_rows(declared, priors)), COLUMNS)
