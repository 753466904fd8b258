"""The tables of bias of one outcome: bias_fan.csv, bias_tipping.csv and e_values.csv."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondline.doubt import bias_fan, e_values, tipping
from secondline.doubt.bias_fan import Declared
from secondline.doubt.settings import BiasScheme, BiasSettings
from secondline.inference.settings import FitSettings
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of bias_fan.csv and of bias_tipping.csv."""

    fan: list[Row]
    tipping: list[Row]


def write_bias(
    evidence: str, fit: FitSettings, summary: SummarySettings, model: str, bias: BiasSettings, outputs: Sequence[str]
) -> None:
    """Write bias_fan.csv, bias_tipping.csv and e_values.csv of one model of a fit.

    Parameters
    ----------
    evidence : path
        Evidence table of the fits.
    model : str
    outputs : sequence of paths
    """
    rows = read_table(evidence)
    declared = Declared.of(rows, fit, summary, model)
    found = bias_tables(declared, bias.schemes)
    data = declared.fit.data
    of_studies = e_values.e_value_rows(rows, data, fit.likelihood, summary.measure, bias.common_outcome)
    write_table(outputs[0], found.fan, bias_fan.COLUMNS)
    write_table(outputs[1], found.tipping, tipping.COLUMNS)
    write_table(outputs[2], list(of_studies), e_values.COLUMNS)


def bias_tables(declared: Declared, schemes: Sequence[BiasScheme]) -> Tables:
    """Follow every scheme over its grid, and find where the decision changes."""
    fan: list[Row] = []
    points: list[Row] = []
    earlier: Mapping[object, str] = {}
    for scheme in schemes:
        touched = frozenset(scheme.contrasts)
        fan += bias_fan.fan_rows(declared, scheme)
        points += tipping.tipping_rows(declared, scheme, earlier.get(touched, ""))
        earlier = {touched: scheme.name, **earlier}
    return Tables(fan=fan, tipping=points)
