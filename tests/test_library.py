"""The front door: the rows of the pipeline from a data frame, by one road; lazy, strict, and nothing compiled."""

import ast
import doctest
import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.evidence.selection import evidence_csv
from secondline.inference.fit import fit_models
from secondline.inference.sampling import fit_seed
from secondline.jobs.provenance import PACKAGE
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.likelihoods import BINOMIAL_LOGIT, ORDERED_PROBIT, POISSON_LOG
from secondline.network.arms import used_arms
from secondline.network.data import network_data
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.summaries.sensitivity import solve
from secondline.summaries.summarise import summarise_models
from secondline.tables import read_table, to_csv, write_text

from tests.conftest import ROOT

VAGUE = sl.Priors(effect=sl.normal(100), tau=sl.half_normal(5), baseline=sl.normal(100))
HEAVY = ("numpy", "scipy", "pandas", "pydantic", "pymc", "pytensor", "numba", "nutpie", "arviz", "xarray", "matplotlib")
COMPILERS = ("numba", "llvmlite", "pytensor", "pymc", "nutpie")
NORMAL = sl.Model(likelihood="normal")


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples are named relative to the project."""
    monkeypatch.chdir(ROOT)


def project(name: str) -> Project:
    """Read a shipped example."""
    return read_project(Path(f"config/examples/{name}.yaml"))


def smoking() -> sl.Network:
    """Smoking cessation from its table."""
    table = pd.read_csv("config/examples/smoking.csv")
    return sl.Network.from_arms(
        table, study="study", treatment="treatment", events="events", n="n", reference="no_contact"
    )


def parkinsons(kind: str, studies: tuple[str, ...] = ()) -> sl.Network:
    """Parkinson's disease, from means or from contrasts."""
    table = pd.read_csv(f"config/examples/parkinsons_{kind}.csv")
    table = table[table["study"].isin(studies)] if studies else table
    if kind == "arms":
        return sl.Network.from_arms(
            table, study="study", treatment="treatment", mean="mean", sd="sd", n="n", reference="placebo"
        )
    return sl.Network.from_contrasts(
        table, study="study", treatment="treatment", comparator="comparator", effect="effect", se="se",
        comparator_se="comparator_se", n_treatment="n_treatment", n_comparator="n_comparator",
        reference="placebo", measure="MD",
    )  # fmt: skip


def written(frame: pd.DataFrame) -> str:
    """Write a data frame by the table writer of the pipeline."""
    cells = frame.astype(object).where(frame.notna(), None)
    return to_csv(cells.to_dict("records"), list(frame.columns))


def run(code: str) -> str:
    """Run code in a process of its own, and return what it prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_nothing_else() -> None:
    """No package but the standard library, and no module of ours."""
    found = run("import sys, secondline; print(*sys.modules)").split()
    assert not {name.split(".")[0] for name in found} & set(HEAVY)
    assert [name for name in found if name.startswith("secondline")] == ["secondline"]


def test_every_name_of_the_door_leads_somewhere() -> None:
    """Names, their homes, and what type checkers see are the same."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {name: f"secondline.{home}" for name, home in sl._HOMES.items()}
    assert sorted(seen) == sorted(sl.__all__)
    assert all(callable(getattr(sl, name)) for name in sl.__all__)
    assert set(sl.__all__) <= set(dir(sl))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sl.nothing


GAUSSIAN = f"""
import sys
import pandas as pd
import secondline as sl
table = pd.read_csv("config/examples/parkinsons_arms.csv")
columns = dict(study="study", treatment="treatment", mean="mean", sd="sd", n="n")
net = sl.Network.from_arms(table, **columns, reference="placebo")
fit = sl.fit(net, sl.Model(likelihood="normal"))
fit.relative_effects(), fit.ranking(better="lower"), fit.league_table(), fit.heterogeneity(), fit.summary()
print(*(name for name in {COMPILERS!r} if name in sys.modules))
"""


def test_a_gaussian_network_is_solved_without_a_compiler() -> None:
    """From the data frame to every table: no compiler is so much as imported."""
    assert run(GAUSSIAN).split() == []


