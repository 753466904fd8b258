"""A configuration for a table as it is: ``secondline new-network trials.csv --better lower``."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from secondline.errors import UserError
from secondline.jobs.network_checks import check_networks
from secondline.jobs.script import mistakes_in_one_line
from secondline.jobs.settings import arms_in_use, treatments_of
from secondline.likelihoods import CONTRASTS, LIKELIHOODS, NORMAL, Likelihood
from secondline.measures import MEASURES, Measure
from secondline.network.graph import is_plain, parts
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.documents import Document, validate
from secondline.project.formats.base import Sheet, Taken, is_given
from secondline.project.formats.registry import READERS
from secondline.project.read import read_project
from secondline.project.table_columns import take
from secondline.project.table_lines import AS_PRINTED, JUDGED_COLUMNS, ON_SCALE, EvidenceTable
from secondline.project.table_treatments import identifiers
from secondline.tables import write_text
from secondline.tools.sheet_text import quoted

_OUTCOME = "outcome"
_ANALYSES = f"analyses: {quoted({'main': {'label': 'All studies'}})}"
_DEFAULTS = {("events", "n"): "OR", ("events", "time"): "IRR", ("mean",): "MD"}
"""Measures that the columns of arms decide, unless another one is named."""
_READ = {"study", "treatment", *JUDGED_COLUMNS}
_DIRECTIONS = ("lower", "higher")


@dataclass(frozen=True)
class Wanted:
    """What a user says beside the file."""

    file: str
    out: Path | None = None
    measure: str | None = None
    better: str | None = None
    reference: str | None = None
    label: str = "Outcome"
    entry: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the entry of the table, such as format, sheet and columns."""

    @property
    def configfile(self) -> Path:
        """Where the configuration is written."""
        return self.out or Path(Path(self.file).name).with_suffix(".yaml")


@dataclass(frozen=True)
class Written:
    """A configuration, and what to say of it."""

    text: str
    chosen: str
    """What was chosen, in one line."""
    ignored: Sequence[str]
    """Columns that are not read."""


def write_network(wanted: Wanted) -> tuple[Path, Sequence[str]]:
    """Write the configuration of a table, unless there is one; what cannot be run is not written.

    Returns
    -------
    file : Path
    said : list of str
        What the file was taken for, what was chosen, and what comes next.

    Raises
    ------
    UserError
        A table that cannot be read, what only the user can say, or a file that is there already.
    """
    if not wanted.file:
        raise UserError("name the table: make new-network FILE=trials.csv BETTER=lower")
    file = wanted.configfile
    if any(mark in str(file) for mark in "{}"):
        raise UserError("Snakemake takes { and } in a file's name for a wildcard; allowed: a name without them", file)
    if file.exists():
        raise UserError("this file is there already; it is left as it is; --out names another", file)
    if not Path(wanted.file).is_file():
        raise UserError("no such file", wanted.file)
    found = configuration(wanted)
    document = Document(file, yaml.safe_load(found.text), {})
    project = read_project(document)
    unread = f"; not read: {', '.join(found.ignored)}" if found.ignored else ""
    said = [f"{project.files[0]}{unread}", found.chosen]
    if apart := _apart(project):
        document.data["analyses"]["main"]["exclude"] = apart
        said.append(f"not linked to the reference, and excluded with that reason: {', '.join(apart)}")
    check_networks(read_project(document), file)
    write_text(file, found.text.replace(_ANALYSES, f"analyses: {quoted(document.data['analyses'])}"))
    return file, [*said, f"{file}: next, make results CONFIG={file}"]


def _apart(project: Project) -> dict[str, str]:
    """Studies that no chain of comparisons links to the reference of a plain network, each with the reason."""
    arms = arms_in_use(project, "main", _OUTCOME)
    if not is_plain(arms, Structure.of(treatments_of(project))):
        return {}
    reference = project.treatments.reference
    linked = next((part for part in parts(arms) if reference in part), [])
    studies = dict.fromkeys(arm.study for arm in arms if linked and not set(arm.regimens) <= set(linked))
    label = project.treatments.regimens[reference].label
    return dict.fromkeys(studies, f"no chain of comparisons links it to {label}")


def configuration(wanted: Wanted) -> Written:
    """Look at a table and write its configuration; see `write_network` for the errors raised."""
    entry = {"file": wanted.file, "outcome": _OUTCOME, **wanted.entry}
    table = validate(EvidenceTable, Document(Path(wanted.file), entry, {}))
    sheet, taken, words = take(table, _complain)
    measure, likelihood, why = _measure(wanted, taken)
    better = _better(wanted.better)
    reference, because = _reference(wanted, taken)
    ignored = _ignored(sheet, taken, likelihood)
    if ignored:
        entry["ignore"] = [*entry.get("ignore", ()), *ignored]
    if any(column in taken.columns for column in JUDGED_COLUMNS):
        entry["judged_by"] = f"whoever made {Path(wanted.file).name}"
    scale = 1.0 if measure.is_ratio else _spread(taken)
    text = _text(wanted, entry, measure, likelihood, better, reference, scale, words)
    chosen = f"measure {measure.name} ({why}), {better} is better, {reference} is the reference{because}"
    return Written(text, chosen, ignored)


