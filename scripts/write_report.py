"""Write the report of one analysis, and its tables as a workbook and for Word."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.export.write import write_take_away
from secondline.report.page.outcome import Sources
from secondline.report.page.page import write_report

with job(snakemake):
    output, tables = snakemake.output, snakemake.input
    (settings,) = snakemake.params.settings
    evidence = Path(tables.evidence[0]).parent
    sources = Sources(Path(output.page).parent, evidence, Path(tables.sensitivity))
    write_report(sources, settings, Path(output.page))
    write_take_away(sources, settings, Path(output.workbook), Path(output.document))