OUTCOMES: dict[str, Callable[[], sl.Network]] = {
    "off_time_arms": lambda: parkinsons("arms"),
    "off_time_contrasts": lambda: parkinsons("contrasts"),
    "off_time_mixed": lambda: (
        parkinsons("arms", ("Lieberman 1998", "Lieberman 1997", "Guttman 1997"))
        + parkinsons("contrasts", ("Brunt 2002 group A", "Brunt 2002 group B", "Gershanik 1994b", "Gershanik 1994a"))
    ),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_exact_rows_are_those_of_the_pipeline(outcome: str, tmp_path: Path) -> None:
    """Means, contrasts, and both kinds added together: bytes of the table of an analysis that is solved exactly."""
    shipped = project("parkinsons")
    evidence = tmp_path / "evidence.csv"
    write_text(evidence, evidence_csv(shipped, "parkinsons", outcome))
    settings, summary = fit_settings(shipped, "parkinsons", outcome), summary_settings(shipped, outcome)
    # a data frame has no order of its own: the reference first, then by name
    declared = settings.treatments
    regimens = dict(sorted(declared.regimens.items(), key=lambda entry: (bool(entry[1]), entry[0])))
    treatments = replace(declared, regimens=regimens, components=tuple(sorted(declared.components)))
    settings, summary = replace(settings, treatments=treatments), replace(summary, treatments=treatments)
    solve(str(evidence), settings, summary, str(tmp_path / "exact.csv"))
    expected = pd.DataFrame(read_table(tmp_path / "exact.csv"))
    expected = expected[expected["model"] == "random"]
    seed = fit_seed(shipped.config.seed, "parkinsons", outcome, "random")
    found = sl.fit(OUTCOMES[outcome](), NORMAL, priors=VAGUE, seed=seed).relative_effects(better="lower", margin=-0.5)
    columns = [name for name in found.columns if name in expected.columns]
    assert {"estimate", "estimate_lower", "p_better", "evidence"} <= set(columns)
    assert written(found[columns]) == written(expected[columns])


@pytest.mark.slow
def test_sampled_rows_are_those_of_the_pipeline(tmp_path: Path) -> None:
    """Counts by Markov chains: the data frame gives the bytes of every table that the jobs write, with their seed."""
    shipped, rule = project("smoking"), ("smoking", "cessation")
    evidence, folder = tmp_path / "evidence.csv", tmp_path / "random"
    write_text(evidence, evidence_csv(shipped, *rule))
    settings = fit_settings(shipped, *rule)
    settings = replace(settings, models={"random": settings.models["random"]})
    fit_models(str(evidence), settings, {"random": folder}, str(tmp_path / "t.csv"), 2, time.perf_counter(), print)
    posterior = {"random": str(folder / "posterior.nc")}
    summarise_models(str(evidence), posterior, summary_settings(shipped, "cessation"), tmp_path, "random")
    seed = fit_seed(shipped.config.seed, *rule, "random")
    result = sl.fit(smoking(), sl.Model(likelihood="binomial"), priors=VAGUE, engine="nuts", seed=seed, cores=2)
    frames = {
        "relative_effects": result.relative_effects(better="higher", margin=1.25),
        "ranking": result.ranking(better="higher"),
        "rank_probabilities": result.rank_probabilities(better="higher"),
        "league_table": result.league_table(),
        "heterogeneity": result.heterogeneity(),
        "coefficients": result.coefficients(),
        "diagnostics": result.diagnostics(),
    }
    for name, frame in frames.items():
        assert written(frame) == (folder / f"{name}.csv").read_text(encoding="utf-8"), name
    tree = result.to_datatree()
    assert tree.attrs["seed"] == seed
    draws = tree["posterior"].sizes["draw"]
    assert draws > 1000  # the limits of tau ask for more
    assert tree["posterior"]["d"].shape == (4, draws, 1, 4)
    assert tree["log_likelihood"]["study_log_likelihood"].sizes["study"] == 24
    summary = result.summary()
    assert list(summary["parameter"]) == ["beta[grp_counseling]", "beta[ind_counseling]", "beta[self_help]", "tau"]
    assert (summary["r_hat"] < 1.01).all()


def test_a_configuration_gives_the_network_of_its_table() -> None:
    """The same evidence, measure and direction; the direction need not be repeated."""
    net = sl.Network.from_config("config/examples/smoking.yaml", analysis="smoking", outcome="cessation")
    assert net.evidence(BINOMIAL_LOGIT) == smoking().evidence(BINOMIAL_LOGIT)
    assert (net.measure, net.better, net.margin, net.reference) == ("OR", "higher", 1.25, "no_contact")
    assert net.treatments == smoking().treatments


def test_a_network_of_components_and_settings() -> None:
    """The shipped project: regimens of components, effects by setting, candidates."""
    net = sl.Network.from_config("config/config.yaml", analysis="primary", outcome="os")
    priors = sl.Priors(effect=sl.normal(1.5), tau=sl.half_normal(0.5), omega=sl.half_normal(0.25))
    result = sl.fit(net, sl.Model(likelihood="normal", settings=True), priors=priors)
    ranking = result.ranking()
    assert set(ranking["setting"]) == {"overall", *net.structure.settings}
    assert not ranking["candidate"].all()
    assert list(result.heterogeneity()["parameter"]) == ["tau", "omega"]


def test_tau_that_was_solved_is_summarised_by_its_density() -> None:
    """One study and a known answer: tau keeps its prior, whose quantiles are not points of a grid."""
    trial = pd.DataFrame({"s": ["A"], "t": ["x"], "c": ["p"], "y": [0.2], "se": [1e-3]})
    net = sl.Network.from_contrasts(
        trial, study="s", treatment="t", comparator="c", effect="y", se="se", reference="p", measure="MD"
    )
    priors = sl.Priors(effect=sl.normal(1000), tau=sl.half_normal(1))
    (row,) = sl.fit(net, NORMAL, priors=priors).heterogeneity().to_dict("records")
    assert row["median"] == pytest.approx(0.67449, rel=2e-3)
    assert row["lower"] == pytest.approx(0.031338, rel=2e-2)
    assert row["upper"] == pytest.approx(2.2414, rel=2e-3)
    assert row["mean"] == pytest.approx(np.sqrt(2 / np.pi), rel=2e-3)


def test_a_common_effect_is_the_weighted_mean() -> None:
    """Two trials of one comparison, vague priors: inverse-variance weights by hand."""
    trials = pd.DataFrame({"s": ["A", "B"], "t": ["x", "x"], "c": ["p", "p"], "y": [-1.0, -0.4], "se": [0.2, 0.4]})
    net = sl.Network.from_contrasts(
        trials, study="s", treatment="t", comparator="c", effect="y", se="se", reference="p", measure="HR"
    )
    result = sl.fit(net, sl.Model(likelihood="normal", heterogeneity=False), draws=200_000)
    row = result.relative_effects().set_index(["treatment", "comparator"]).loc[("x", "p")]
    weights = np.array([25.0, 6.25])
    assert row["mean"] == pytest.approx(weights @ [-1.0, -0.4] / weights.sum(), abs=2e-3)
    assert row["sd"] == pytest.approx(weights.sum() ** -0.5, rel=0.01)
    assert row["estimate"] == pytest.approx(np.exp(row["median"]))
    assert result.heterogeneity().empty
    assert not {"p_better", "p_margin"} & set(row.index)


def test_names_with_spaces_and_numbers_as_names() -> None:
    """Data frames call their studies 1, 2, 3 and their treatments as people do."""
    arms = pd.DataFrame({
        "trial": [1, 1, 2.0, 2], "drug": ["Usual care", "Drug A + B", "Usual care", "Drug C"],
        "r": [10, 15, 20, 25], "n": [100.0, 100, 120, 118], "extra": ["a", "b", "c", "d"],
    })  # fmt: skip
    net = sl.Network.from_arms(arms, study="trial", treatment="drug", events="r", n="n", reference="Usual care")
    assert (net.studies, net.treatments) == (("1", "2"), ("Usual care", "Drug A + B", "Drug C"))
    data = network_data(net.evidence(BINOMIAL_LOGIT), net.structure, "binomial_logit")
    assert data.counts.counts.tolist() == [[10, 100], [15, 100], [20, 120], [25, 118]]


def test_numbers_as_names_of_treatments_and_of_columns() -> None:
    """A reference that is a number is the treatment of that number; one without a header numbers its columns."""
    frame = pd.DataFrame([["A", 0, 10, 100], ["A", 1, 15, 98], ["B", 0, 9, 80], ["B", 2, 7, 81]])
    numbers: dict[str, Any] = {"study": 0, "treatment": 1, "events": 2, "n": 3, "reference": 0}
    net = sl.Network.from_arms(frame, **numbers)
    assert (net.reference, net.treatments) == ("0", ("0", "1", "2"))
    assert [row["events"] for row in net.rows] == [10, 15, 9, 7]


def test_the_figures_of_arms_are_read_for_their_measure() -> None:
    """Events, patients and time give hazard ratios or rate ratios; categories odds ratios or probit differences."""
    timed = {"time": [5.0, 5.5, 6.0, 6.5]}
    rates = arms(timed, time="time", measure="IRR")
    assert rates.measure == "IRR"
    assert rates.evidence(POISSON_LOG)[0]["time"] == "5.0"
    ordered = {"low": [9, 8, 7, 6], "mid": [5, 6, 5, 6], "high": [1, 2, 3, 4]}
    probit = arms(ordered, events=None, n=None, categories=list(ordered), measure="PD")
    assert probit.evidence(ORDERED_PROBIT)[0]["categories"] == "low:9 mid:5 high:1"


def test_covariates_may_have_names_of_several_words() -> None:
    """The mean age of a trial is read as it is written."""
    net = contrasts({"mean age": [50.5, 60]}, covariates=["mean age"])
    covariates = [arm.covariates for arm in used_arms(net.evidence(NORMAL.arms))]
    assert covariates == [{"mean age": 50.5}] * 2 + [{"mean age": 60.0}] * 2


def test_estimates_of_differences_are_plain_numbers() -> None:
    """A column of floats, that can be rounded and averaged."""
    effects = sl.fit(contrasts(measure="MD"), NORMAL).relative_effects()
    assert {str(effects[name].dtype) for name in ("estimate", "estimate_lower", "estimate_upper")} == {"float64"}
    assert (effects["estimate"] == effects["median"]).all()


def test_a_margin_goes_with_its_direction() -> None:
    """A configuration's margin is of its own direction; asked for the other one, no probability is given for it."""
    shipped = sl.Network.from_config("config/examples/parkinsons.yaml", analysis="parkinsons", outcome="off_time_arms")
    result = sl.fit(shipped, NORMAL, priors=VAGUE)
    assert "p_margin" in result.relative_effects()
    assert "p_margin" not in result.relative_effects(better="higher")


def test_an_assumed_covariance_is_a_warning() -> None:
    """Two of three pairs of a trial do not give the covariance of its contrasts."""
    three = {"study": ["A", "A"], "se": [0.3, 0.2]}
    with pytest.warns(UserWarning, match="study A: Intervals are printed for 2 of 3 pairs .* assumed"):
        contrasts(three)


def test_a_covariate_is_centred_at_its_mean() -> None:
    """Effects that lie on a line in the age of the trials: its slope, and its height at the mean age or any other."""
    ages = [50.0, 60.0, 70.0, 60.0]
    trials = pd.DataFrame({
        "s": list("ABCD"), "t": "x", "c": "p", "age": ages, "y": [1 + 0.05 * (age - 60) for age in ages], "se": 0.01
    })  # fmt: skip
    net = sl.Network.from_contrasts(
        trials, study="s", treatment="t", comparator="c", effect="y", se="se", covariates=["age"],
        reference="p", measure="MD",
    )  # fmt: skip
    for centre, expected in ((None, 1.0), (50.0, 0.5)):
        model = sl.Model(likelihood="normal", heterogeneity=False, covariate="age", centre=centre)
        found = sl.fit(net, model).coefficients().set_index("parameter")
        assert found.loc["beta[x]", "mean"] == pytest.approx(expected, abs=2e-3)
        assert found.loc["slope[age]", "mean"] == pytest.approx(0.05, abs=1e-3)
        assert found.loc["slope[age]", "centre"] == (centre or 60.0)


def test_classes_draw_their_members_together() -> None:
    """Two agonists of one class: each effect lies between its own and that of the class."""
    model = sl.Model(likelihood="normal", heterogeneity=False, classes={"pramipexole": "new", "ropinirole": "new"})
    net, priors = parkinsons("contrasts"), sl.Priors(omega=sl.half_normal(0.2))
    apart = sl.fit(net, sl.Model(likelihood="normal", heterogeneity=False)).relative_effects()
    together = sl.fit(net, model, priors=priors)
    assert list(together.heterogeneity()["parameter"]) == ["omega"]
    pair = ["treatment", "comparator"]
    own, drawn = (
        frame.set_index(pair)["mean"].loc[("pramipexole", "ropinirole")]
        for frame in (apart, together.relative_effects())
    )
    assert own < drawn < 0


def test_the_forest_plot_is_that_of_the_report() -> None:
    """Drawn by the figure code of the report, treatments in the order of the ranking."""
    figure = sl.fit(parkinsons("contrasts"), NORMAL).plot_forest(better="lower")
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    order = [name for name in texts if name in ("pramipexole", "cabergoline", "placebo")]
    assert order.index("pramipexole") < order.index("cabergoline")


ARMS = {"study": list("AABB"), "drug": list("pxpy"), "r": [3, 5, 4, 6], "n": [50, 50, 60, 60]}
CONTRASTS = {"study": ["A", "B"], "t": ["x", "y"], "c": ["p", "p"], "y": [0.1, 0.2], "se": [0.3, 0.2]}


def arms(changes: Mapping[str, list[Any]] | None = None, **more: Any) -> sl.Network:
    """Read four arms, with changes."""
    frame = pd.DataFrame({**ARMS, **(changes or {})})
    return sl.Network.from_arms(
        frame, **{"study": "study", "treatment": "drug", "events": "r", "n": "n", "reference": "p", **more}
    )


def contrasts(changes: Mapping[str, list[Any]] | None = None, **more: Any) -> sl.Network:
    """Read two contrasts, with changes."""
    frame = pd.DataFrame({**CONTRASTS, **(changes or {})})
    named = {"study": "study", "treatment": "t", "comparator": "c", "effect": "y", "se": "se"}
    return sl.Network.from_contrasts(frame, **{**named, "reference": "p", "measure": "OR", **more})


BINOMIAL = sl.Model(likelihood="binomial")
MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "a number that is none": (lambda: arms({"r": [3, "five", 4, 6]}), "row 1 of the data frame: r = 'five': not a num"),
    "more events than patients": (lambda: arms({"r": [3, 5, 4, 61]}), "row 3 of the data frame: r = '61': more events"),
    "half a patient": (
        lambda: arms({"n": [50, 50.5, 60, 60]}),
        "row 1 of the data frame: n = '50.5': allowed: a whole",
    ),
    "a missing value": (lambda: arms({"n": [50, nan, 60, 60]}), "row 1 of the data frame: n = '': not a number"),
    "a missing treatment": (
        lambda: arms({"drug": ["p", None, "p", "y"]}),
        "row 1 of the data frame: drug = '': an empty",
    ),
    "a name with a colon": (
        lambda: arms({"drug": ["p", "x:low", "p", "y"]}),
        "row 1 of the data frame: drug = 'x:low': allowed: a name without a colon, or a mixture such as a:34 b:3",
    ),
    "one arm": (
        lambda: arms({"study": ["A", "A", "B", "C"]}),
        "row 2 of the data frame: study = 'B': this study has one",
    ),
    "an arm twice": (lambda: arms({"drug": ["p", "p", "p", "y"]}), "has this arm already, in row 0"),
    "no such column": (
        lambda: arms(events="events"),
        "data frame: events = 'events': no such column; allowed: study, ",
    ),
    "no reference": (
        lambda: sl.fit(arms(reference="q"), BINOMIAL),
        "Network: reference = 'q': no study has the reference; allowed: p",
    ),
    "no figures": (lambda: arms(events=None, n=None), "columns = 'none': allowed: events and n"),
    "events alone": (lambda: arms(n=None), "columns = 'events': allowed: events and n; events, n and time"),
    "no rows": (
        lambda: sl.Network.from_arms(
            pd.DataFrame(ARMS).head(0), study="study", treatment="drug", events="r", n="n", reference="p"
        ),
        "data frame: there are no rows",
    ),
    "no data frame": (
        lambda: sl.Network.from_arms([1], study="s", treatment="t", events="r", n="n", reference="p"),
        "data frame: allowed: a pandas data frame, not list",
    ),
    "a negative standard error": (
        lambda: contrasts({"se": [0.3, -0.2]}),
        "row 1 of the data frame: se = '-0.2': allowed: a number above 0",
    ),
    "an infinite effect": (
        lambda: contrasts({"y": [0.1, float("inf")]}),
        "row 1 of the data frame: y = 'inf': not a number",
    ),
    "one treatment": (
        lambda: contrasts({"c": ["p", "y"]}),
        "row 1 of the data frame: c = 'y': treatment and comparator are the same",
    ),
    "no such measure": (
        lambda: contrasts(measure="odds"),
        "measure = 'odds': likelihood contrasts goes with measure HR, OR, RR, RD, IRR, MD, SMD, ROM, PD",
    ),
    "a study twice": (lambda: arms() + contrasts(), "Network: studies = 'A, B': these studies are in both"),
    "two references": (
        lambda: arms() + contrasts({"study": ["C", "D"]}, reference="x"),
        "Network: reference = 'x': allowed: p, as in the first",
    ),
    "two measures": (
        lambda: contrasts() + contrasts({"study": ["C", "D"]}, measure="HR"),
        "Network: measure = 'HR': allowed: OR",
    ),
    "no such analysis": (
        lambda: sl.Network.from_config("config/examples/smoking.yaml", analysis="x", outcome="cessation"),
        "smoking.yaml: analysis = 'x': allowed: smoking",
    ),
    "no such likelihood": (
        lambda: sl.Model(likelihood="gamma"),
        "Model: likelihood = 'gamma': allowed: normal, binomial, poisson, ordered",
    ),
    "no such link": (
        lambda: sl.Model(likelihood="binomial", link="probit"),
        "Model: link = 'probit': allowed with likelihood binomial: logit, cloglog",
    ),
    "a prior that is a number": (lambda: sl.Priors(tau=0.5), "Priors: tau = 0.5: allowed: half_normal(scale)"),
    "a prior of another form": (lambda: sl.Priors(effect=sl.half_normal(1)), "allowed: normal(scale)"),
    "a scale of 0": (lambda: sl.half_normal(0), "half_normal = 0: allowed: a number above 0"),
    "the likelihood of other figures": (
        lambda: sl.fit(arms(), sl.Model(likelihood="poisson")),
        "Model: likelihood = 'poisson_log': study A, arm p, gives no time",
    ),
    "arms by a likelihood of another measure": (
        lambda: sl.fit(arms(measure="OR"), sl.Model(likelihood="binomial", link="cloglog")),
        "measure = 'OR': likelihood binomial_cloglog goes with measure HR",
    ),
    "contrasts as counts": (lambda: sl.fit(contrasts(), BINOMIAL), "no study gives arms; allowed: normal"),
    "two networks": (
        lambda: sl.fit(contrasts({"c": ["p", "z"]}), NORMAL),
        "is disconnected: {p, x}; {y, z}; allowed: one connected network",
    ),
    "no such engine": (lambda: sl.fit(arms(), BINOMIAL, engine="bugs"), "fit: engine = 'bugs': allowed: exact, nuts"),
    "a seed that is none": (
        lambda: sl.fit(arms(), BINOMIAL, seed=-1),
        "fit: seed = -1: allowed: a whole number, 0 or more",
    ),
    "one chain": (
        lambda: sl.fit(arms(), BINOMIAL, engine="nuts", chains=1),
        "fit: chains = 1: allowed: a whole number, 2 or more",
    ),
    "no such covariate": (
        lambda: sl.fit(contrasts(), sl.Model(likelihood="normal", covariate="age")),
        "Model: covariate = 'age': no study gives",
    ),
    "a class of nobody": (
        lambda: sl.fit(contrasts(), sl.Model(likelihood="normal", classes={"q": "k"})),
        "Model: classes = 'q': allowed: x, y",
    ),
    "an interaction of nobody": (
        lambda: sl.fit(contrasts(), sl.Model(likelihood="normal", exchangeable_interactions=("x", 0.3))),
        "Model: exchangeable_interactions = 'x': allowed: a component of several regimens, of which there is none",
    ),
    "no standard deviation": (
        lambda: sl.Model(likelihood="normal", exchangeable_interactions=("x", 0.0)),
        "Model: exchangeable_interactions = ('x', 0.0): allowed: a component, and a standard deviation above 0",
    ),
    "interactions twice": (
        lambda: sl.Model(likelihood="normal", exchangeable_interactions=("x", 1.0), interactions=(("y", "x"),)),
        "those of x are exchangeable already",
    ),
    "interactions of regimens": (
        lambda: sl.Model(likelihood="normal", regimen_level=True, interactions=(("y", "x"),)),
        "Model: regimen_level = True: effects of regimens have no components; allowed: without interactions",
    ),
    "unknown mixture": (
        lambda: sl.Model(likelihood="normal", mixed_arms="mean"),
        "Model: mixed_arms = 'mean': allowed: patient_weights, class_contrast",
    ),
    "no settings": (
        lambda: sl.fit(contrasts(), sl.Model(likelihood="normal", settings=True)),
        "Model: settings = True: the network has no",
    ),
    "no direction": (
        lambda: sl.fit(contrasts(), NORMAL).ranking(),
        "Result: better: which direction is better for the patient? allowed: lower, higher",
    ),
    "no ratio": (
        lambda: sl.fit(contrasts(), NORMAL).relative_effects(better="lower", margin=-1),
        "Result: margin = -1: a ratio; allowed: a number above 0",
    ),
    "a margin on the wrong side": (
        lambda: sl.fit(contrasts(), NORMAL).relative_effects(better="lower", margin=1.5),
        "Result: margin = 1.5: with better: lower the margin lies below 1",
    ),
    "a margin that is a word": (
        lambda: sl.fit(contrasts(measure="MD"), NORMAL).relative_effects(better="lower", margin="-1"),
        "Result: margin = '-1': allowed: a number",
    ),
    "a word for a switch": (
        lambda: sl.Model(likelihood="normal", heterogeneity="no"),
        "Model: heterogeneity = 'no': allowed: True, False, or how it is Unequal",
    ),
    "a list of classes": (
        lambda: sl.Model(likelihood="normal", classes=["x"]),
        "Model: classes = ['x']: allowed: a mapping, class by treatment",
    ),
    "one pair for a list of pairs": (
        lambda: sl.Model(likelihood="normal", interactions=("x", "y")),
        "Model: interactions = ('x', 'y'): allowed: pairs of two different components",
    ),
    "an interaction with itself": (
        lambda: sl.Model(likelihood="normal", interactions=(("x", "x"),)),
        "allowed: pairs of two different components",
    ),
    "an interaction that no treatment has": (
        lambda: sl.fit(contrasts(), sl.Model(likelihood="normal", interactions=(("x", "y"),))),
        "Model: interactions = 'x and y': no treatment has both components",
    ),
    "a centre that is none": (
        lambda: sl.Model(likelihood="normal", covariate="age", centre=nan),
        "Model: centre = nan: allowed: a number",
    ),
    "a scale beyond all data": (lambda: sl.normal(1e300), "normal = 1e+300: allowed: a number above 0, from 1e-06"),
    "priors by another name": (
        lambda: sl.fit(contrasts(), NORMAL, priors={"tau": 1}),
        "fit: priors: allowed: a Priors of secondline, not dict",
    ),
    "a data frame for a network": (
        lambda: sl.fit(pd.DataFrame(ARMS), NORMAL),
        "fit: network: allowed: a Network of secondline, not DataFrame",
    ),
    "no cores": (lambda: sl.fit(contrasts(), NORMAL, cores=0), "fit: cores = 0: allowed: a whole number, 1 or more"),
    "a column twice": (lambda: arms(n="r"), "data frame: n = 'r': this column is events already"),
    "no column of studies": (lambda: arms(study=None), "data frame: study = 'None': no such column; allowed: study, "),
    "a column for a list of columns": (lambda: arms(covariates="age"), "covariates = 'age': allowed: a list of col"),
    "a covariate of a reserved name": (lambda: arms(covariates=["n"]), "covariates = 'n': this word is a column of ev"),
    "a category with a colon": (
        lambda: arms(events=None, n=None, categories=["a:3 b", "c", "d"]),
        "categories = 'a:3 b': allowed: a name without a colon",
    ),
    "patients for a time at risk": (
        lambda: arms(n=None, time="n"),
        "data frame: time = 'n': patients are no time at risk",
    ),
    "standardised differences without patients": (
        lambda: arms({"m": [1, 2, 1, 2]}, events=None, n=None, mean="m", se="r", measure="SMD"),
        "row 0 of the data frame: there is no column n; outcome needs mean, n, se",
    ),
    "means among standardised differences": (
        lambda: sl.fit(
            arms({"m": [1, 2, 1, 2]}, events=None, n=None, mean="m", se="r")
            + contrasts({"study": ["C", "D"]}, measure="SMD"),
            NORMAL,
        ),
        "Network: measure = 'SMD': study A gives means as they are; name the measure in from_arms too",
    ),
    "effects of one trial that do not add up": (
        lambda: contrasts({"study": list("AAA"), "t": list("xyy"), "c": list("ppx"), "y": [1, -1, 5], "se": [0.1] * 3}),
        "row 0 of the data frame: study = 'A': Intervals are printed for all 3 pairs",
    ),
    "no such folder": (
        lambda: sl.Network.from_config("a.yaml", analysis="a", outcome="b", folder="nowhere"),
        "Network.from_config: folder = 'nowhere': no such folder",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(name: str) -> None:
    """It names column, row, value and what is allowed."""
    act, expected = MISTAKES[name]
    with pytest.raises(sl.UserError) as raised:
        act()
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


_WITHOUT_EXAMPLES = {
    "assembly",
    "biases",
    "contributing",
    "fitted_network",
    "frames",
    "network_checks",
    "result",
    "specifying",
}
"""Modules behind the front door, whose functions its methods call."""


@pytest.mark.parametrize("module", sorted(file.stem for file in (PACKAGE / "api").glob("[a-z]*.py")))
def test_examples_in_docstrings(module: str) -> None:
    """Every example of the front door runs, and gives what it shows."""
    found = doctest.testmod(importlib.import_module(f"secondline.api.{module}"), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0
    assert found.attempted or module in _WITHOUT_EXAMPLES


def test_models_of_combinations() -> None:
    """The shipped network under each: the model says what it is, and a small spread is additivity."""
    net = sl.Network.from_config("config/config.yaml", analysis="primary", outcome="os")
    priors = sl.Priors(effect=sl.normal(1.5), tau=sl.half_normal(0.5))
    additive = sl.fit(net, sl.Model(likelihood="normal"), priors=priors).relative_effects()
    models = {
        "exchangeable interactions of ici with sd 1e-06": sl.Model(
            likelihood="normal", exchangeable_interactions=("ici", 1e-6)
        ),
        "effects by regimen": sl.Model(likelihood="normal", regimen_level=True),
        "class contrast of mixed arms": sl.Model(likelihood="normal", mixed_arms="class_contrast"),
    }
    found = {}
    for words, model in models.items():
        assert str(model).endswith(words)
        found[words] = sl.fit(net, model, priors=priors).relative_effects()
    varying, regimens, contrast = found.values()
    assert np.allclose(varying["mean"], additive["mean"], atol=0.05)
    assert not np.allclose(contrast["mean"], additive["mean"], atol=0.05)
    assert (regimens["evidence"] == "prior_driven").sum() > (additive["evidence"] == "prior_driven").sum()


def test_every_public_name_has_an_example() -> None:
    """Classes are shown by their constructors, functions by themselves."""
    shown = {name for name in sl.__all__ if ">>>" in (getattr(sl, name).__doc__ or "")}
    assert shown == set(sl.__all__) - {"Network", "Result", "UserError"}
    makers = (sl.Network.from_arms, sl.Network.from_contrasts, sl.Network.from_config)
    assert all(">>>" in (maker.__doc__ or "") for maker in makers)
