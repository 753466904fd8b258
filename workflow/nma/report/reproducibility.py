"""What a report was made from: versions, seed, commit, and digests of the evidence."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from nma.network.arms import used_rows
from nma.report.methods import version_words
from nma.report.report_tables import Table
from nma.report.words import Names, Row, listed
from nma.tables import read_table

_STAGES = {"import": "imports", "compile": "compilation", "sampling": "draws", "other": "checks"}


def reproducibility_sentences(
    settings: Mapping[str, Any], versions: Sequence[str], timings: Sequence[Row]
) -> list[str]:
    """Name the seed, the commit and the versions, and say how long the fits took.

    Parameters
    ----------
    settings : mapping
        From `nma.report.settings.report_settings`.
    versions : sequence
        Cells ``versions`` of summary/fits.csv.
    timings : rows
        timings.csv of every outcome: of all that a report shows, they alone differ between equal runs.
    """
    commit = settings["commit"]
    return [
        f"Seed {settings['seed']}, from which every fit derives its own.",
        f"Git commit {commit}; edits that were not committed, if any, are not part of it."
        if commit
        else "The project was not under version control: there is no commit to name.",
        f"Fitted with {'; '.join(map(version_words, versions))}.",
        "The same commit with the same versions, on the same kind of machine, gives the same bytes in every table.",
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
        rows.append([names.of("outcomes", outcome), str(len(studies)), f"{outcome}/evidence.csv", digest])
    return Table("Data behind every outcome", ("Outcome", "Studies used", "File", "SHA-256"), rows)
