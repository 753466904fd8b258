# What every stage uses.
from secondline.jobs.provenance import code_digest
from secondline.jobs.resources import fit_megabytes, fit_minutes
from functools import cache
from pathlib import Path

# The small jobs of one outcome are one job of a cluster.
OUTCOME = "{analysis}_{outcome}"


def code_behind(script):
    """Digest of the package code behind the script of a rule."""
    return code_digest(Path(workflow.source_path(f"../../scripts/{script}.py")))


@cache
def arms(analysis, outcome):
    """Arms behind a fit."""
    return settings.number_of_arms(project, analysis, outcome)


def memory(analysis, outcome):
    """Megabytes of a fit at its first attempt."""
    return fit_megabytes(arms(analysis, outcome), project.config.sampler)
