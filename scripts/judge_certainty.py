"""Judge the certainty of every comparison of one outcome from the tables of a run."""

from secondline.certainty.job import judge_certainty
from secondline.jobs.script import job

with job(snakemake):
    files = {name: str(file) for name, file in snakemake.input.items() if file}
    judge_certainty(files, *snakemake.params.settings, snakemake.params.model, snakemake.output[0])
