"""The configuration that Snakemake holds: that of a file, what ``--config`` changes in it, or that of a module.

Snakemake's own mapping decides what is run, so that nothing that it was given is ignored. The file it came from is read
again, because only our own reader knows the lines of its keys, and takes ``no`` for a word.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from secondline.project.config import Config
from secondline.project.documents import Document, Path_, read_yaml
from secondline.tables import write_text

DEFAULT_CONFIG = Path("config/config.yaml")
COMMAND_LINE = Path("--config")
_MODULE = Path("config")  # how messages call a mapping that comes from no file
Given = Mapping[str, Any]


def find_document(config: Given, said: Given, files: Sequence[Any]) -> Document:
    """Find the document behind Snakemake's configuration, with the lines of what stands in a file.

    Parameters
    ----------
    config : mapping
        The configuration of the workflow: of ``--configfile`` and ``--config``, or of the ``module`` that uses it.
    said : mapping
        What ``--config`` says; alone, it changes config/config.yaml.
    files : sequence of paths
        Files that Snakemake has read for the whole workflow.

    Raises
    ------
    UserError
        The file cannot be read.
    """
    config, said = _plain(config), _plain(said)
    if config == said:
        return _changed(read_yaml(DEFAULT_CONFIG), said)
    for file in map(below_here, map(Path, files)):
        whole = _updated(_as_snakemake_reads(file), said)
        if whole == config:
            return _changed(read_yaml(file), said)
        for key, part in whole.items():
            if part == config:
                return _changed(read_yaml(file), said).section(key)
    return Document(_MODULE, config, {})


def copy_for_jobs(config: Config) -> Path:
    """Name the copy that jobs read: one for every folder of results, whatever the configuration comes from."""
    place = f"{config.results} {config.shared_results}"
    return Path(f".snakemake/secondline/{sha256(place.encode()).hexdigest()[:16]}.yaml")


def write_copy(document: Document, copy: Path) -> None:
    """Write what jobs read: the configuration as it was when the run began."""
    write_text(copy, json.dumps(document.data, ensure_ascii=False) + "\n")


def changes(document: Document) -> str:
    """Digest of a configuration that is not one whole file; nothing for a file, whose time shows its changes."""
    if document.lines and not document.changed and not document.root:
        return ""
    return sha256(json.dumps(document.data).encode()).hexdigest()[:16]


def below_here(file: Path) -> Path:
    """Path from the working directory, where the file lies below it."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_absolute() and file.is_relative_to(here) else file


def _plain(config: Given) -> dict[str, Any]:
    """Reduce what Snakemake's reader makes of YAML to what JSON knows: a date is its text."""
    plain: dict[str, Any] = json.loads(json.dumps(config, default=_simpler))
    return plain


def _simpler(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _as_snakemake_reads(file: Path) -> dict[str, Any]:
    from snakemake.common.configfile import load_configfile

    return _plain(load_configfile(file))


def _updated(data: Given, said: Given) -> dict[str, Any]:
    """Change single keys at any depth, as Snakemake does."""
    from snakemake.utils import update_config

    result = deepcopy(dict(data))
    update_config(result, said)
    return result


def _changed(document: Document, said: Given) -> Document:
    """Change a document by what the command line says, and note which keys are its own."""
    if not said or not isinstance(document.data, dict):
        return document
    return replace(document, data=_updated(document.data, said), changed=dict.fromkeys(_leaves(said), COMMAND_LINE))


def _leaves(said: Any, path: Path_ = ()) -> Iterator[Path_]:
    if not isinstance(said, Mapping):
        yield path
    else:
        for key, value in said.items():
            yield from _leaves(value, (*path, key))
