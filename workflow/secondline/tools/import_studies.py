"""Study sheets from a flat table, one row per arm and outcome: ``secondline import file.csv``.

A study's rows may leave out what a row above gives already: facts of the study, and of its arms. The columns:

- the study: ``study``, ``authors``, ``title``, ``journal``, ``year``, ``doi``, ``design``, ``site``,
  ``enrolment_start``, ``enrolment_end``, ``enrolment_printed``;
- the arm: ``arm``, ``label``, ``n``, ``regimens`` (a regimen, or patients by regimen as in ``lenvatinib:34
  regorafenib:3``), ``settings`` (failed first lines, likewise), ``comparator`` (``yes`` in the rows of the arm that the
  others are compared with);
- the outcome: ``outcome``, an outcome of the configuration, or ``response`` together with ``criterion``;
- time to event: ``hr``, ``hr_lower``, ``hr_upper``, ``hr_level`` (0.95 by default), ``hr_p`` (of this arm against the
  comparator), ``adjustment``, ``covariates`` (separated by ``;``), ``median``, ``median_lower``, ``median_upper``,
  ``median_level`` (0.95 by default), ``median_unit`` (months by default), ``logrank_p`` with ``favours``, ``events``,
  ``assumed_fraction``, ``assumed_low``, ``assumed_high``, ``assumed_reason``;
- counts: ``events``, ``percent``, ``of``; for ``response`` ``cr``, ``pr``, ``sd``, ``pd``;
- judgements of an outcome as a whole: ``risk_of_bias`` with ``risk_of_bias_tool``, ``risk_of_bias_support`` (the words
  of the paper), ``risk_of_bias_place`` (by default the line of the table) and ``risk_of_bias_judge``; ``indirectness``
  (low, some, high) with ``indirectness_support``, ``indirectness_place`` and ``indirectness_judge``. An outcome without
  them is not judged;
- where the figures stand: ``printed`` (by default the cells of the row), ``place`` (by default the line of the table),
  ``note``.

A p may be a bound, as in ``<0.001``. Ratios and tests stand in the row of the arm that is compared, not in that of the
comparator. What has no column here (populations, several contrast sets, curves, quotations, judgements by domain) is
added to the sheet by hand.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from secondline.errors import UserError
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.script import mistakes_in_one_line
from secondline.project.config import Config, time_to_event_outcomes
from secondline.project.cross_checks import check_vocabulary
from secondline.project.documents import Document, Path_
from secondline.project.read import read_setup
from secondline.project.sheet_files import sheet_of
from secondline.project.table_lines import Line, read_cells
from secondline.tables import write_text
from secondline.tools.import_judgements import COLUMNS as JUDGED
from secondline.tools.import_judgements import judgements
from secondline.tools.new_study import sheet_file
from secondline.tools.sheet_text import sheet_text

_BIBLIOGRAPHY = ("authors", "title", "journal", "year", "doi")
_STUDY = (*_BIBLIOGRAPHY, "design", "site", "enrolment_start", "enrolment_end", "enrolment_printed")
_ARM = ("label", "n", "regimens", "settings", "comparator")
_HAZARD = ("hr", "hr_lower", "hr_upper")
_MEDIAN = ("median", "median_lower", "median_upper")
_ASSUMED = ("assumed_fraction", "assumed_low", "assumed_high", "assumed_reason")
_CATEGORIES = ("cr", "pr", "sd", "pd")
_TIME_TO_EVENT = (
    *(*_HAZARD, "hr_level", "hr_p", "adjustment", "covariates"),
    *(*_MEDIAN, "median_level", "median_unit", "logrank_p", "favours", *_ASSUMED),
)
# Cells that say more about the figure in another cell.
_DEPENDENT = {
    "hr": ("hr_lower", "hr_upper", "hr_p", "adjustment", "covariates"),
    "hr_lower": ("hr_level",),
    "median": ("median_lower", "median_upper", "median_unit"),
    "median_lower": ("median_level",),
    "logrank_p": ("favours",),
    "assumed_fraction": ("assumed_low", "assumed_high", "assumed_reason"),
}
_COUNTED = ("percent", "of")
_RESPONSE = ("criterion", *_CATEGORIES)
COLUMNS = (
    *("study", *_STUDY, "arm", *_ARM, "outcome"),
    *(*_TIME_TO_EVENT, "events", *_COUNTED, *_RESPONSE, "printed", "place", "note"),
    *JUDGED,
)
RESPONSE = "response"  # rows of best overall response, from which several outcomes are made
_P = re.compile(r"(<=|>=|<|>|=)?\s*(.+)")


def read_studies(file: Path, config: Config) -> list[Document]:
    """Read a flat table into one sheet per study, as plain data with the line that every part comes from.

    Raises
    ------
    UserError
        The first cell that cannot be read, with file, line and column.
    """
    groups: dict[str, list[Line]] = {}
    for line in _lines(file):
        groups.setdefault(line.text("study"), []).append(line)
    return [_Study(study, lines, config).document() for study, lines in groups.items()]


def _lines(file: Path) -> Iterator[Line]:
    (top, header), *body = read_cells(str(file))
    for name in header:
        if header.count(name) > 1:
            raise UserError("this column occurs twice", file, top, name)
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UserError(f"unknown column; {hint}allowed: {', '.join(COLUMNS)}", file, top, name)
    for name in ("study", "arm", "outcome"):
        if name not in header:
            raise UserError(f"no column {name}", file, top)
    if not body:
        raise UserError("the table has no rows", file)
    for number, cells in body:
        if len(cells) != len(header):
            raise UserError(f"{len(cells)} cells; allowed: {len(header)}, as in the header", file, number)
        filled = {name: cell for name, cell in zip(header, cells, strict=True) if cell not in ("", "NA")}
        yield Line(str(file), number, {name: filled.get(name, "") for name in COLUMNS}, {})


@dataclass
class _Study:
    """The rows of one study, and the sheet that they become."""

    study: str
    rows: Sequence[Line]
    config: Config
    lines: dict[Path_, int] = field(default_factory=dict)
    """Line of the table by path of the sheet."""
    data: dict[str, Any] = field(default_factory=dict)

    def document(self) -> Document:
        """Put the sheet together."""
        first = self.rows[0]
        arms: dict[str, list[Line]] = {}
        for row in self.rows:
            arms.setdefault(row.text("arm"), []).append(row)
        self.comparator = self._comparator(arms)
        self.data = {"study": self.study, **self._facts()}
        self.data["failed_first_line"] = self._failed_first_line(arms)
        self.data["arms"] = {name: self._arm(name, rows) for name, rows in arms.items()}
        self.data["contrast_sets"] = {"arms": {"arms": list(arms), "comparator": self.comparator}}
        hazards = time_to_event_outcomes(self.config)
        seen: set[tuple[str, str, str]] = set()
        for row in self.rows:
            key = (row.cells["arm"], row.text("outcome"), row.cells["criterion"])
            if key in seen:
                raise row.error("outcome", f"a second row of {key[0]} on this outcome; allowed: one")
            seen.add(key)
            self._record(row, hazards)
        judged, lines = judgements(self.rows, self._once, self._outcomes)
        self.data |= judged
        self.lines |= lines
        return Document(Path(first.file), self.data, {(): first.number, **self.lines})

    def _outcomes(self, cell: str) -> list[str]:
        """Outcomes for which a cell stands: those made of response categories, or one."""
        if cell != RESPONSE:
            return [cell]
        return [name for name, outcome in self.config.outcomes.items() if outcome.categories]

    def _once(self, rows: Sequence[Line], column: str) -> tuple[str, Line]:
        """Cell of a fact that any of the rows may give, but only one way."""
        given = [row for row in rows if row.cells[column]]
        for row in given[1:]:
            if row.cells[column] != given[0].cells[column]:
                there = f"line {given[0].number} says {given[0].cells[column]}"
                raise row.error(column, f"{there}; allowed: the same, or an empty cell")
        return (given[0].cells[column], given[0]) if given else ("", rows[0])

    def _needed(self, rows: Sequence[Line], column: str) -> tuple[str, Line]:
        cell, row = self._once(rows, column)
        if not cell:
            raise row.error(column, "an empty cell; this is needed once in the rows of the study or arm")
        return cell, row

    def _facts(self) -> dict[str, Any]:
        cells = {column: self._once(self.rows, column) for column in _STUDY}
        for column in _STUDY:
            path = ("bibliography", column) if column in _BIBLIOGRAPHY else (column,)
            self.lines[path] = cells[column][1].number
        facts: dict[str, Any] = {
            "bibliography": {name: cells[name][0] for name in _BIBLIOGRAPHY if cells[name][0]},
            **{name: self._needed(self.rows, name)[0] for name in ("design", "site")},
        }
        facts["bibliography"]["year"] = self._needed(self.rows, "year")[1].whole("year", 1900)
        start, row = self._needed(self.rows, "enrolment_start")
        end, _ = self._needed(self.rows, "enrolment_end")
        printed = cells["enrolment_printed"][0] or f"{start} to {end}"
        facts["enrolment"] = {"start": start, "end": end, "printed": printed, "place": _place(row)}
        self.lines["enrolment",] = row.number
        return facts

    def _comparator(self, arms: Mapping[str, Sequence[Line]]) -> str:
        marked = []
        for name, rows in arms.items():
            cell, row = self._once(rows, "comparator")
            if cell.lower() not in ("", "yes", "no"):
                raise row.error("comparator", "allowed: yes, no or an empty cell")
            marked += [name] if cell.lower() == "yes" else []
        if len(marked) != 1:
            found = ", ".join(marked) or "none"
            raise self.rows[0].error("study", f"comparator is yes in {found} of its arms; allowed: in one")
        return marked[0]

    def _arm(self, name: str, rows: Sequence[Line]) -> dict[str, Any]:
        cell, row = self._needed(rows, "n")
        n = row.whole("n", 1)
        regimens, where = self._needed(rows, "regimens")
        self.lines["arms", name] = row.number
        self.lines["arms", name, "regimens"] = where.number
        label = self._once(rows, "label")[0] or name
        parts = _parts(where, "regimens", regimens, n)
        return {"label": label, "n": n, "regimens": parts, "printed": cell, "place": _place(row)}

    def _failed_first_line(self, arms: Mapping[str, Sequence[Line]]) -> list[dict[str, Any]]:
        by_setting: dict[str, dict[str, int]] = {}
        first: dict[str, Line] = {}
        for name, rows in arms.items():
            n = self._needed(rows, "n")[1].whole("n", 1)
            cell, row = self._needed(rows, "settings")
            for setting, count in _parts(row, "settings", cell, n).items():
                by_setting.setdefault(setting, {})[name] = count
                first.setdefault(setting, row)
        found = []
        for i, (setting, counts) in enumerate(by_setting.items()):
            self.lines["failed_first_line", i] = first[setting].number
            n, printed = sum(counts.values()), " and ".join(map(str, counts.values()))
            found.append(
                {"setting": setting, "n": n, "arms": counts, "printed": f"{printed}, together {n}"}
                | {"place": _place(first[setting])}
            )
        return found

    def _record(self, row: Line, hazards: Sequence[str]) -> None:
        """Add the figures of one row to the sections that they belong to."""
        outcome = row.cells["outcome"]
        if outcome in hazards:
            _only(row, (*_TIME_TO_EVENT, "events"))
            self._time_to_event(row)
        elif outcome == RESPONSE:
            _only(row, _RESPONSE)
            self._response(row)
        else:
            _only(row, ("events", *_COUNTED))
            counts: dict[str, float] = {"count": row.whole("events")} if row.has("events") else {}
            if row.has("percent"):
                counts["percent"] = row.number_in("percent")
            if row.has("of"):
                counts["of"] = row.whole("of", 1)
            self._add(
                "counts",
                row,
                {"outcome": outcome, "arm": row.cells["arm"], "events": counts | _shown(row, "events", "percent")},
            )

    def _time_to_event(self, row: Line) -> None:
        self._check_time_to_event(row)
        about = {"outcome": row.cells["outcome"]}
        arm = {"arm": row.cells["arm"]}
        pair = {"treatment": row.cells["arm"], "comparator": self.comparator}
        if row.has("hr"):
            more: dict[str, Any] = {"adjustment": row.cells["adjustment"] or "crude"}
            if row.has("covariates"):
                more["covariates"] = [name.strip() for name in row.cells["covariates"].split(";") if name.strip()]
            if row.has("hr_p"):
                more["p"] = _p_value(row, "hr_p")
            figures = _numbers(row, *_HAZARD, "hr_level") | _shown(row, *_HAZARD)
            self._add("hazard_ratios", row, about | pair | more | figures)
        if row.has("median"):
            kind = {"unit": row.cells["median_unit"]} if row.has("median_unit") else {}
            figures = _numbers(row, *_MEDIAN, "median_level") | _shown(row, *_MEDIAN)
            self._add("medians", row, about | arm | kind | figures)
        if row.has("logrank_p"):
            favours = {"favours": row.text("favours")}
            self._add("log_rank", row, about | pair | favours | {"p": _p_value(row, "logrank_p")})
        if row.has("events"):
            figure = {"count": row.whole("events")} | _shown(row, "events")
            self._add("events", row, about | arm | {"events": figure})
        if row.has("assumed_fraction"):
            low, high = row.number_in("assumed_low"), row.number_in("assumed_high")
            assumed = {"fraction": row.number_in("assumed_fraction"), "plausible": [low, high]}
            self._add("assumed_events", row, about | assumed | {"reason": row.text("assumed_reason")})

    def _check_time_to_event(self, row: Line) -> None:
        """Check that nothing in a row depends on a figure that is not there, and would be dropped in silence."""
        for base, others in _DEPENDENT.items():
            for name in others:
                if row.cells[name] and not row.cells[base]:
                    raise row.error(name, f"nothing in {base} that this belongs to; allowed: an empty cell")
        for name in ("hr", "logrank_p"):
            if row.cells[name] and row.cells["arm"] == self.comparator:
                raise row.error(
                    name, "this arm is the comparator; enter the ratio in the row of the arm compared with it"
                )
        if row.cells["assumed_fraction"]:
            earlier = [record["outcome"] for record in self.data.get("assumed_events", ())]
            if row.cells["outcome"] in earlier:
                line = self.lines["assumed_events", earlier.index(row.cells["outcome"])]
                raise row.error("assumed_fraction", f"given in line {line} already; allowed: once an outcome")

    def _response(self, row: Line) -> None:
        figures = {
            name: {"count": row.whole(name)} | _shown(row, name, place=False) for name in _CATEGORIES if row.has(name)
        }
        if not figures:
            raise row.error("outcome", f"no figure in this row; allowed: {', '.join(_CATEGORIES)}")
        record = {"criterion": row.text("criterion"), "arm": row.cells["arm"], "place": _place(row), **figures}
        self._add("responses", row, record)

    def _add(self, section: str, row: Line, record: dict[str, Any]) -> None:
        records = self.data.setdefault(section, [])
        self.lines[section, len(records)] = row.number
        records.append(record)


def _only(row: Line, allowed: Sequence[str]) -> None:
    """Check that a row gives figures of its outcome only, so that none is dropped in silence."""
    figures = [name for name in (*_TIME_TO_EVENT, "events", *_COUNTED, *_RESPONSE) if row.cells[name]]
    for name in figures:
        if name not in allowed:
            raise row.error(name, f"{row.cells['outcome']} has no such figure; allowed: {', '.join(allowed)}")
    if not figures:
        raise row.error("outcome", f"no figure in this row; allowed: {', '.join(allowed)}")


def _parts(row: Line, column: str, cell: str, n: int) -> dict[str, int]:
    """Read one name, which all patients have, or patients by name as in ``a:34 b:3``."""
    if ":" not in cell:
        return {cell: n}
    parts: dict[str, int] = {}
    for part in cell.split():
        name, _, count = part.rpartition(":")
        if not name or name in parts or not (count.isascii() and count.isdigit() and int(count)):
            raise row.error(column, "allowed: one name, or patients by name such as a:34 b:3")
        parts[name] = int(count)
    if sum(parts.values()) != n:
        raise row.error(column, f"these add up to {sum(parts.values())}, the arm has n = {n}")
    return parts


def _place(row: Line) -> str:
    return row.cells["place"] or f"{Path(row.file).name}, line {row.number}"


def _shown(row: Line, *columns: str, place: bool = True) -> dict[str, str]:
    """Give the printed string, the place and the note of the figures in some cells."""
    printed = row.cells["printed"] or " ".join(filter(None, (row.cells[column] for column in columns)))
    shown = {"printed": printed, **({"place": _place(row)} if place else {})}
    return {**shown, "note": row.cells["note"]} if row.cells["note"] else shown


def _numbers(row: Line, *columns: str) -> dict[str, Any]:
    names = ("value", "lower", "upper", "level")
    return {name: row.number_in(column) for name, column in zip(names, columns, strict=True) if row.has(column)}


def _p_value(row: Line, column: str) -> dict[str, Any]:
    found = _P.fullmatch(row.cells[column])
    relation, number = (found[1] or "=", found[2]) if found else ("=", "")
    value = Line(row.file, row.number, {column: number}, {}).number_in(column)
    return {"value": value, "relation": relation, **_shown(row, column)}


def import_studies(file: Path, configfile: Path) -> list[Path]:
    """Write a sheet for every study of a flat table, or none at all if anything is wrong.

    Raises
    ------
    UserError
        The first mistake, with file, line and column; or a sheet that is there already.
    """
    setup, config, treatments = read_setup(configfile)
    sheets: dict[Path, str] = {}
    if file == Path():
        raise UserError("name the table: make import-studies CSV=studies.csv")
    for document in read_studies(file, config):
        sheet = sheet_of(document)
        check_vocabulary(sheet, treatments, config)
        target, schema = sheet_file(sheet.study, setup, config)
        sheets[target] = sheet_text(document.data, file.name, schema)
    for target, text in sheets.items():
        write_text(target, text)
    return list(sheets)


def main() -> None:
    """Import a flat table, and say which sheets were written."""
    parser = argparse.ArgumentParser(prog="secondline import", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, help="the table, CSV")
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        files = import_studies(arguments.file, arguments.configfile)
    for file in files:
        print(file)


if __name__ == "__main__":
    main()
