"""Draw the heat map of SUCRA of one analysis."""

from pathlib import Path

from nma.job import job
from nma.report.plots import plot_analysis

with job(snakemake):
    folder = Path(snakemake.input[0]).parents[1]
    plot_analysis(folder, snakemake.params.labels, snakemake.wildcards.analysis)
