"""How the Snakefile starts: read, check and audit the project before any job."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondline.errors import UserError
from secondline.evidence.audit import check_audit
from secondline.evidence.reconstruction import check_curves
from secondline.jobs.configuration import DEFAULT_CONFIG, below_here, changes, copy_for_jobs, find_document, write_copy
from secondline.jobs.doubt_settings import check_axes
from secondline.jobs.earlier import keep_by_links
from secondline.jobs.lock import Run, begin
from secondline.jobs.network_checks import check_networks
from secondline.jobs.provenance import PACKAGE, is_installed
from secondline.jobs.run import ANSWER
from secondline.jobs.script import mistakes_in_one_line
from secondline.jobs.slurm import be_patient
from secondline.jobs.warm_start import start_warm
from secondline.project.config import Project
from secondline.project.documents import Document, read_yaml
from secondline.project.read import read_project


@dataclass(frozen=True)
class Opened:
    """A project that was read and checked."""

    project: Project
    document: Document
    """The configuration, with the places of its keys."""

    @property
    def copy(self) -> str:
        """What jobs read the configuration from."""
        return str(copy_for_jobs(self.project.config))

    @property
    def own_files(self) -> list[str]:
        """The user's own file of the configuration; none of a mapping that comes from no file."""
        return [str(self.document.file)] if self.document.lines else []

    @property
    def changes(self) -> str:
        """Digest of a configuration that is more than the user's own file; nothing of one that is not."""
        return changes(self.document)


def open_project(configfiles: list[Any]) -> tuple[Path, Project]:
    """Read and check the project of a file; a mistake ends the program with one line and exit status 2.

    Parameters
    ----------
    configfiles : list of paths
        The first replaces config/config.yaml.
    """
    with mistakes_in_one_line():
        opened = _open(read_yaml(below_here(Path(configfiles[0])) if configfiles else DEFAULT_CONFIG))
    return opened.document.file, opened.project


def open_workflow(workflow: Any, config: Mapping[str, Any]) -> Opened:
    """Read and check the project for the Snakefile; a mistake ends the run with one line and exit status 2.

    Parameters
    ----------
    workflow : Workflow
        That of Snakemake.
    config : mapping
        The configuration of the Snakefile, or of the module that it is used as.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join([_folder_of_package(), *filter(None, [os.environ.get("PYTHONPATH")])])
    with mistakes_in_one_line():
        if workflow.modifier.path_modifier.prefix:
            problem = "a module of this workflow takes none; allowed: results of its configuration"
            raise UserError(problem, key="prefix", value=workflow.modifier.path_modifier.prefix)
        return _open(find_document(config, workflow.config_settings.config, workflow.configfiles))


def _open(document: Document) -> Opened:
    project = read_project(document, check_curves)
    check_networks(project, document.file)
    check_axes(project)
    check_audit(project)
    return Opened(project, document)


def _folder_of_package() -> str:
    """Folder in which scripts find this package and no other, in a conda environment or a container too."""
    if not is_installed():
        return str(PACKAGE.parent)
    link = Path(".snakemake/secondline/secondline").absolute()
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(PACKAGE, target_is_directory=True)
    return str(link.parent)


def begin_run(workflow: Any, opened: Opened) -> Run | None:
    """Begin a run, and say what its tables were taken for; what Snakemake starts as processes is jobs, not runs.

    Parameters
    ----------
    workflow : Workflow
        That of Snakemake.
    """
    keep_by_links()
    if not workflow.is_main_process:
        return None
    be_patient()
    logging.getLogger("snakemake.logging").addFilter(_worth_saying)
    config, planning = opened.project.config, workflow.output_settings.dryrun
    results, shared = Path(config.results), Path(config.shared_results)
    folders = [*(results / analysis for analysis in config.analyses), shared / "evidence", shared / "summary"]
    with mistakes_in_one_line():
        run = begin(opened.document.file, list(dict.fromkeys([results, shared])), folders, planning)
        if not planning:
            write_copy(opened.document, Path(opened.copy))
    for file in opened.project.files:
        print(file, file=sys.stderr)
    if not planning:
        start_warm()
    return run


def start_jobs_without_delay(workflow: Any) -> None:
    """Limit the jobs of this machine by its cores alone, not also by the number that start in a span of time.

    After every job Snakemake looks for more to start, and with such a limit, which it has by default, once more each
    time the span has passed, for every job that has ended: in a run of 250 jobs that took a quarter of a core, and the
    end of the run waited for it.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def say_answer(opened: Opened) -> None:
    """Print the answer of a run that was started by ``secondline run``.

    It is a command of its own, in a process of its own: no job and no digest depends on what it imports.
    """
    if os.environ.get(ANSWER):
        words = [sys.executable, "-m", "secondline.tools.cli", "answer", "--configfile", opened.copy]
        subprocess.run(words, check=False)


def _worth_saying(record: logging.LogRecord) -> bool:
    """Drop two lines an output of every job that fails: that there was none before, or that it is back."""
    said = record.getMessage()
    return not said.startswith(("Cannot restore ", "Restored previous version of "))
