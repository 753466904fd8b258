"""List what the effects of one outcome are derived from, and how far they move over it."""

from pathlib import Path

from secondline.evidence.spread import DERIVATION_COLUMNS, derivation_rows
from secondline.jobs.script import job
from secondline.project.read import read_project
from secondline.tables import write_table

with job(snakemake):
    rows = derivation_rows(read_project(Path(snakemake.params.config)), [snakemake.wildcards.outcome])
    write_table(snakemake.output[0], rows, DERIVATION_COLUMNS)
