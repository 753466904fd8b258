"""Draw the heat map of SUCRA and the patients of one analysis."""

from pathlib import Path

from nma.job import job
from nma.report.plots import plot_analysis

with job(snakemake):
    tables, params = snakemake.input, snakemake.params
    evidence = Path(tables.patients[0]).parent if tables.patients else None
    folder = Path(tables.ranking).parents[1]
    plot_analysis(folder, params.labels, snakemake.wildcards.analysis, params.populations, evidence)
