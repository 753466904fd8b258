"""List how many studies and participants stand behind every effect of one outcome, and how much of it is direct."""

from secondline.certainty.behind import write_studies_behind
from secondline.jobs.script import job

with job(snakemake):
    write_studies_behind(snakemake.input.contributions, snakemake.input.evidence, snakemake.output[0])
