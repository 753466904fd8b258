"""What every job wrote, by digest: an output that is not as its job left it is made again, and never read.

Each job keeps a record beside its outputs, in the folder that holds them all. While the job runs the record vouches for
nothing; once every output is there it holds their digests. A job that failed, was killed or lost its power leaves a
record that vouches for nothing, and Snakemake's notes are not trusted over it: they call a failed job finished.

As long as the machine has not been started anew, a file that nobody has written since is as its job left it, and is not
read to find that out: the results of a large project are gigabytes, and every start of Snakemake looks at all of them.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from secondline.errors import UserError
from secondline.jobs.notes import call_incomplete, without_notes
from secondline.tables import clean_up, write_text

_RECORD = ".{rule}.made.json"
_Identity = tuple[int, ...]
_START = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Record:
    """Outputs of one job, with their digests once all of them were whole."""

    rule: str
    log: Path
    digests: Mapping[Path, str | None]
    identities: Mapping[Path, _Identity]
    """What the system says of them, where it has run since without a break."""

    @property
    def finished(self) -> bool:
        """Whether the job came to its end."""
        return None not in self.digests.values()

    def damaged(self) -> list[Path]:
        """List outputs that are there, but not as the job left them."""
        return [file for file in self.digests if file.exists() and not self.is_as_left(file)]

    def is_as_left(self, file: Path) -> bool:
        """Whether an output that is there is as the job left it."""
        known = self.digests[file]
        return known is not None and (identity(file) == self.identities.get(file) or digest(file) == known)


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as handle:
        found = sha256()
        while block := handle.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def read_record(file: Path) -> Record:
    """Read a record; one that is damaged itself vouches for nothing beside it."""
    folder = file.parent
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        files = {name: Path(os.path.normpath(folder / name)) for name in content["digests"]}
        digests = {file: content["digests"][name] for name, file in files.items()}
        since = content.get("identities", {}) if content.get("start") == _start() != "" else {}
        identities = {file: tuple(since[name]) for name, file in files.items() if name in since}
        return Record(content["rule"], Path(content["log"]), digests, identities)
    except (ValueError, KeyError, TypeError, AttributeError):
        beside = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
        return Record(file.name, Path(), dict.fromkeys(beside), {})


def read_records(folder: Path) -> list[Record]:
    """Read the records of all jobs that wrote into a folder."""
    return [read_record(file) for file in sorted(folder.rglob(_RECORD.format(rule="*")))]


@contextmanager
def vouched(rule: str, log: str, outputs: Iterable[str]) -> Iterator[None]:
    """Vouch for no output of a job inside the block, and for every one after it.

    Raises
    ------
    RuntimeError
        The job came to its end without writing one of its outputs.
    """
    files = [Path(file) for file in outputs]
    folder = Path(os.path.commonpath([file.parent for file in files]))
    before = {file: identity(file) for file in files}
    _write(folder, rule, log, dict.fromkeys(files))
    for file in files:
        clean_up(file)
    yield
    missing = [str(file) for file in files if not file.exists() or identity(file) == before[file]]
    if missing:
        raise RuntimeError(f"rule {rule} did not write {', '.join(missing)}")
    _write(folder, rule, log, {file: digest(file) for file in files})


def identity(file: Path) -> _Identity | None:
    """Distinguish a file from the one that replaces it, and from itself once somebody has written into it."""
    if not file.exists():
        return None
    found = file.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


@cache
def _start() -> str:
    """Tell one start of this machine from all others; empty where the system does not say."""
    try:
        return _START.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _write(folder: Path, rule: str, log: str, digests: Mapping[Path, str | None]) -> None:
    named = {os.path.relpath(file, folder): known for file, known in digests.items()}
    content: dict[str, object] = {"rule": rule, "log": log, "digests": named}
    if all(digests.values()):
        identities = {os.path.relpath(file, folder): identity(file) for file in digests}
        content |= {"start": _start(), "identities": identities}
    write_text(folder / _RECORD.format(rule=rule), json.dumps(content, indent=1) + "\n")


def settle(folders: Iterable[Path], since: float) -> None:
    """Note what the system says of the outputs of the jobs of a run, now that nobody touches them any more.

    Snakemake gives all outputs of a job one time once it has ended, so that none looks as if somebody had written it
    since its job vouched for it.

    Parameters
    ----------
    since : float
        Seconds since the epoch: when the run began.
    """
    for file in _files(folders):
        if file.stat().st_mtime < since:
            continue
        content = json.loads(file.read_text(encoding="utf-8"))
        known = content.get("identities", {})
        now = {name: identity(Path(os.path.normpath(file.parent / name))) for name in known}
        touched = {name: found for name, found in now.items() if found and _is_touched(tuple(known[name]), found)}
        if touched:
            content["identities"] = known | touched
            write_text(file, json.dumps(content, indent=1) + "\n")


def _is_touched(before: _Identity, after: _Identity) -> bool:
    """Whether a file differs from before in its time alone."""
    return before[0] == after[0] and before[2] == after[2] and before[1] < after[1]


def check_inputs(inputs: Iterable[str]) -> None:
    """Check that inputs that another job made are as it left them.

    Raises
    ------
    UserError
        A file that was cut short, edited, or left behind by a job that did not finish.
    """
    beside = cache(lambda folder: [read_record(file) for file in folder.glob(_RECORD.format(rule="*"))])
    for file in map(Path, inputs):
        for record in (record for folder in file.parents for record in beside(folder) if file in record.digests):
            if not record.finished:
                raise UserError("the job that makes it did not finish; start the run again", file)
            if not record.is_as_left(file):
                raise UserError("has changed since its job wrote it; start the run again, which makes it again", file)


_SHOWN = 40  # lines of a log: a traceback, and what led to it
_SILENT = (
    "(empty: the job was ended from outside, most often because it exceeded its memory or time; on a cluster, its own "
    "log says which. --set-resources RULE:mem_mb=… or RULE:runtime=… gives it more.)"
)


def failures(folders: Iterable[Path], since: float) -> Iterator[str]:
    """Say of every job that failed since a time what its log says.

    Parameters
    ----------
    since : float
        Seconds since the epoch.
    """
    for record in _unique(folders):
        if not record.finished and record.log.is_file() and record.log.stat().st_mtime >= since:
            lines = record.log.read_text(encoding="utf-8", errors="replace").splitlines()
            yield f"rule {record.rule} failed. Its log, {record.log}, ends:"
            yield from (f"    {line}" for line in lines[-_SHOWN:] or [_SILENT])


def _unique(folders: Iterable[Path]) -> list[Record]:
    """Read the records in folders that may lie within each other, and those of jobs that wrote into several of them."""
    return [read_record(file) for file in _files(folders)]


def _files(folders: Iterable[Path]) -> list[Path]:
    """List the records in and directly above folders, each once."""
    apart, name = list(dict.fromkeys(folders)), _RECORD.format(rule="*")
    roots = [folder for folder in apart if not any(folder != other and folder.is_relative_to(other) for other in apart)]
    above = dict.fromkeys(file for root in roots for file in sorted(root.parent.glob(name)))
    return [*above, *(file for root in roots for file in sorted(root.rglob(name)))]


def distrust(folders: Iterable[Path]) -> list[Path]:
    """Have Snakemake make again what is not as its job left it, and what it has no notes on.

    Returns
    -------
    list of Path
        These outputs.
    """
    records = _unique(folders)
    damaged = [file for record in records for file in record.damaged()]
    whole = [file for record in records if record.finished for file in record.digests if file.exists()]
    found = list(dict.fromkeys([*damaged, *without_notes(whole)])) if records else []
    if found:
        call_incomplete(found)
    return found
