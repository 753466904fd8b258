"""Write the evidence table of one fit."""

from pathlib import Path

from secondline.evidence.selection import evidence_csv
from secondline.jobs.script import job
from secondline.project.read import read_project
from secondline.tables import write_text

with job(snakemake):
    project = read_project(Path(snakemake.params.config))
    wildcards = snakemake.wildcards
    write_text(snakemake.output[0], evidence_csv(project, wildcards.analysis, wildcards.outcome))
