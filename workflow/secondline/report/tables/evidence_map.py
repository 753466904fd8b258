"""The evidence on every treatment in every setting, and the studies of every line of the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose

from secondline.cell_values import OVERALL
from secondline.network.arms import Arm
from secondline.report.figures.network import (
    Edge,
    Node,
    arms_of_node,
    drawn_settings,
    edge_id,
    node_id,
    node_of,
    panel_edges,
)
from secondline.report.settings import StudyFacts
from secondline.report.tables.results import Table
from secondline.report.words import Names, Row, is_true, listed, plural, reference_of, settings_of

SEPARATOR = "|"  # between studies in attributes of the page; no id or name of a study holds it


@dataclass(frozen=True)
class Cell:
    """A treatment in a setting: the label of its effect against the reference, in words too, and who received it."""

    evidence: str
    said: str
    patients: str
    candidate: bool


@dataclass(frozen=True)
class EvidenceMap:
    """Treatments by settings; ``missing`` are treatments of the vocabulary that the network does not hold."""

    settings: list[str]
    rows: list[tuple[str, list[Cell]]]
    missing: list[str]


def evidence_map(ranking: Sequence[Row], arms: Sequence[Arm], names: Names) -> EvidenceMap:
    """Map the evidence of an outcome: who received what in which setting, and the label of every effect.

    Parameters
    ----------
    ranking : rows
        ranking.csv of the headline model.
    arms : sequence
        The arms that enter the fit.
    """
    places = [name for name in settings_of(ranking) if name != OVERALL or not names.has_settings]
    found = {(row["treatment"], row["setting"]): row for row in ranking}
    references = {place: reference_of(ranking, place) for place in places}
    treatments = list(dict.fromkeys(row["treatment"] for row in ranking))
    rows = [
        (
            names.regimen(name),
            [_cell(found[name, place], arms, references[place], names) for place in places if (name, place) in found],
        )
        for name in treatments
    ]
    missing = [names.regimen(name) for name in names.labels.regimens if name not in treatments]
    return EvidenceMap([names.place(place) for place in places], rows, missing)


def _cell(row: Row, arms: Sequence[Arm], reference: str, names: Names) -> Cell:
    candidate = is_true(row, "candidate")
    node = node_of(arms, row["treatment"], row["setting"], candidate)
    return Cell(row["evidence"], names.evidence(row, reference), _patients(node), candidate)


def _patients(node: Node) -> str:
    """Say how many patients of how many studies; arms of mixed studies count by their shares."""
    if not node.given:
        return "not given"
    studies = plural(node.studies, "study", "studies")
    if not node.patients:
        return studies
    whole = isclose(node.patients, round(node.patients), abs_tol=1e-9)
    sign = "at least " if not node.complete else "" if whole else "about "
    return f"{sign}{node.patients:.0f} patients, {studies}"


def map_sentences(table: EvidenceMap) -> list[str]:
    """Say which treatments are not in the network of an outcome."""
    if not table.missing:
        return []
    return [f"Not in the network of this outcome: {listed(table.missing)}."]


def comparison_table(edges: Sequence[Row], arms: Sequence[Arm], names: Names) -> Table:
    """Tabulate the lines of the network: every pair compared, where, and by which studies.

    Parameters
    ----------
    edges : rows
        network/edges.csv
    """
    places = [name for name in drawn_settings(edges, names) if name != OVERALL or not names.has_settings]
    rows, studies = [], []
    for place in places:
        for pair, edge in panel_edges(edges, arms, place).items():
            cells = [
                _pair(pair, names),
                names.place(place),
                str(len(edge.studies)),
                ", ".join(map(names.study, edge.studies)),
            ]
            rows.append([*cells, _kind(edge)])
            studies.append(SEPARATOR.join(edge.studies))
    columns = ["Comparison", "Setting", "Studies", "Which", "Compared"]
    kept = [k for k, column in enumerate(columns) if column != "Setting" or names.has_settings]
    rows = [[row[k] for k in kept] for row in rows]
    caption = f"{names.outcome_label}: comparisons, the lines of the network"
    return Table(caption, tuple(columns[k] for k in kept), rows, studies=studies)


def network_marks(
    edges: Sequence[Row], arms: Sequence[Arm], studies: Mapping[str, StudyFacts], names: Names
) -> dict[str, dict[str, str]]:
    """Give what the page knows of every drawn line and node, by id: a title and the studies behind it.

    A line has the studies that compare its two treatments, a node those that gave its treatment to any of their arms.
    """
    marks: dict[str, dict[str, str]] = {}
    treatments = list(dict.fromkeys(name for arm in arms for name in arm.regimens))
    for place in drawn_settings(edges, names):
        where = f", {names.place(place)}" if names.has_settings else ""
        for pair, edge in panel_edges(edges, arms, place).items():
            mark = _mark(f"{_pair(pair, names)}{where}", edge.studies, studies, names, _kind(edge))
            marks |= {edge_id(place, pair, kind): mark for kind in ("whole", "mixed")}
        for name in treatments:
            if given := list(dict.fromkeys(arm.study for arm in arms_of_node(arms, name, place))):
                marks[node_id(place, name)] = _mark(f"{names.regimen(name)}{where}", given, studies, names)
    return marks


def _mark(
    what: str, behind: Sequence[str], studies: Mapping[str, StudyFacts], names: Names, kind: str = ""
) -> dict[str, str]:
    """Write the title of a mark, and list the studies behind it."""
    members = "; ".join(f"{names.study(name)}{_design(studies, name)}" for name in behind)
    count = ", ".join(filter(None, [plural(len(behind), "study", "studies"), kind]))
    return {"title": f"{what}: {count}: {members}", "data-studies": SEPARATOR.join(behind)}


def _pair(pair: tuple[str, str], names: Names) -> str:
    return " against ".join(map(names.regimen, pair))


def _kind(edge: Edge) -> str:
    kinds = [words for weight, words in ((edge.whole, "in whole arms"), (edge.mixed, "within mixed arms")) if weight]
    return " and ".join(kinds)


def _design(studies: Mapping[str, StudyFacts], name: str) -> str:
    design = studies[name].design.replace("_", " ") if name in studies else ""
    return f" ({design})" if design else ""
