"""Put the models of one outcome into data that the report's page solves by itself."""

from secondline.jobs.script import job

with job(snakemake):
    from secondline.doubt.page_models import write_page_models

    write_page_models(
        snakemake.input.evidence,
        snakemake.input.get("alternatives"),
        *snakemake.params.fit,
        *snakemake.params.summary,
        snakemake.output[0],
    )
