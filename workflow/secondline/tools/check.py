"""What a configuration holds and what the audit says of it, in seconds and without fitting."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from secondline.cell_values import NOT_JUDGED, OVERALL, SEVERITIES
from secondline.errors import UserError
from secondline.evidence.audit import check_audit
from secondline.evidence.gather import arm_data_rows, audit_rows, count_rows, effect_rows
from secondline.evidence.judgements import indirectness_rows, risk_of_bias_rows
from secondline.evidence.reconstruction import check_curves
from secondline.evidence.selection import evidence_rows, select_evidence
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.doubt_settings import check_axes
from secondline.jobs.network_checks import check_networks
from secondline.jobs.script import mistakes_in_one_line
from secondline.jobs.settings import fits, model_settings, treatments_of
from secondline.network.arms import arms_with, used_arms
from secondline.network.graph import label_contrasts, parts, received
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.project.study_names import study_names
from secondline.sources.verify import STATUSES, verify_project

_LABELS = ("direct", "indirect", "extrapolated", "not_estimable")
Row = dict[str, Any]


def summary(project: Project, study: str | None = None) -> str:
    """Say what a project holds: studies, outcomes and their networks, selected figures, verification, findings.

    Parameters
    ----------
    study : str, optional
        Say only what concerns this study.
    """
    sections = [
        _studies(project, study),
        _files(project, study),
        _networks(project, study),
        _candidates(project),
        _selected(project, study),
    ]
    sections += [
        _sources(project, study),
        _judgements(project, study),
        _findings(_about(study, audit_rows(project)), SEVERITIES if study else SEVERITIES[:-1]),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _about(study: str | None, rows: Sequence[Row]) -> list[Row]:
    """Keep the rows of a study, or all of them."""
    return [row for row in rows if study in (None, row["study"])]


def _table(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Lay out rows in columns, the first row as their heads."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _studies(project: Project, study: str | None) -> list[str]:
    rows: list[tuple[Any, ...]] = [("study", "name", "design", "patients", "arms")]
    names = study_names(project)
    for sheet in project.sheets.values():
        arms = sheet.contrast_sets[sheet.default_contrast_set].arms
        sizes = [sheet.size(arm) for arm in arms]
        known = None if None in sizes else sum(n for n in sizes if n)
        report = sheet.secondary_report
        quoted = f"quoted by {names.get(report.quoted_by, report.quoted_by)}" if report else ""
        design = quoted or (sheet.design or "").replace("_", " ")
        rows.append((sheet.study, names[sheet.study], design, known, ", ".join(arms)))
    for name in project.studies:
        if name not in project.sheets:
            files = dict.fromkeys(found.file for found in project.tables if found.study == name)
            rows.append((name, name, ", ".join(files), None, ""))
    rows = [rows[0], *(row for row in rows[1:] if study in (None, row[0]))]
    return [f"Studies: {len(rows) - 1}", *_table(rows)]


def _files(project: Project, study: str | None) -> list[str]:
    """Say what every table was taken for, and what became of its rows."""
    named = {found.file for found in project.tables if study in (None, found.study)}
    lines = [f"  {file}" for file in project.files if file.file in named]
    return ["Tables, and what they were taken for", *lines] if lines else []


def _networks(project: Project, study: str | None) -> list[str]:
    """Every fit, or those that know a study: whether the network is connected, and what can be estimated at all."""
    structure = Structure.of(treatments_of(project))
    rows: list[tuple[Any, ...]] = [("analysis", "outcome", "studies", "left out", "treatments", "network", "contrasts")]
    for analysis, outcome in fits(project.config):
        evidence = select_evidence(project, analysis, outcome)
        arms = used_arms(evidence_rows(project, analysis, outcome))
        used = {row["study"] for row in evidence if row["used"]}
        left_out = sorted({row["study"] for row in evidence} - used)
        if study and study not in used | set(left_out):
            continue
        pieces = len(parts(arms))
        network = "connected" if pieces == 1 else f"{pieces} parts"
        effects = model_settings(project, analysis, outcome)[project.config.headline].effects
        kept = arms_with(arms, effects.needs)
        labels = Counter(
            row["structure"] for row in label_contrasts(kept, structure, effects) if row["setting"] == OVERALL
        )
        contrasts = ", ".join(f"{labels[name] // 2} {name.replace('_', ' ')}" for name in _LABELS if labels[name])
        treatments = len(received(arms, structure.regimens))
        rows.append((analysis, outcome, len(used), ", ".join(left_out) or "none", treatments, network, contrasts))
    return ["Networks, and the evidence on each pair of treatments", *_table(rows)]


def _candidates(project: Project) -> list[str]:
    """Candidates of every setting, so that a regimen which does not name a failed drug is seen."""
    treatments = project.treatments
    rows: list[tuple[Any, ...]] = [("setting", "failed", "candidates", "by rechallenge")]
    for name, setting in treatments.settings.items():
        chosen = [regimen for regimen in treatments.regimens if regimen not in treatments.barred(name)]
        rows.append((name, *(", ".join(part) or "none" for part in (setting.failed, chosen, setting.rechallenge))))
    return (
        ["Candidates: regimens without a drug that has failed in the setting", *_table(rows)]
        if treatments.settings
        else []
    )


def _selected(project: Project, study: str | None) -> list[str]:
    """Figures that analyses use unless they ask otherwise."""
    effects: list[tuple[Any, ...]] = [("study", "outcome", "contrast", "estimate", "95% CI", "method", "")]
    for row in _about(study, effect_rows(project)):
        if row["selected"]:
            interval = f"{row['estimate_lower']:.2f} to {row['estimate_upper']:.2f}"
            contrast = f"{row['treatment_arm']} against {row['comparator_arm']}"
            assumed = "assumed" if row["assumed"] else ""
            estimate = f"{row['estimate']:.2f}"
            effects.append((row["study"], row["outcome"], contrast, estimate, interval, row["method"], assumed))
    arms: list[tuple[Any, ...]] = [("study", "outcome", "arms")]
    by_study: dict[tuple[str, str], list[str]] = {}
    for row in _about(study, [*count_rows(project), *arm_data_rows(project)]):
        if row["selected"]:
            by_study.setdefault((row["study"], row["outcome"]), []).append(f"{row['arm']} {_figures(row)}")
    arms += [(*key, "; ".join(cells)) for key, cells in by_study.items()]
    return [
        f"Selected effects: {len(effects) - 1}",
        *(_table(effects) if len(effects) > 1 else ()),
        "",
        f"Selected arm-level data: {sum(map(len, by_study.values()))}",
        *(_table(arms) if by_study else ()),
    ]


def _figures(row: Row) -> str:
    if row.get("categories"):
        return str(row["categories"])
    if row.get("mean") is not None:
        return f"{row['mean']:g} (se {row['se']:.3g})"
    return f"{row['events']}/{row.get('time') or row['n']}"


def _sources(project: Project, study: str | None) -> list[str]:
    """Count the figures of every sheet by whether the user's copy of the paper contains them."""
    if not project.sheets:
        return []
    verdicts = verify_project(project, lambda line: print(line, file=sys.stderr))
    rows: list[tuple[Any, ...]] = [("study", *STATUSES)]
    for name in project.sheets if study is None else {study} & set(project.sheets):
        counted = Counter(verdict.status for verdict in verdicts if verdict.study == name)
        rows.append((name, *(counted[status] for status in STATUSES)))
    total = sum(sum(row[1:]) for row in rows[1:])
    return [
        f"Printed figures, looked up in your copies of the papers: {total} (.venv/bin/secondline sources shows them)",
        *_table(rows),
    ]


