"""Draw all figures of one outcome of one analysis."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.figures.draw_all import plot_outcome

with job(snakemake):
    folder = Path(snakemake.input.evidence).parent
    wildcards, params = snakemake.wildcards, snakemake.params
    (labels,) = params.labels
    behind = next(iter(snakemake.input.get("behind", [])), None)  # a list of at most one
    named = params.models, labels, wildcards.analysis
    plot_outcome(folder, wildcards.outcome, *named, params.formats, params.inconsistency, behind)
