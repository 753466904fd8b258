"""Write report.html of one analysis."""

from pathlib import Path

from nma.job import job
from nma.report.report import Sources, write_report

with job(snakemake):
    output, tables = Path(snakemake.output[0]), snakemake.input
    sources = Sources(output.parent, Path(tables.evidence[0]).parent, Path(tables.sensitivity))
    write_report(sources, snakemake.params.settings, output)
