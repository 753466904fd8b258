"""The published networks of validation/: they are read, every figure has its place in a run, and how it is compared."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from secondline.certainty import flow_tables
from secondline.doubt import thresholds
from secondline.evidence import selection
from secondline.inference import fit_statistics
from secondline.jobs.start import open_project
from secondline.summaries import (
    absolute_effects,
    coefficients,
    frequentist,
    heterogeneity,
    inconsistency,
    ranking,
    relative_effects,
)

from scripts.published import (
    AGREES,
    COLUMNS,
    DIFFERS,
    NETWORKS,
    RESULTS,
    SAME,
    Figure,
    look_up,
    read_figures,
    tables_of,
)
from tests.workflow.conftest import PARTS, ROOT, Project, copy_of, jobs

FIGURES = {network: read_figures(network) for network in NETWORKS}
OF_MODELS = {
    "relative_effects": relative_effects.COLUMNS,
    "ranking": ranking.COLUMNS,
    "coefficients": coefficients.COLUMNS,
    "heterogeneity": heterogeneity.COLUMNS,
    "fit_statistics": fit_statistics.COLUMNS,
    "absolute_effects": absolute_effects.COLUMNS,
}
OF_FOLDERS = {
    "frequentist/relative_effects": frequentist.RELATIVE_COLUMNS,
    "frequentist/heterogeneity": frequentist.HETEROGENEITY_COLUMNS,
    "inconsistency/node_splits": inconsistency.SPLIT_COLUMNS,
    "inconsistency/unrelated_effects": inconsistency.UNRELATED_COLUMNS,
    "inconsistency/fit_statistics": inconsistency.FIT_COLUMNS,
    "certainty/flows": flow_tables.COLUMNS,
    "certainty/flow_effects": flow_tables.EFFECT_COLUMNS,
    "doubt/thresholds": thresholds.COLUMNS,
}


def test_there_are_enough_of_them() -> None:
    """Twelve networks, 250 figures that are printed."""
    assert len(NETWORKS) >= 12
    assert sum(figure.kind == "printed" for figures in FIGURES.values() for figure in figures) >= 250


@pytest.mark.parametrize("network", NETWORKS)
def test_a_configuration_is_read(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has results and analyses of its own, so that no two networks write the same file or log."""
    monkeypatch.chdir(ROOT)
    _, project = open_project([Path(f"validation/{network}/config.yaml")])
    assert project.config.results == f"{RESULTS}/{network}"
    assert project.config.shared is None
    assert all(analysis.startswith(network) for analysis in project.config.analyses)
    assert project.config.title
    assert any(table.label for table in project.config.evidence), "say where the data were published"


