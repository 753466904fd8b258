"""Write report.html of one analysis."""

from pathlib import Path

from nma.job import job
from nma.report.report import write_report

with job(snakemake):
    output = Path(snakemake.output[0])
    write_report(output.parents[1], snakemake.params.settings, output)
