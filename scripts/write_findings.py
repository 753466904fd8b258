"""Write the summary of findings of an analysis for Word."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.report.export.write import write_findings

with job(snakemake):
    (settings,) = snakemake.params.settings
    document = Path(snakemake.output[0])
    write_findings(document.parent, settings, document)
