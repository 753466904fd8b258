"""Draw how certain the evidence of one outcome is."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_certainty import plot_certainty

with job(snakemake):
    folder, params = Path(snakemake.output[0]).parents[2], snakemake.params
    (labels,), (judged,) = params.labels, params.judged
    plot_certainty(folder, judged, params.outcome, labels, params.analysis, params.figures)
