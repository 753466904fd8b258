"""Verify the figures of the sheets against the papers."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.project.read import read_project
from secondline.sources.verify import write_verdicts

with job(snakemake) as say:
    write_verdicts(read_project(Path(snakemake.params.config)), Path(snakemake.output[0]), say)
