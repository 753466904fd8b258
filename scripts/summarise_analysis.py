"""Write the summary of one analysis over its outcomes and models."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.summaries.analysis import summarise_analysis

with job(snakemake):
    folder = Path(snakemake.output[0]).parents[1]
    params = snakemake.params
    summarise_analysis(folder, params.outcomes, params.models, params.headline, params.pairs, params.treatments)
