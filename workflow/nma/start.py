"""How the Snakefile starts: read, check and audit the project before any job."""

import os
from pathlib import Path
from typing import Any

from nma.config import Project, read_project
from nma.evidence.audit import check_audit
from nma.job import mistakes_in_one_line
from nma.plan import check_networks
from nma.provenance import PACKAGE

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
