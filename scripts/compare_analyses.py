"""Lay the same contrasts side by side across all analyses."""

from pathlib import Path

from nma.job import job
from nma.summaries.sensitivity import compare_analyses

with job(snakemake):
    fits = [tuple(fit) for fit in snakemake.params.fits]
    left_out = list(snakemake.input.left_out)
    compare_analyses(Path(snakemake.params.results), fits, snakemake.params.models, left_out, snakemake.output[0])
