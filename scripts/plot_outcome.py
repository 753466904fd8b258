"""Draw all figures of one outcome of one analysis."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_all import plot_outcome

with job(snakemake):
    folder = Path(snakemake.input.evidence).parent
    wildcards, params = snakemake.wildcards, snakemake.params
    (labels,) = params.labels
    behind = snakemake.input.get("behind") or None
    plot_outcome(folder, wildcards.outcome, params.models, labels, wildcards.analysis, params.inconsistency, behind)
