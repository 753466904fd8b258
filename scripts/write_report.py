"""Write report.html of one analysis."""

from pathlib import Path

from nma.job import job
from nma.report.report import write_report

with job(snakemake):
    write_report(Path(snakemake.params.results), snakemake.params.settings, Path(snakemake.output[0]))
