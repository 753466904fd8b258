"""Draw how far the answer of one outcome can be trusted."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_doubt import plot_doubt

with job(snakemake):
    folder = Path(snakemake.output[0]).parents[2]
    (labels,) = snakemake.params.labels
    (facts,) = snakemake.params.facts
    plot_doubt(folder, snakemake.params.outcome, labels, snakemake.params.analysis, facts)
