# Where Snakemake looks first; the workflow itself is workflow/Snakefile, which others may include as a module.
include: "workflow/Snakefile"


workflow.default_target = "all"
