"""The tables of certainty in a workflow: which jobs there are, and what an edit reruns."""

from pathlib import Path

import pytest
from secondline.cell_values import AT_MODE, NOT_ASSESSABLE, PRIOR_SHARE
from secondline.certainty import flow_tables
from secondline.certainty.flow_reasons import BIASED
from secondline.tables import read_table, to_csv

from tests.cinema_format import strictly
from tests.test_cinema_export import elliott as worked_example
from tests.test_flows import elliott
from tests.workflow.conftest import PARTS, ROOT, copy_of
from tests.workflow.small import CONFIG, small_project, write_small

TABLE = "results/main/os/certainty/contributions.csv"


def test_contributions_are_traced_once(tmp_path: Path) -> None:
    """For every model; another label of the analysis traces nothing again, another prior does."""
    project = small_project(tmp_path)
    assert "trace_contributions os" in project.planned("--configfile", CONFIG)
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", TABLE)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = read_table(tmp_path / TABLE)
    assert len(rows) == 2 * 3 * 4  # models, pairs of three treatments, three studies and the prior
    for model in ("fixed", "random"):
        own = [row for row in rows if row["model"] == model and row["treatment"] == "b" and row["comparator"] == "a"]
        assert [row["study"] for row in own] == ["s1", "s2", "s3", PRIOR_SHARE]
        assert sum(float(row["share"]) for row in own) == pytest.approx(1)
    write_small(tmp_path, analyses={"main": {"label": "Everything"}})
    assert not any(job.startswith("trace_contributions") for job in project.planned("--configfile", CONFIG))
    write_small(tmp_path, priors={"log_hr": {"effect": 2, "tau": 0.5, "omega": 0.5, "baseline": 1}})
    assert "trace_contributions os" in project.planned("--configfile", CONFIG)


def test_the_flows_of_elliott_2007_come_through_the_workflow(tmp_path: Path) -> None:
    """The tables that are compared with CINeMA's manual are those that a run of the example writes."""
    project, folder = copy_of(ROOT, tmp_path, PARTS), "results/antihypertensives/diabetes/certainty"
    tables = [f"{folder}/flows.csv", f"{folder}/flow_effects.csv"]
    done = project.snakemake("--configfile", "config/examples/antihypertensives.yaml", "--cores", "1", *tables)
    assert done.returncode == 0, done.stderr[-3000:]
    flows, effects = ((tmp_path / file).read_text(encoding="utf-8") for file in tables)
    assert flows == to_csv(elliott().flows, flow_tables.COLUMNS)
    assert effects == to_csv(elliott().effects, flow_tables.EFFECT_COLUMNS)


def test_an_analysis_with_a_bias_has_no_flows(tmp_path: Path) -> None:
    """The flows of a run are asked for with all that its base analysis assumes of the studies."""
    project, file = small_project(tmp_path), "results/main/os/certainty/flows.csv"
    scheme = {"label": "s1", "reason": "unblinded", "contrasts": {"study": "s1"}, "mean": [0.1]}
    taken = {"main": {"label": "Everything", "bias": {"scheme": "s1", "mean": 0.1, "sd": 0.1}}}
    write_small(tmp_path, bias={"schemes": {"s1": scheme}}, analyses=taken)
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", file)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [row["method"] for row in read_table(tmp_path / file)] == [f"{NOT_ASSESSABLE}: {BIASED}"]


def test_small_studies_are_compared_along_the_declared_order(tmp_path: Path) -> None:
    """Three studies are too few and have no funnel; an order compares anew, and rebuilds nothing else."""
    project, file = small_project(tmp_path), "results/main/os/certainty/small_study_test.csv"
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", file)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [row["method"] for row in read_table(tmp_path / file)] == [f"{NOT_ASSESSABLE}: 3 studies, 10 are needed"]
    only = ("--configfile", CONFIG, "--cores", "1", file)
    assert project.planned(*only) == set()
    write_small(tmp_path, certainty={"small_studies": {"order": ["a", "b", "c"], "reason": "by name"}})
    assert project.planned(*only) == {"compare_small_studies os"}


def test_a_project_for_cinema_comes_through_the_workflow(tmp_path: Path) -> None:
    """The file that is compared with CINeMA's manual is the one that a run of the example writes."""
    project, folder = copy_of(ROOT, tmp_path, PARTS), "results/antihypertensives/diabetes/certainty"
    done = project.snakemake(
        "--configfile", "config/examples/antihypertensives.yaml", "--cores", "1", f"{folder}/cinema.cnm"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert strictly((tmp_path / folder / "cinema.cnm").read_text(encoding="utf-8")) == worked_example()
    rows = read_table(tmp_path / folder / "cinema_rows.csv")
    assert len(rows) == len(worked_example()["project"]["studies"]["long"])
    assert {row["written"] for row in rows} == {"true"}


def test_hazard_ratios_have_no_project_for_cinema(tmp_path: Path) -> None:
    """A run plans and writes no file, and says why beside every row."""
    project, file = small_project(tmp_path), "results/main/os/certainty/cinema_rows.csv"
    assert "export_cinema_os" in project.planned("--configfile", CONFIG)
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", file)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = read_table(tmp_path / file)
    assert [row["study"] for row in rows] == ["s1", "s2", "s3"]
    assert {row["reason"] for row in rows} == {"CINeMA's file has no HR; it has OR, RR, RD, MD, SMD"}
    assert not (tmp_path / file).with_name("cinema.cnm").exists()


@pytest.mark.slow
def test_the_shares_of_elliott_2007_agree_with_its_flows(tmp_path: Path) -> None:
    """Not the same, as a vague prior and the posterior of tau are behind them; the largest contributions are."""
    project, table = copy_of(ROOT, tmp_path, PARTS), "results/antihypertensives/diabetes/certainty/contributions.csv"
    done = project.snakemake("--configfile", "config/examples/antihypertensives.yaml", "--cores", "1", table)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [row for row in read_table(tmp_path / table) if row["model"] == "random"]
    assert {row["method"] for row in rows} == {AT_MODE}
    assert len(rows) == 15 * 23
    shares = {(row["treatment"], row["comparator"], row["study"]): float(row["share"]) for row in rows}
    assert max(value for (*_, study), value in shares.items() if study == PRIOR_SHARE) < 0.001
    # Of ARB against CCB, VALUE is the only trial of two arms.
    assert max(shares, key=lambda key: shares[key] * (key[:2] == ("ccb", "arb")))[2] == "VALUE"
