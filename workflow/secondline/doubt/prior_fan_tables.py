"""The table of priors of one outcome: prior_fan.csv."""

from collections.abc import Sequence

from secondline.doubt.bias_fan import Declared
from secondline.doubt.prior_fan import COLUMNS, prior_fan_rows
from secondline.inference.settings import FitSettings
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
    declared = Declared.of(read_table(evidence), fit, summary, model)
    write_table(output, list(prior_fan_rows(declared, priors)), COLUMNS)
