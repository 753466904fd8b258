"""List what may decide the answers of the analysis that the others vary, in numbers and in sentences."""

from pathlib import Path

from secondline.certainty.decisive import COLUMNS, decisive_rows
from secondline.jobs.script import job
from secondline.report.decisive import in_sentences
from secondline.tables import write_table

with job(snakemake):
    results, shared = Path(snakemake.params.results), Path(snakemake.params.shared)
    (settings,), (labels,), (words,) = snakemake.params.settings, snakemake.params.labels, snakemake.params.words
    rows = decisive_rows(results, shared, settings)
    write_table(snakemake.output[0], in_sentences(rows, results / settings.analysis, shared, labels, words), COLUMNS)