def _complain(path: Sequence[str | int], value: Any, problem: str) -> UserError:
    return UserError(problem, key=f"--{path[0]}", value=value)


def _fitting(columns: Mapping[str, str]) -> dict[str, Likelihood]:
    """Likelihoods that the columns allow, by measure: those that read all figures, the usual one of a measure first."""
    there = set(columns)
    found: dict[str, Likelihood] = {}
    for one in LIKELIHOODS.values():
        needed = [set(one.required)]
        if one is CONTRASTS:
            needed = [{"comparator", *pair} for pair in (ON_SCALE, AS_PRINTED)]
        elif one is NORMAL:
            needed = [{"mean", "se"}, {"mean", "sd", "n"}]
        if one.is_ordered or not any(columns <= there for columns in needed):
            continue
        if "time" in there and "time" not in one.required and one is not CONTRASTS:
            continue
        for measure in one.scales:
            if measure not in found or MEASURES[measure].usual == one.name:
                found[measure] = one
    return found if not {"comparator"} & there else {name: CONTRASTS for name in found if found[name] is CONTRASTS}


def _measure(wanted: Wanted, taken: Taken) -> tuple[Measure, Likelihood, str]:
    """Choose the measure: the one that is named, or the one that the columns decide."""
    fitting = _fitting(taken.columns)
    allowed = ", ".join(fitting)
    if not fitting:
        raise UserError(
            f"nothing to analyse in columns {', '.join(taken.columns.values())}; needed for every arm: events and n, "
            "events and time, mean and se, or mean, sd and n; or for every contrast an effect with its se, or an "
            "estimate with its limits; --columns events=NAME says which is which",
            wanted.file,
        )
    if wanted.measure is not None and wanted.measure not in fitting:
        raise UserError(f"these columns allow: {allowed}", key="--measure", value=wanted.measure)
    if taken.measure and wanted.measure not in (None, taken.measure):
        problem = f"column {taken.columns.get('estimate') or taken.columns.get('effect')} says {taken.measure}"
        raise UserError(problem, wanted.file, key="--measure", value=wanted.measure)
    if name := wanted.measure or taken.measure:
        return MEASURES[name], fitting[name], "as you say" if wanted.measure else "as its column is called"
    for columns, name in _DEFAULTS.items():
        given = {"events", "n", "time", "mean"} & set(taken.columns)
        if name in fitting and given - {"n"} == set(columns) - {"n"} and not {"n", "time"} <= given:
            others = ", ".join(other for other in fitting if other != name)
            return MEASURES[name], fitting[name], f"by its columns{f'; --measure {others}' if others else ''}"
    times = (
        "; HR where time is the follow-up of a patient, IRR where it is that of all patients of the arm together"
        if "time" in taken.columns
        else ""
    )
    raise UserError(
        f"the columns do not say which measure this is; say --measure, one of: {allowed}{times}", wanted.file
    )


def _better(better: str | None) -> str:
    """Which direction is better: no column says it."""
    if better not in _DIRECTIONS:
        problem = "no column says which direction is better for the patient; allowed: --better lower or --better higher"
        raise UserError(problem, key="--better", value=better)
    return better


def _reference(wanted: Wanted, taken: Taken) -> tuple[str, str]:
    """Choose the reference: the one that is named, or the treatment that most studies have."""
    studies: dict[str, set[str]] = {}
    for row in taken.rows:
        for end in ("treatment", "comparator"):
            if row.has(end):
                studies.setdefault(row.cells[end], set()).add(row.cells.get("study", ""))
    if wanted.reference is not None:
        if wanted.reference not in studies:
            raise UserError(
                f"no such treatment; allowed: {', '.join(studies)}", key="--reference", value=wanted.reference
            )
        return wanted.reference, ""
    if not studies:
        raise UserError("no treatment is named in any row", wanted.file)
    most, among = max(studies, key=lambda name: len(studies[name])), len(set().union(*studies.values()))
    return most, f" (in {len(studies[most])} of {among} studies; --reference names another)"


def _ignored(sheet: Sheet, taken: Taken, likelihood: Likelihood) -> list[str]:
    """Columns of the file that are no figures: they are named as not read."""
    read = _READ | {*likelihood.required, *likelihood.optional, *(AS_PRINTED if likelihood is CONTRASTS else ())}
    if not (likelihood is CONTRASTS and AS_PRINTED[0] in taken.columns):
        read -= {"estimate", "lower", "upper", "level"}
    unread = {name for ours, name in taken.columns.items() if ours not in read}
    return [name for name in sheet.names.values() if name in unread]


def _spread(taken: Taken) -> float:
    """Size of differences of this outcome, to one digit: by its standard deviations, or else by what is largest."""
    for column, of in (("sd", median), ("effect", max), ("estimate", max), ("mean", max)):
        sizes = [abs(_number(row.cells[column])) for row in taken.rows if row.has(column)]
        if any(sizes):
            size = of([one for one in sizes if one] or [1.0])
            digit: float = 10.0 ** floor(log10(size))
            return float(f"{round(size / digit) * digit:.6g}")
    return 1.0