def _judgements(project: Project, study: str | None) -> list[str]:
    """Count the domains of every study that were judged in all outcomes, in some and in none, and the facts given."""
    rows: list[tuple[Any, ...]] = [("study", "about", "domains", "judged", "in part", "not judged", "facts")]
    nobody = total = 0
    for section, found in (("risk_of_bias", risk_of_bias_rows(project)), ("indirectness", indirectness_rows(project))):
        by_study: dict[str, dict[str, list[bool]]] = {}
        for row in _about(study, found):
            domains = by_study.setdefault(row["study"], {})
            domains.setdefault(row["domain"], []).append(row["judgement"] != NOT_JUDGED)
        for name, domains in by_study.items():
            every, some = sum(map(all, domains.values())), sum(map(any, domains.values()))
            assessment = getattr(project.sheets.get(name), section, None)
            facts = len(assessment.facts) if assessment else 0
            counts = (len(domains), every, some - every, len(domains) - some, facts)
            rows += [(name, section.replace("_", " "), *counts)] if some or facts else []
            nobody, total = nobody + (not some), total + 1
    head = f"Risk of bias and indirectness: judgements by domain; nothing is judged in {nobody} of {total} assessments"
    return [head, *(_table(rows) if len(rows) > 1 else ())]


def _findings(findings: Sequence[Row], shown: Sequence[str]) -> list[str]:
    """Count the findings of the audit, and list those of the severities to be shown."""
    counted = Counter(finding["severity"] for finding in findings)
    errors, warnings, notes = (counted[severity] for severity in SEVERITIES)
    numbers = f"errors {errors}, warnings {warnings}, info {notes}"
    rest = (
        "" if "info" in shown else " (STUDY=… also lists the info of a study; a run writes all to evidence/audit.csv)"
    )
    lines = [f"Findings of the audit: {numbers}{rest}"]
    for severity in shown:
        for finding in findings:
            if finding["severity"] == severity:
                where = (finding["source"] or finding["study"]).split(" (")[0]
                lines.append(f"  {severity}: {where}: {finding['item']}: {finding['message']}")
    return lines


def main() -> None:
    """Check a configuration; a mistake, or an error of the audit after the summary, is one line and exit status 2."""
    parser = argparse.ArgumentParser(prog="secondline check", description="Validate and audit without fitting.")
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--study", default="", help="show only what concerns this study")
    arguments = parser.parse_args()
    check(arguments.configfile, arguments.study)


def check(file: Path, study: str = "") -> None:
    """Print what a configuration holds; see `main`."""
    with mistakes_in_one_line():
        project = read_project(file, check_curves)
        if study and study not in project.studies:
            raise UserError(f"no such study; allowed: {', '.join(project.studies)}", key="STUDY", value=study)
        check_networks(project, file)
        check_axes(project)
        print(summary(project, study or None), end="", flush=True)
        check_audit(project)


if __name__ == "__main__":
    main()
