"""How the Snakefile starts: read, check and audit the project before any job."""

import logging
import os
from pathlib import Path
from typing import Any

from nma.config import Project, read_project
from nma.evidence.audit import check_audit
from nma.job import mistakes_in_one_line
from nma.plan import check_networks
from nma.provenance import PACKAGE
from nma.runs import Run, begin

DEFAULT_CONFIG = Path("config/config.yaml")


def open_project(configfiles: list[Any]) -> tuple[Path, Project]:
    """Read and check the project for the Snakefile; a mistake ends the run with one line and exit status 2.

    Parameters
    ----------
    configfiles : list of paths
        What `--configfile` names; the first replaces config/config.yaml.
    """
    # Scripts that run in a conda environment find this package too.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    file = Path(configfiles[0]) if configfiles else DEFAULT_CONFIG
    if file.is_absolute() and file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    with mistakes_in_one_line():
        project = read_project(file)
        check_networks(project, file)
        check_audit(project)
    return file, project


def begin_run(workflow: Any, config: Path, project: Project) -> Run | None:
    """Begin a run; what Snakemake starts in processes of their own are its jobs, not runs.

    Parameters
    ----------
    workflow : Workflow
        That of Snakemake.
    """
    if not workflow.is_main_process:
        return None
    logging.getLogger("snakemake.logging").addFilter(_worth_saying)
    results = list(dict.fromkeys(map(Path, (project.config.results, project.config.shared_results))))
    with mistakes_in_one_line():
        return begin(config, results, planning=workflow.output_settings.dryrun)


def _worth_saying(record: logging.LogRecord) -> bool:
    """Drop two lines an output of every job that fails: that there was none before, or that it is back."""
    said = record.getMessage()
    return not said.startswith(("Cannot restore ", "Restored previous version of "))
