"""Write the report of one analysis, and its tables as a workbook and for Word."""

from pathlib import Path

from nma.job import job
from nma.report.report import Sources, write_report
from nma.report.take_away import write_take_away

with job(snakemake):
    output, tables, settings = snakemake.output, snakemake.input, snakemake.params.settings
    evidence = Path(tables.evidence[0]).parent
    sources = Sources(Path(output.page).parent, evidence, Path(tables.sensitivity))
    write_report(sources, settings, Path(output.page))
    write_take_away(sources, settings, Path(output.workbook), Path(output.document))
