"""The networks of validation/, run through their Snakefile, against every figure that was published of them."""

import csv
import re

import pandas as pd
import pytest
import secondline as sl

from scripts.published import DIFFERS, NETWORKS, RESULTS, VALIDATION, compare
from scripts.validate import title_of
from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

PAGE = (ROOT / "docs/validation.md").read_text(encoding="utf-8")
IN_EVERY_RUN = ("antihypertensives", "gleser_olkin_counts", "gleser_olkin_means", "hba1c", "headache", "parkinsons")
"""Networks without counts in their fits, which take seconds; the others sample counts, or are large."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Copy the workflow with the networks, without any results."""
    return copy_of(ROOT, tmp_path_factory.mktemp("validation"), (*PARTS, "validation"))


@pytest.mark.parametrize(
    "network", [name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)
def test_published_figures(project: Project, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever differs has a reason, whatever has a reason differs, and docs/validation.md gives the same verdicts."""
    done = project.snakemake("--snakefile", "validation/Snakefile", "--cores", "2", network)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    compared = compare(network, project.folder)
    differs = {one.figure.figure for one in compared if one.verdict == DIFFERS}
    explained = {one.figure.figure for one in compared if one.figure.reason}
    assert differs == explained
    monkeypatch.chdir(ROOT)
    assert {(one.figure.figure, one.figure.published, one.verdict) for one in compared} <= on_the_page(network)
    for file in (project.folder / RESULTS / network).rglob("diagnostics.csv"):
        with file.open(newline="") as handle:
            assert {(row["converged"], row["divergences"]) for row in csv.DictReader(handle)} == {("true", "0")}, file


def on_the_page(network: str) -> set[tuple[str, str, str]]:
    """Figures of a network on the page: what, as published, and the verdict."""
    title, _ = title_of(network)
    section = PAGE.split(f"\n### {title}\n")[1].split("\n### ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if re.match(r"\| (?!figure|---)", line)]
    return {(row[0].replace("\\|", "|"), row[1], row[-1]) for row in rows}


def test_transfusion_by_the_exact_engine() -> None:
    """Deaths after transfusion of granulocytes (Stanworth 2005), tau squared log-normal(-3.93, 1.51 squared).

    Turner 2012 (Int J Epidemiol 41:818) gives tau squared 0.18 (0.003 to 1.84) and d -0.77 (0.44).
    """
    net = sl.Network.from_arms(
        pd.read_csv(VALIDATION / "transfusion" / "trials.csv"),
        study="study",
        treatment="treatment",
        events="events",
        n="n",
        reference="Control",
        measure="OR",
    )
    priors = sl.Priors(tau=sl.log_normal(-3.93, 1.51, source="Turner 2012"))
    fit = sl.fit(net, sl.Model(likelihood="binomial"), priors=priors)
    effects = fit.relative_effects()
    (effect,) = effects[(effects.treatment == "Transfusion") & (effects.comparator == "Control")].to_dict("records")
    assert [effect["mean"], effect["sd"]] == pytest.approx([-0.77, 0.44], abs=0.02)
    (tau,) = fit.heterogeneity().to_dict("records")
    assert tau["median"] ** 2 == pytest.approx(0.18, abs=0.02)
    assert [tau["lower"] ** 2, tau["upper"] ** 2] == pytest.approx([0.003, 1.84], rel=0.25)
    assert tau["prior"] == "log-normal(-3.93, 1.51²) of the variance (Turner 2012)"
