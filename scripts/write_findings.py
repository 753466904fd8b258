"""Write the summary of findings of an analysis for Word."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.export.write import write_findings
from secondline.report.page.page import Sources

with job(snakemake):
    (settings,) = snakemake.params.settings
    document, evidence = Path(snakemake.output[0]), Path(snakemake.input.risk_of_bias).parent
    write_findings(Sources(document.parent, evidence, Path()), settings, document)
