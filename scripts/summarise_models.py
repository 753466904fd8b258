"""Write the summary tables of one outcome of one analysis."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.summaries.summarise import summarise_models

with job(snakemake):
    posteriors = dict(zip(snakemake.params.models, snakemake.input.posteriors, strict=True))
    folder = Path(snakemake.input.evidence).parent
    params = snakemake.params
    summarise_models(snakemake.input.evidence, posteriors, *params.settings, folder, params.headline)
