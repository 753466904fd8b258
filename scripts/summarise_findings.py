"""Summarise the findings of one outcome with their certainty, from tables alone."""

from secondline.certainty.findings import summarise_findings
from secondline.jobs.script import job

with job(snakemake):
    files = {name: str(file) for name, file in snakemake.input.items()}
    summarise_findings(files, snakemake.params.model, snakemake.output[0])
