"""Write the evidence table of one fit."""

from pathlib import Path

from nma.config import read_project
from nma.job import job
from nma.plan import evidence_csv
from nma.tables import write_text

with job(snakemake):
    project = read_project(Path(snakemake.params.config))
    wildcards = snakemake.wildcards
    write_text(snakemake.output[0], evidence_csv(project, wildcards.analysis, wildcards.outcome))
