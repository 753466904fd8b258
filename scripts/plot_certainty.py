"""Draw how certain the evidence of one outcome is."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_certainty import plot_certainty

with job(snakemake):
    folder, evidence = Path(snakemake.output[0]).parents[2], Path(snakemake.input.risk_of_bias).parent
    (labels,) = snakemake.params.labels
    params = snakemake.params
    plot_certainty(folder, evidence, params.outcome, labels, params.analysis, params.figures)
