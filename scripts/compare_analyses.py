"""Lay the same contrasts side by side across all analyses."""

from pathlib import Path

from secondline.jobs.script import job
from secondline.summaries.sensitivity import compare_analyses

with job(snakemake):
    fits = [tuple(fit) for fit in snakemake.params.fits]
    left_out, solved = list(snakemake.input.left_out), list(snakemake.input.solved)
    results, models = Path(snakemake.params.results), snakemake.params.models
    overlaps = {(analysis, outcome): found for analysis, outcome, found in snakemake.params.overlaps}
    biases = {(analysis, outcome): found for analysis, outcome, found in snakemake.params.biases}
    compare_analyses(results, fits, models, left_out, snakemake.output[0], solved, overlaps, biases)
