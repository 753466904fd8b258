"""Prior fans: the table against analyses of their own, the figure, the sentence, and what a configuration asks for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.doubt.prior_fan_choices import usual_priors
from secondline.errors import UserError
from secondline.jobs.doubt_facts import doubt_figures, doubt_tables
from secondline.jobs.doubt_settings import prior_fan_settings
from secondline.project.config import Config, Project
from secondline.project.documents import read_yaml
from secondline.report.figures.prior_fan import draw_prior_fan, fan_panels
from secondline.report.prose.prior_fan import prior_fan_sentence
from secondline.sd_points import ABSENT
from secondline.sd_priors import HalfNormal, LogNormal, Uniform

from tests.conftest import ROOT
from tests.test_plots import NETWORKS, assert_apart, assert_inside

PRIORS = [sl.uniform(5), sl.log_normal(-2.56, 1.74, source="Turner 2015"), sl.fixed(0.3), None]


@pytest.fixture(scope="module")
def parkinsons() -> sl.Network:
    """Seven trials of five treatments, by contrast."""
    df = pd.read_csv(ROOT / "config/examples/parkinsons_contrasts.csv")
    return sl.Network.from_contrasts(
        df, study="study", treatment="treatment", comparator="comparator", effect="effect", se="se",
        comparator_se="comparator_se", reference="placebo", measure="MD",
    )  # fmt: skip


@pytest.fixture(scope="module")
def fan(parkinsons: sl.Network) -> pd.DataFrame:
    """Five priors."""
    fit = sl.fit(parkinsons, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(5)))
    return fit.prior_fan(PRIORS, better="lower")


def test_every_prior_is_an_analysis_of_its_own(parkinsons: sl.Network, fan: pd.DataFrame) -> None:
    """Effects, SUCRA and tau are those of a fit under that prior."""
    assert fan.prior.unique().tolist() == [
        "half-normal(5)", "uniform(0, 5)", "log-normal(-2.56, 1.74²) of the variance", "fixed at 0.3", "common effect"
    ]  # fmt: skip
    assert fan.groupby("prior").declared.all().sum() == 1
    for name, prior in zip(fan.prior.unique(), [sl.half_normal(5), *PRIORS], strict=True):
        own = sl.fit(
            parkinsons,
            sl.Model(likelihood="normal", heterogeneity=prior is not None),
            priors=sl.Priors(tau=prior or sl.half_normal(5)),
        )
        effects = own.relative_effects()
        effects = effects[effects.comparator == "placebo"].set_index("treatment")
        ranks = own.ranking(better="lower").set_index("treatment")
        rows = fan[fan.prior == name].set_index("treatment")
        shown = rows.drop(index="placebo")
        for key, tolerance in (("mean", 0.02), ("lower", 0.06), ("upper", 0.06)):
            expected = effects.loc[shown.index, key].astype(float)
            assert shown[key].astype(float).to_numpy() == pytest.approx(expected.to_numpy(), abs=tolerance)
        sucra = ranks.loc[rows.index, "sucra"].astype(float)
        assert rows.sucra.astype(float).to_numpy() == pytest.approx(sucra.to_numpy(), abs=0.02)
        if prior is not None and prior.is_free:
            (tau,) = own.heterogeneity().to_dict("records")
            assert rows.tau_median.iloc[0] == pytest.approx(tau["median"], abs=1e-3)
    fixed = fan[fan.prior == "fixed at 0.3"]
    assert fixed[["tau_lower", "tau_median", "tau_upper"]].to_numpy() == pytest.approx(np.full((5, 3), 0.3))


def test_what_is_no_prior_is_refused(parkinsons: sl.Network) -> None:
    """One line, with what is allowed."""
    fit = sl.fit(parkinsons, sl.Model(likelihood="normal"))
    with pytest.raises(UserError, match=r"Result\.prior_fan: tau = 5: allowed: half_normal"):
        fit.prior_fan([5], better="lower")


def test_twelve_priors_by_default() -> None:
    """Around the declared one, with an empirical one where there is one of the measure."""
    for measure, last in (("OR", LogNormal(-2.56, 1.74)), ("MD", LogNormal(0.0, 1.0, "sd"))):
        found = usual_priors(HalfNormal(5), measure)
        assert len(found) == 12
        assert found[0] == HalfNormal(5)
        assert {ABSENT, Uniform(5), last} <= set(found)


def configured(project: Project, **given: Any) -> Project:
    """Ask the shipped configuration for a fan."""
    data = read_yaml(ROOT / "config/config.yaml").data | {"prior_fan": given}
    return project.model_copy(update={"config": Config.model_validate(data)})


def test_what_a_configuration_asks_for(project: Project) -> None:
    """The outcomes and priors that it names, or all and the usual ones; a table and a figure of each."""
    assert "prior_fan.csv" not in doubt_tables(project, "primary", "os")
    usual = configured(project)
    assert usual.config.prior_fan_outcomes == usual.config.outcomes_of("primary")
    assert len(prior_fan_settings(usual, "os")) == 12
    asked = configured(project, outcomes=["os"], tau=[{"uniform": 2}, "none"])
    assert prior_fan_settings(asked, "os") == (Uniform(2), ABSENT)
    assert "prior_fan.csv" in doubt_tables(asked, "primary", "os")
    assert "prior_fan" in doubt_figures(asked, "primary", "os")
    assert "prior_fan.csv" not in doubt_tables(asked, "primary", "pfs")
    with pytest.raises(ValueError, match="unknown outcome"):
        configured(project, outcomes=["x"])


def rows_of(name: str) -> list[dict[str, str]]:
    """Make up rows of prior_fan.csv of a network: the second candidate leads under the last prior."""
    network = NETWORKS[name]
    treatments, places = list(network.effects), list(dict.fromkeys(["overall", *network.names.labels.settings]))
    rows = []
    for k, prior in enumerate(("half-normal(5)", "uniform(0, 5)", "log-normal(-2.56, 1.74²) of the variance")):
        for place in places:
            for i, treatment in enumerate(treatments[1:]):
                mean = -1.0 + 0.1 * k + 0.2 * i - (0.6 if (k, i) == (2, 1) else 0.0)
                row = {"prior": prior, "declared": "true" if k == 0 else "false", "setting": place}
                row |= {"treatment": treatment, "reference": treatments[0], "sucra": repr(0.5 - mean / 4)}
                row |= {"mean": repr(mean), "lower": repr(mean - 0.5), "upper": repr(mean + 0.5)}
                rows.append(row | {"tau_median": "0.4", "tau_lower": "0.1", "tau_upper": "1.2"})
    return rows


@pytest.mark.parametrize("network", NETWORKS)
def test_words_are_inside_and_apart_in_every_network(network: str) -> None:
    """Whatever the measure and the length of the names."""
    figure = draw_prior_fan(rows_of(network), NETWORKS[network].names)
    assert_inside(figure)
    assert_apart(figure)


def test_the_figure_shows_the_numbers_of_the_table() -> None:
    """A mark at the effect of every prior."""
    rows = rows_of("smoking")
    figure = draw_prior_fan(rows, NETWORKS["smoking"].names)
    first = fan_panels(rows)["overall"][0]
    marks = {line.get_gid(): line for line in figure.axes[0].lines}
    means = [float(row["mean"]) for row in rows if row["treatment"] == first and row["setting"] == "overall"]
    found = [marks[f"effect-{k}"].get_xdata()[0] for k in range(3)]
    assert found == pytest.approx(np.exp(means))


def test_the_sentence() -> None:
    """Who leads under how many priors, and between what the effect is."""
    names = NETWORKS["smoking"].names
    rows = rows_of("smoking")
    text = prior_fan_sentence(rows, "overall", names)
    first, second = (names.regimen(name) for name in list(NETWORKS["smoking"].effects)[1:3])
    assert text.startswith(
        f"Under 3 priors of τ, {first} has the highest SUCRA under 2 of them, and {second} otherwise"
    )
    assert "is between 0.37 (half-normal(5)) and 0.45 (log-normal" in text
    assert prior_fan_sentence([row for row in rows if row["declared"] == "true"], "overall", names) == ""
    assert _without(rows, sucra="") == ""


def _without(rows: list[dict[str, str]], **cells: str) -> str:
    changed: list[Mapping[str, str]] = [{**row, **cells} for row in rows]
    return prior_fan_sentence(changed, "overall", replace(NETWORKS["smoking"].names))
