"""Put the seconds of all fits into one table."""

from nma.job import job
from nma.tables import read_table, write_table

with job(snakemake):
    rows = [row for file in snakemake.input for row in read_table(file)]
    write_table(snakemake.output[0], rows, list(rows[0]))
