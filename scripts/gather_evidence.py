"""Write the global evidence tables."""

from pathlib import Path

from nma.config import read_project
from nma.evidence.gather import gather_evidence
from nma.job import job

with job(snakemake):
    gather_evidence(read_project(Path(snakemake.input.config)), Path(snakemake.output[0]).parent)
