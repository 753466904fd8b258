"""Draw the patients of the studies of every analysis."""

from pathlib import Path

from nma.job import job
from nma.report.plots import plot_populations

with job(snakemake):
    results, evidence = Path(snakemake.output[0]).parents[2], Path(snakemake.input[0]).parent
    plot_populations(results, evidence, snakemake.params.labels, snakemake.params.populations)
