"""Draw the figures of one analysis over its outcomes."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_all import plot_analysis

with job(snakemake):
    params = snakemake.params
    folder = Path(snakemake.input[0]).parent.parent
    (labels,) = params.labels
    behind = {Path(file).parents[1].name: file for file in snakemake.input.behind}
    plot_analysis(folder, labels, params.analysis, params.absolute, params.pairs, behind, params.formats)