def columns_of(table: str, models: Mapping[str, object]) -> tuple[str, ...]:
    """Columns of a table below the results of a network."""
    _, _, *parts = table.split("/")
    if parts == ["evidence"]:
        return selection.CONTRAST_COLUMNS
    folder, name = parts
    return OF_MODELS[name] if folder in models else OF_FOLDERS[f"{folder}/{name}"]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_figure_has_a_place_and_a_source(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An analysis, an outcome and a table, columns of that table, a number, and who published it."""
    monkeypatch.chdir(ROOT)
    _, project = open_project([Path(f"validation/{network}/config.yaml")])
    config, seen = project.config, set()
    for figure in FIGURES[network]:
        analysis, outcome, *_ = figure.table.split("/")
        assert outcome in config.outcomes_of(analysis), figure
        columns = columns_of(figure.table, config.models)
        asked = {part for column in figure.row for part in column.split("+")}
        assert {figure.column, *asked} <= set(columns), figure
        named = {cell for column, cell in figure.row.items() if column in ("treatment", "comparator")}
        assert named <= set(project.treatments.regimens), figure
        assert float(figure.published) == pytest.approx(float(figure.published))
        assert re.search(r"\b(19|20)\d\d\b|^run of |^project file of |^netmeta |manual", figure.source), figure
        if figure.kind == "printed":
            assert not figure.source.startswith("run of "), figure
        assert figure.rounding > 0
        seen.add((figure.figure, figure.source))
    assert len(seen) == len(FIGURES[network]), "two figures of one name and source"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Copy the workflow with the networks, without any results."""
    return copy_of(ROOT, tmp_path_factory.mktemp("validation"), (*PARTS, "validation"))


def test_the_tables_of_every_network_can_be_made(copy: Project) -> None:
    """Snakemake plans them for all networks, each a module under its own name, and nothing that no figure needs."""
    done = copy.snakemake("--snakefile", "validation/Snakefile", "-n", "--quiet", "host", "progress")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    planned = jobs(done.stdout + done.stderr)
    rules = {job.split()[0] for job in planned}
    assert {network for network in NETWORKS if f"{network}_build_evidence" in rules} == set(NETWORKS)
    assert not [rule for rule in rules if re.search("plot|report|certainty|specifications|gather", rule)]
    few = copy.snakemake("--snakefile", "validation/Snakefile", "-n", "smoking", "--quiet", "host", "progress")
    assert {job.split("_")[0] for job in jobs(few.stdout + few.stderr)} == {"smoking"}


def test_a_mistake_is_reported_with_its_file_and_line(copy: Project) -> None:
    """As in a configuration that is run by itself."""
    file = "validation/bcg/config.yaml"
    copy.edit(file, "headline: random", "headline: randon")
    line = (copy.folder / file).read_text().splitlines().index("headline: randon") + 1
    done = copy.snakemake("--snakefile", "validation/Snakefile", "-n")
    assert done.returncode == 2
    assert f"error: {file}:{line}: headline = 'randon'" in done.stderr
    copy.edit(file, "headline: randon", "headline: random")


# --- how a figure is compared ---------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Write the tables of an invented run."""
    tables = {
        "m/relative_effects": [
            {"setting": "overall", "treatment": t, "comparator": c, "mean": m, "sd": 0.2, "upper": m + 0.4}
            for t, c, m in (("b", "a", 0.512), ("c", "b", 0.1), ("c", "a", 0.612))
        ],
        "m/diagnostics": [{"parameter": f"d[overall,{t}]", "ess_bulk": n} for t, n in (("b", 10_000), ("c", 8_100))],
        "m/exact_check": [
            {
                **{"parameter": "d[overall,b]", "quantity": "mean", "exact": 0.5, "mcse": 0.002},
                **{"exact_error": 0.0, "status": "checked"},
            }
        ],
        "m/heterogeneity": [{"parameter": "tau", "mean": 0.3, "sd": 0.1}],
        "certainty/flows": [
            {"treatment": "b", "comparator": "a", "study": s, "share": x} for s, x in (("1", 0.25), ("2", 0.125))
        ],
        "doubt/thresholds": [{"study": "1", "effect": 0.5, "lower": 0.125}],
    }
    for name, rows in tables.items():
        file = tmp_path / f"{name}.csv"
        file.parent.mkdir(exist_ok=True)
        with file.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return tmp_path


def figure(published: str, table: str = "m/relative_effects", column: str = "mean", **more: object) -> Figure:
    """Publish a figure of the invented run."""
    made = {"network": "n", "figure": "f", "form": "", "tolerance": "", "kind": "printed", "sampled": False}
    made |= {"table": table, "column": column, "published": published, "source": "s", "reason": "", "row": {}}
    return Figure(**{**made, **more})  # pyright: ignore


def pair(treatment: str, comparator: str) -> dict[str, str]:
    """Name the row of an effect."""
    return {"treatment": treatment, "comparator": comparator}


def test_the_exact_value_decides_where_there_is_one(run: Path) -> None:
    """0.50 is the digits of the exact 0.5, and not of the sampled 0.512."""
    found = look_up(figure("0.50", row=pair("b", "a")), run)
    assert (found.ours, found.exact, found.best, found.error) == (0.512, 0.5, 0.5, 0.0)
    assert found.verdict == SAME
    assert look_up(figure("0.51", row=pair("b", "a")), run).verdict == DIFFERS


def test_monte_carlo_errors_of_both_belong_to_the_tolerance(run: Path) -> None:
    """Of c against b, whose exact value is in no table: sd 0.2 with 8,100 draws here and 4,000 there."""
    theirs, ours = 0.2 / 4000**0.5, 0.2 / 8100**0.5
    sampled = look_up(figure("0.112", row=pair("c", "b"), sampled=True), run)
    assert sampled.exact is None
    assert sampled.error == pytest.approx((theirs**2 + ours**2) ** 0.5)
    assert sampled.difference == pytest.approx(-0.012 / (0.0005 + 3 * sampled.error))
    assert sampled.verdict == AGREES
    closed = look_up(figure("0.112", row=pair("c", "b")), run)
    assert closed.error == pytest.approx(ours)
    assert closed.verdict == DIFFERS
    upper = look_up(figure("0.55", row=pair("c", "b"), column="upper", sampled=True), run)
    assert upper.error == pytest.approx(2.67 * sampled.error)
    assert look_up(figure("0.10", row=pair("c", "b"), tolerance="0.02"), run).figure.rounding == 0.02


def test_the_error_of_probabilities(run: Path) -> None:
    """A p-value is twice the probability of the smaller side: 0.9 has the error of 0.45, twice."""
    file = run / "inconsistency/node_splits.csv"
    file.parent.mkdir()
    file.write_text("sucra,p_value\n0.45,0.9\n")
    sucra, p = (
        look_up(figure("0.9", "inconsistency/node_splits", column, sampled=True), run)
        for column in ("sucra", "p_value")
    )
    assert sucra.error == pytest.approx((0.45 * 0.55 / 4000) ** 0.5)
    assert p.error == pytest.approx(2 * sucra.error)


def test_forms(run: Path) -> None:
    """What of a cell was published."""
    assert look_up(figure("-0.61", row=pair("c", "a"), form="minus"), run).verdict == SAME
    squared = look_up(figure("0.09", "m/heterogeneity", row={"parameter": "tau"}, form="square", sampled=True), run)
    assert squared.ours == pytest.approx(0.09)
    assert squared.error == pytest.approx(2 * 0.3 * 0.1 * (1 / 4000 + 1 / 8100) ** 0.5)
    shares = figure("37.5", "certainty/flows", "share", row={"treatment+comparator": "a+b"}, form="sum in percent")
    assert look_up(shares, run).best == 37.5
    one = figure("12.5", "certainty/flows", "share", row={"study": "2"}, form="sum in percent")
    assert look_up(one, run).best == 12.5
    shift = figure("-0.375", "doubt/thresholds", "lower", row={"study": "1"}, form="less effect")
    assert look_up(shift, run).best == -0.375


def test_a_row_that_is_not_there(run: Path) -> None:
    """A figure has one row."""
    for row in ({"treatment": "c"}, {"treatment": "z"}):
        with pytest.raises(LookupError, match=r"rows for f, allowed: one"):
            look_up(figure("1", row=row), run)


def test_a_word_that_is_not_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line of the file, and what is allowed."""
    monkeypatch.setattr("scripts.published.VALIDATION", tmp_path)
    (tmp_path / "n").mkdir()
    file = tmp_path / "n/published.csv"
    file.write_text(",".join(COLUMNS) + "\nf,t,,mean,,1,,guessed,no,s,\n")
    with pytest.raises(ValueError, match=r"published.csv:2: kind = 'guessed'; allowed: 'printed', "):
        read_figures("n")
    file.write_text("figure,table\n")
    with pytest.raises(ValueError, match="the columns are"):
        read_figures("n")


def test_tables_are_named_once() -> None:
    """Of a network, from the folder in which the workflow runs."""
    tables = tables_of("smoking")
    assert "results/validation/smoking/smoking/cessation/random/relative_effects.csv" in tables
    assert len(set(tables)) == len(tables)
