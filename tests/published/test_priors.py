"""Published results under other priors of the heterogeneity than half-normal ones, through the real Snakefile.

Deaths after transfusion of granulocytes or without it (tests/data/transfusion.csv, six trials; Stanworth 2005, Cochrane
Database CD005339) under the empirical prior tau^2 ~ log-normal(-3.93, 1.51^2) of Turner 2012 (Int J Epidemiol 41:818),
and Parkinson's disease under the uniform(0, 5) of NICE DSU TSD2. The exact engine repeats the first in the library.
"""

import pandas as pd
import pytest
import secondline as sl
import yaml

from tests.published.test_published import compare, find, own_errors, published, table
from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

TRANSFUSION = ROOT / "tests" / "data" / "transfusion.csv"
LN = {"log_normal": {"on": "variance", "mean": -3.93, "sd": 1.51, "source": "Turner 2012"}}
MODEL = "RE binom-logit, tau2 ~ LN(-3.93, 1.51^2)"


def expected_tau() -> dict[str, str]:
    """Give the published limits and median of tau squared as those of tau."""
    row = find(published("transfusion", MODEL), parameter="tau2")
    roots = {key: repr(float(row[key]) ** 0.5) for key in ("q2_5", "median", "q97_5")}
    return {**row, **roots, "parameter": "tau"}


def test_published_results_by_the_exact_engine() -> None:
    """Transfusion: tau squared 0.18 (0.003 to 1.84), d -0.77 (0.44)."""
    df = pd.read_csv(TRANSFUSION)
    net = sl.Network.from_arms(
        df, study="study", treatment="treatment", events="events", n="n", reference="Control", measure="OR"
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


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run both configurations up to their tables."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("priors"), PARTS)
    text = (ROOT / "config/examples/parkinsons.yaml").read_text()
    parkinsons = yaml.safe_load(text)
    for key in ("specifications", "bias", "inconsistency"):
        parkinsons.pop(key)
    parkinsons["outcomes"] = {"off_time_arms": parkinsons["outcomes"]["off_time_arms"]}
    parkinsons["evidence"] = parkinsons["evidence"][:1]
    parkinsons["priors"]["vague"]["tau"] = {"uniform": 5}
    transfusion = {
        **{key: parkinsons[key] for key in ("seed", "models", "headline", "sampler")},
        "question": "Does transfusion of granulocytes prevent deaths?",
        "title": "Transfusion",
        "shared": "results/transfusion",
        "evidence": [{"file": "config/transfusion.csv", "outcome": "deaths"}],
        "treatments": {"reference": "Control", "regimens": {"Control": "Control", "Transfusion": "Transfusion"}},
        "outcomes": {
            "deaths": {"label": "Deaths", "measure": "OR", "better": "lower", "margin": 0.8, "prior": "empirical"}
        },
        "priors": {"empirical": {"effect": 100, "tau": LN, "omega": 1, "baseline": 100}},
        "analyses": {"transfusion": {"label": "All 6 trials"}},
    }
    (project.folder / "config/transfusion.csv").write_text(TRANSFUSION.read_text())
    for name, config in (("parkinsons", parkinsons), ("transfusion", transfusion)):
        (project.folder / f"config/{name}.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        arguments = ["--configfile", f"config/{name}.yaml", "--cores", "2", "--until", "summarise_models"]
        done = project.snakemake(*arguments)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


@pytest.mark.slow
def test_transfusion(ran: Project) -> None:
    """Tau and the effect of transfusion, and the source of the prior beside it."""
    folder = "transfusion/deaths/random"
    tau = table(ran, f"{folder}/heterogeneity.csv")[0]
    effects = table(ran, f"{folder}/relative_effects.csv")
    effect = find(effects, setting="overall", treatment="Transfusion", comparator="Control")
    expected = find(published("transfusion", MODEL), parameter="d")
    complaints = [*compare(expected_tau(), tau, own=own_errors(ran, folder, "tau")), *compare(expected, effect)]
    assert not complaints
    assert "Turner 2012" in tau["prior"]
    converged(ran, folder)


@pytest.mark.slow
def test_parkinsons(ran: Project) -> None:
    """Tau of example 5 of TSD2: mean 0.40, median 0.28."""
    folder = "parkinsons/off_time_arms/random"
    tau = table(ran, f"{folder}/heterogeneity.csv")[0]
    expected = find(published("parkinsons", "RE normal-identity"), parameter="tau")
    assert not [*compare(expected, tau, own=own_errors(ran, folder, "tau"))]
    assert tau["prior"] == "uniform(0, 5)"
    print({key: tau[key] for key in ("mean", "sd", "lower", "median", "upper")})
    converged(ran, folder)


def converged(project: Project, folder: str) -> None:
    """Check that the sampler converged, and agreed with the exact engine."""
    rows = table(project, f"{folder}/diagnostics.csv")
    assert {(row["converged"], row["exact_check"], row["divergences"]) for row in rows} == {("true", "checked", "0")}