def _number(cell: str) -> float:
    try:
        return float(cell) if is_given(cell) else 0.0
    except ValueError:
        return 0.0  # an error of the reading, which names its line


def _text(
    wanted: Wanted,
    entry: Mapping[str, Any],
    measure: Measure,
    likelihood: Likelihood,
    better: str,
    reference: str,
    scale: float,
    words: str,
) -> str:
    """Write the configuration, a key a line."""
    (name,) = identifiers({Path(wanted.file).stem: f"{wanted.file}:1"}).values()
    margin = 0.2 * scale * (1 if better == "higher" else -1)
    outcome = {
        "label": wanted.label,
        "measure": measure.name,
        **({} if measure.usual == likelihood.name else {"likelihood": likelihood.name}),
        "better": better,
        "margin": (1.25 if better == "higher" else 0.8) if measure.is_ratio else float(f"{margin:.6g}"),
        "prior": "vague",
    }
    prior = {"effect": 10 * scale, "tau": scale, "omega": scale, "baseline": 10 * scale}
    retry = {"draws": 4000, "tune": 2000, "target_accept": 0.99}
    lines = [
        f"# {wanted.file}: {' '.join(words.split())}",
        f"results: {quoted(f'results/{name}')}",
        "seed: 1",
        f"evidence: [{quoted(dict(entry))}]",
        f"treatments: {quoted({'from_table': True, 'reference': reference})}",
        "# margin is the smallest effect that matters to patients: put in your own.",
        f"outcomes: {quoted({_OUTCOME: outcome})}",
        f"models: {quoted({'fixed': {'heterogeneity': False}, 'random': {'heterogeneity': True}})}",
        "headline: random",
        "# Standard deviations of effects and baselines, and scales of the half-normals of τ and ω.",
        f"priors: {quoted({'vague': prior})}",
        f"sampler: {quoted({'chains': 4, 'draws': 1000, 'tune': 600, 'target_accept': 0.9, 'retry': retry})}",
        _ANALYSES,
    ]
    return "\n".join(lines) + "\n"


def _pairs(option: str, words: Sequence[str]) -> dict[str, str]:
    """Read words such as events=responders."""
    pairs = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not (name and sign and value):
            raise UserError("allowed: name=value, such as events=responders", key=f"--{option}", value=word)
        pairs[name] = value
    return pairs


def _wanted(arguments: argparse.Namespace) -> Wanted:
    """Put the words of the command line together."""
    given = {
        "format": arguments.format or None,
        "sheet": arguments.sheet or None,
        "missing": arguments.missing,
        "repeated": arguments.repeated or None,
        "components": arguments.components,
        "ignore": arguments.ignore,
        "columns": _pairs("columns", arguments.columns),
        "where": _pairs("where", arguments.where),
        "common": _pairs("common", arguments.common),
        "treatments": _pairs("treatments", arguments.treatments),
    }
    return Wanted(
        arguments.file,
        Path(arguments.out) if arguments.out else None,
        arguments.measure or None,
        arguments.better or None,
        arguments.reference or None,
        arguments.label,
        {key: value for key, value in given.items() if value},
    )


def main() -> None:
    """Write a configuration, and say what the file was taken for and what comes next."""
    parser = argparse.ArgumentParser(prog="secondline new-network", description="Write a configuration for a table.")
    parser.add_argument("file", help="the table, as it is")
    parser.add_argument("--measure", help=f"one of {', '.join(MEASURES)}; by default what the columns decide")
    parser.add_argument("--better", help="which direction is better for the patient: lower or higher")
    parser.add_argument("--reference", help="the treatment with which all are compared")
    parser.add_argument("--label", default="Outcome", help="what the outcome is called")
    parser.add_argument("--format", help=f"one of {', '.join(READERS)}; by default recognised from the columns")
    parser.add_argument("--columns", action="append", default=[], help="ours=theirs, such as events=responders")
    parser.add_argument("--where", action="append", default=[], help="column=word: read these rows alone")
    parser.add_argument("--common", action="append", default=[], help="ours=word: what stands in no column")
    parser.add_argument("--treatments", action="append", default=[], help="theirs=ours: another name of a treatment")
    parser.add_argument("--repeated", help="one_arm or own_arms, where a study has a treatment on two lines")
    parser.add_argument("--components", action="append", default=[], help="a column with 1 for a component of the arm")
    parser.add_argument("--ignore", action="append", default=[], help="a column that is not read")
    parser.add_argument("--sheet", help="sheet of a workbook")
    parser.add_argument("--missing", action="append", default=[], help="a word that means a missing value")
    parser.add_argument("--out", help="the configuration to write; by default named after the table")
    parser.add_argument("--check", action="store_true", help="check the data at once, as secondline check does")
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        file, said = write_network(_wanted(arguments))
    print("\n".join(said))
    if arguments.check:
        from secondline.tools.check import check

        check(file)


if __name__ == "__main__":
    main()
