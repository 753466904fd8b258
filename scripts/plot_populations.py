"""Draw the patients of the studies of every analysis."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_all import plot_populations

with job(snakemake):
    results, evidence = Path(snakemake.output[0]).parents[2], Path(snakemake.input[0]).parent
    (labels,) = snakemake.params.labels
    plot_populations(results, evidence, labels, snakemake.params.populations, snakemake.params.formats)
