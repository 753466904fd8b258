"""Draw all figures of one outcome of one analysis."""

from pathlib import Path

from nma.job import job
from nma.report.plots import plot_outcome

with job(snakemake):
    folder = Path(snakemake.input.evidence).parent
    wildcards, params = snakemake.wildcards, snakemake.params
    models, labels, analysis = params.models, params.labels, wildcards.analysis
    plot_outcome(folder, wildcards.outcome, models, labels, analysis, params.inconsistency)
