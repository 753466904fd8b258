"""List the evidence that one outcome of the analysis under doubt could have used instead."""

from pathlib import Path

from secondline.evidence.alternatives import alternatives_csv
from secondline.jobs.script import job
from secondline.project.read import read_project
from secondline.tables import write_text

with job(snakemake):
    project = read_project(Path(snakemake.params.config))
    write_text(snakemake.output[0], alternatives_csv(project, snakemake.wildcards.outcome))
