"""Draw the figures of one analysis over its outcomes."""

from pathlib import Path

from nma.job import job
from nma.report.plots import plot_analysis

with job(snakemake):
    params = snakemake.params
    folder = Path(snakemake.input[0]).parent.parent
    plot_analysis(folder, params.labels, params.analysis, params.absolute, params.pairs)
