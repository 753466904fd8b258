"""What a report was made from: versions, seed, commit, and digests of the evidence."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from secondline.network.arms import used_rows
from secondline.report.prose.methods import version_words
from secondline.report.settings import ReportSettings
from secondline.report.tables.results import Table
from secondline.report.words import Names, Row, listed
from secondline.tables import read_table

_STAGES = {"import": "imports", "compile": "compilation", "sampling": "draws", "other": "checks"}


def reproducibility_sentences(settings: ReportSettings, versions: Sequence[str], timings: Sequence[Row]) -> list[str]:
    """Name the seed, the commit and the versions, and say how long the fits took.

    Parameters
    ----------
    settings : ReportSettings
        From `secondline.jobs.report_settings.report_settings`.
    versions : sequence
        Cells ``versions`` of summary/fits.csv.
    timings : rows
        timings.csv of every outcome: of all that a report shows, they alone differ between equal runs.
    """
    commit = settings.commit
    return [
        f"The base seed is {settings.seed}; the seed of every fit is derived from it.",
        f"The Git commit is {commit}; it does not include uncommitted edits, if any."
        if commit
        else "The project was not under version control, so that no commit can be named.",
        f"The models were fitted with {'; '.join(map(version_words, versions))}.",
        "The same commit, run with the same versions on the same kind of machine, reproduces every table exactly.",
        *_run_time(timings),
    ]


def _run_time(timings: Sequence[Row]) -> list[str]:
    if not timings:
        return []
    by_stage = {stage: sum(float(row[f"{key}_s"]) for row in timings) for key, stage in _STAGES.items()}
    stages = listed(f"{seconds:.0f} s for {stage}" for stage, seconds in by_stage.items())
    return [f"The fits of this analysis, {len(timings)} in all, took {sum(by_stage.values()):.0f} s: {stages}."]


def digests_table(analysis: Path, outcomes: Sequence[str], names: Names) -> Table:
    """Tabulate a digest of the evidence behind every outcome; equal digests mean equal data.

    Parameters
    ----------
    analysis : Path
        results/<analysis>
    """
    rows = []
    for outcome in outcomes:
        file = analysis / outcome / "evidence.csv"
        studies = {row["study"] for row in used_rows(read_table(file))}
        digest = sha256(file.read_bytes()).hexdigest()
        rows.append([names.label_of_outcome(outcome), str(len(studies)), f"{outcome}/evidence.csv", digest])
    return Table("Data behind every outcome", ("Outcome", "Studies used", "File", "SHA-256"), rows)
