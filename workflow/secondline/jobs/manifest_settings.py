"""What the manifest of a run says beside its tables: configuration, lines, and what each fit was made from."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from hashlib import sha256
from os.path import relpath
from pathlib import Path

from secondline.changes.manifest import FitRecord, Setup, flat
from secondline.jobs.provenance import commit
from secondline.jobs.report_settings import figure_labels
from secondline.jobs.settings import fit_settings
from secondline.project.config import Project
from secondline.project.documents import Document, read_yaml

_FILES = ("treatments", "characteristics")
"""Sections of the configuration that may stand in a file of their own."""
_LABELS = ("analyses", "outcomes", "settings", "regimens", "studies", "measures", "better")


def manifest_setup(
    project: Project,
    document: Document,
    sampled: Sequence[tuple[str, str]],
    exact: Sequence[tuple[str, str]],
    code: str,
) -> Setup:
    """Resolve what the manifest of a run says of a configuration.

    Parameters
    ----------
    document : Document
        The configuration, with the places of its keys.
    sampled, exact : pairs of analysis and outcome
        Fits with Markov chains, and those of the exact engine alone.
    code : str
        Digest of the code behind the sampled fits.
    """
    config, labels = project.config, figure_labels(project)
    return Setup(
        headline=config.headline,
        reference=project.treatments.reference,
        base=config.base,
        results=relpath(config.results, config.shared_results),
        fits=tuple(_record(project, fit, code, fit in sampled) for fit in (*sampled, *exact)),
        configuration=dict(_configuration(project, document)),
        labels={kind: dict(getattr(labels, kind)) for kind in _LABELS},
        commit=commit() or "",
    )


def _record(project: Project, fit: tuple[str, str], code: str, sampled: bool) -> FitRecord:
    settings = fit_settings(project, *fit)
    named = [part.name for part in fields(settings) if part.name not in ("analysis", "outcome")]
    parts = {name: sha256(repr(getattr(settings, name)).encode()).hexdigest()[:16] for name in named}
    return FitRecord(analysis=fit[0], outcome=fit[1], parts=parts, code=code, sampled=sampled)


def _configuration(project: Project, document: Document) -> Iterator[tuple[str, tuple[str, str]]]:
    documents: list[tuple[tuple[str, ...], Document]] = [((), document)]
    for section in _FILES:
        named = getattr(project.config, section)
        if isinstance(named, str):
            documents.append(((section,), read_yaml(Path(named))))
    for prefix, found in documents:
        for path, value in flat(found.data).items():
            line = found.line(tuple(int(key) if key.isdecimal() else key for key in path))
            place = f"{found.file}:{line}" if line else str(found.file)
            yield ".".join((*prefix, *path)), (value, place)
