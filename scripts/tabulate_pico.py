"""Select the effects that the questions of an assessment ask for."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.summaries.pico import tabulate_pico

with job(snakemake):
    tabulate_pico(Path(snakemake.params.folder), *snakemake.params.settings, snakemake.output[0])
