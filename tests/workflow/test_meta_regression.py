"""A meta-regression with common effects as the headline, from table to report: its slope is in tables and page."""

import csv

import pytest
import yaml
from secondline.report.page.folding import unfold

from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

# Means of arms with their standard errors and the baseline of the study, three studies of four treatments (a public
# question in a forum); by least squares B against A -0.611 (0.242), slope 0.660 (0.480).
ROWS = """study,treatment,mean,se,base
one,A,-1.95,0.170,1.78
one,B,-2.22,0.160,1.78
one,C,-1.14,0.160,1.78
one,D,-1.74,0.160,1.78
two,A,-1.05,0.096,1.26
two,D,-1.19,0.086,1.26
three,C,-1.14,0.124,0.75
three,D,-1.76,0.087,0.75
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the meta-regression to its report."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("regression"), PARTS)
    (project.folder / "rows.csv").write_text(ROWS)
    example = yaml.safe_load((ROOT / "config" / "examples" / "smoking.yaml").read_text())
    change = {"label": "Change", "likelihood": "normal", "measure": "MD", "better": "lower", "margin": -0.5}
    config = {
        "results": "results",
        "seed": 1,
        "evidence": [{"file": "rows.csv", "outcome": "change"}],
        "treatments": {"reference": "A", "regimens": {name: name for name in "ABCD"}},
        "outcomes": {"change": {**change, "prior": "vague"}},
        "models": {"slope": {"heterogeneity": False, "covariate": {"name": "base"}}},
        "headline": "slope",
        "priors": {"vague": {"effect": 100, "tau": 1, "omega": 1, "slope": 100}},
        "sampler": example["sampler"] | {"draws": 1000},
        "analyses": {"only": {"label": "Only"}},
        "inconsistency": "only",
    }
    (project.folder / "config.yaml").write_text(yaml.safe_dump(config))
    done = project.snakemake("--configfile", "config.yaml", "--cores", "2", "results/only/report.html")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


def test_slope_of_a_meta_regression_is_in_table_and_report(finished: Project) -> None:
    """Those of least squares by an independent program; the page of a model without heterogeneity is whole."""
    folder = finished.folder / "results" / "only" / "change"
    with (folder / "slope" / "coefficients.csv").open(newline="") as file:
        found = {row["parameter"]: row for row in csv.DictReader(file)}
    for name, mean, sd in (("beta[B]", -0.611, 0.242), ("slope[base]", 0.660, 0.480)):
        assert float(found[name]["mean"]) == pytest.approx(mean, abs=0.1 * sd)
        assert float(found[name]["sd"]) == pytest.approx(sd, rel=0.1)
    assert float(found["slope[base]"]["centre"]) == pytest.approx((1.78 + 1.26 + 0.75) / 3)
    page = unfold((finished.folder / "results" / "only" / "report.html").read_text())
    assert "slope of base, per unit" in page
    assert "degree" in page
