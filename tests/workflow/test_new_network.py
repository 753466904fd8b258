"""From a table as another program wrote it to the report, by the two commands of the README and without editing."""

import csv
from pathlib import Path

import pytest
from secondline.project.read import read_project
from secondline.tools.new_network import Wanted, write_network

from tests.test_new_network import FORMATS, NAMES, SAID
from tests.workflow.conftest import ROOT, Project, copy_of

RETRY = "retry: {draws: 300, tune: 300, target_accept: 0.95}"
FAST = f"sampler={{chains: 2, draws: 200, most_draws: 200, tune: 200, target_accept: 0.9, {RETRY}}}"
CODE = ("Snakefile", "workflow", "scripts", "envs", "profiles")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One copy of the workflow for all of them."""
    return copy_of(ROOT, tmp_path_factory.mktemp("new"), CODE)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_from_the_file_to_the_report(project: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of a format has a report, which knows its treatments; only the sampler is shortened."""
    monkeypatch.chdir(project.folder)
    Path(name).write_bytes((FORMATS / name).read_bytes())
    file, _ = write_network(Wanted(name, better="higher", out=Path(f"{name}.yaml"), **SAID.get(name, {})))
    results = f"results/{Path(name).stem}"
    report = f"{results}/main/report.html"
    done = project.snakemake(report, "--configfile", str(file), "--cores", "2", "--config", FAST)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    with Path(results, "main/outcome/random/ranking.csv").open(newline="", encoding="utf-8") as table:
        ranked = {row["treatment"] for row in csv.DictReader(table)}
    assert ranked == set(read_project(file).treatments.regimens)
    assert "Outcome" in Path(report).read_text(encoding="utf-8")


ODD = """study,treatment,mean,sd,n
A,placebo,1.0,2,40
A,drug 10 mg,0.2,2,40
A,drug 20 mg,0.1,2,40
B,placebo,1.1,2,50
B,other,0.7,2,50
C,other,0.6,2,30
C,drug 10 mg,0.3,2,30
D,placebo,0.9,2,30
E,x,0.9,2,30
E,y,0.7,2,30
"""


@pytest.mark.slow
def test_odd_studies_to_the_report(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two doses of one treatment, a single arm, and a study that nothing links to the reference."""
    monkeypatch.chdir(project.folder)
    Path("odd.csv").write_text(ODD, encoding="utf-8")
    doses = {"treatments": {"drug 10 mg": "drug", "drug 20 mg": "drug"}}
    file, said = write_network(Wanted("odd.csv", better="lower", reference="placebo", entry=doses))
    assert "line 9: the only arm of its study" in said[0] and "A (2 of drug)" in said[0] and said[2].endswith(": E")
    report = "results/odd/main/report.html"
    done = project.snakemake(report, "--configfile", str(file), "--cores", "2", "--config", FAST)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    with Path("results/odd/main/outcome/random/ranking.csv").open(newline="", encoding="utf-8") as table:
        assert {row["treatment"] for row in csv.DictReader(table)} == {"placebo", "drug", "other"}
