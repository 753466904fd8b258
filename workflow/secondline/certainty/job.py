"""The job that judges: from the tables of a run to certainty.csv."""

from collections.abc import Mapping

from secondline.certainty.inputs import (
    Inputs,
    compared_pairs,
    design_p_value,
    effects_by_names,
    read_draws,
    shares_in_flows,
    shares_in_posterior,
    splits_by_pair,
)
from secondline.certainty.judge import certainty_rows
from secondline.certainty.judgements import COLUMNS
from secondline.certainty.settings import REGRESSION, CertaintySettings
from secondline.tables import read_table, write_table


def judge_certainty(files: Mapping[str, str], settings: CertaintySettings, model: str, output: str) -> None:
    """Judge the certainty of every comparison of one outcome and write certainty.csv.

    Parameters
    ----------
    files : mapping
        ``contributions``, ``effects`` (relative_effects.csv of the model), ``draws``, ``edges`` and ``heterogeneity``
        (of the frequentist analysis); ``splits``, node_splits.csv, if there is one; and ``flows`` where the studies are
        weighed by them.
    settings : CertaintySettings
    model : str
        The model whose effects are judged.

    Raises
    ------
    UserError
        The studies are weighed by flows, and the network has none.
    """
    weighed = shares_in_posterior(read_table(files["contributions"]), model)
    if settings.contributions != REGRESSION:
        weighed = shares_in_flows(read_table(files["flows"]), settings.contributions, weighed)
    p_design, tested = design_p_value(read_table(files["heterogeneity"]))
    inputs = Inputs(
        effects=effects_by_names(read_table(files["effects"])),
        weighed=weighed,
        splits=splits_by_pair(read_table(files["splits"])) if "splits" in files else {},
        is_split="splits" in files,
        compared=compared_pairs(read_table(files["edges"])),
        p_design=p_design,
        tested_by_design=tested,
        draws=read_draws(files["draws"]),
    )
    write_table(output, certainty_rows(inputs, settings), COLUMNS)
