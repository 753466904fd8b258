"""List the printed figures of one outcome that an analysis does not use."""

from pathlib import Path

from secondline.evidence.held_out import unused_csv
from secondline.jobs.script import job
from secondline.project.read import read_project
from secondline.tables import write_text

with job(snakemake):
    project = read_project(Path(snakemake.params.config))
    write_text(snakemake.output[0], unused_csv(project, snakemake.params.analysis, snakemake.wildcards.outcome))
