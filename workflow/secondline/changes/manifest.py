"""The manifest of a run: what it was made from and what it concludes, to be compared with another run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from secondline.changes.statements import Statements, certainties, from_rows, statements, to_rows
from secondline.errors import UserError
from secondline.layout import FINDINGS_TABLE, MANIFEST
from secondline.tables import read_table, write_text

VERSION = 1
"""Of the format; a reader takes this one alone."""


@dataclass(frozen=True, kw_only=True)
class FitRecord:
    """What one fit was made from, beside its evidence: digests of its settings, part by part, and of its code."""

    analysis: str
    outcome: str
    parts: Mapping[str, str]
    """Digest of every part of the settings, by name."""
    code: str
    sampled: bool
    """Whether Markov chains were run; the exact engine alone otherwise."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a run is, apart from its evidence and its numbers."""

    headline: str
    reference: str
    base: str
    """The analysis of which certainty is judged."""
    results: str
    """Folder of the analyses, relative to that of the manifest's results."""
    fits: tuple[FitRecord, ...]
    configuration: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Every value of the configuration as JSON, and its place (file and line), by the path of its key."""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What readers call analyses, outcomes, settings, regimens and studies; measure and direction by outcome."""
    commit: str = ""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A run as its manifest has it."""

    folder: Path
    """The folder of results."""
    setup: Setup
    versions: Mapping[str, str]
    """Versions of the packages, by fit: ``analysis/outcome/model``."""
    draws: Mapping[str, float]
    """Smallest effective number of draws, by fit."""
    said: Statements

    def analysis_folder(self, analysis: str) -> Path:
        """Folder of the tables of an analysis."""
        return self.folder / self.setup.results / analysis


def write_manifest(folder: Path, setup: Setup, output: str) -> None:
    """Write summary/manifest.json from the tables of a run.

    Parameters
    ----------
    folder : path
        The folder of results that holds summary/sensitivity.csv.
    setup : Setup
        What the tables do not say.
    """
    analyses = folder / setup.results
    fits: dict[str, dict[str, str]] = {}
    for analysis in dict.fromkeys(fit.analysis for fit in setup.fits if fit.sampled):
        for row in read_table(analyses / analysis / "summary" / "fits.csv"):
            fits[f"{analysis}/{row['outcome']}/{row['model']}"] = row
    content = {
        "manifest": VERSION,
        **asdict(setup),
        "versions": {name: row["versions"] for name, row in fits.items()},
        "draws": {name: float(row["min_ess_bulk"]) for name, row in fits.items()},
        "statements": to_rows(concluded(folder, setup)),
    }
    write_text(output, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def concluded(folder: Path, setup: Setup) -> Statements:
    """Collect what the headline model concludes in every analysis, and how certain it is."""
    declared = {(fit.analysis, fit.outcome) for fit in setup.fits}
    rows = [
        row
        for row in read_table(folder / "summary" / "sensitivity.csv")
        if row["model"] == setup.headline and (row["analysis"], row["outcome"]) in declared
    ]
    said = statements(rows, setup.reference, setup.labels["measures"], setup.labels["better"])
    for fit in setup.fits:
        if fit.analysis == setup.base:
            findings = folder / setup.results / fit.analysis / fit.outcome / "certainty" / f"{FINDINGS_TABLE}.csv"
            said |= certainties((fit.analysis, fit.outcome), read_table(findings))
    return said


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a run.

    Raises
    ------
    UserError
        There is none, or it is not one that this version reads.
    """
    file = folder / MANIFEST
    if not folder.is_dir():
        raise UserError("no such folder of results", folder)
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if content.pop("manifest") != VERSION:
            raise KeyError("manifest")
        versions, draws, said = (content.pop(key) for key in ("versions", "draws", "statements"))
        fits = tuple(FitRecord(**fit) for fit in content.pop("fits"))
        configuration = {key: (value, place) for key, (value, place) in content.pop("configuration").items()}
        setup = Setup(fits=fits, configuration=configuration, **content)
        return Manifest(folder=folder, setup=setup, versions=versions, draws=draws, said=from_rows(said))
    except FileNotFoundError:
        problem = "no manifest: the run is not finished, or was made by an earlier version; run `make results` again"
        raise UserError(problem, file) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError("not a manifest of this version; run `make results` again", file) from None


def flat(data: Any, path: tuple[str, ...] = ()) -> Mapping[tuple[str, ...], str]:
    """Take a document apart into its values, as JSON, by the path of their keys; a list of plain values is one."""
    if isinstance(data, Mapping) and data:
        parts: Sequence[tuple[Any, Any]] = list(data.items())
    elif isinstance(data, list) and any(isinstance(item, Mapping | list) for item in data):
        parts = list(enumerate(data))
    else:
        return {path: json.dumps(data, ensure_ascii=False)}
    return {key: value for name, part in parts for key, value in flat(part, (*path, str(name))).items()}
