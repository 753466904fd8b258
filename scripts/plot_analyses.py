"""Draw the figures of every analysis over its outcomes."""

from pathlib import Path

from nma.job import job
from nma.report.plots import plot_analysis

with job(snakemake):
    params = snakemake.params
    for analysis, pairs in params.pairs.items():
        plot_analysis(Path(params.results) / analysis, params.labels, analysis, params.absolute[analysis], pairs)
