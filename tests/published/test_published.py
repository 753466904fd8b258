"""The shipped examples, run through the real Snakefile, against the figures that the field knows by heart.

The figures stand in tests/data/published.csv with their sources. Not compared are the effects of TSD4's own program of
unrelated mean effects: it takes the arms of multi-arm studies for independent. Those of the corrected model are.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

Rows = list[dict[str, str]]

# letters and numbers of the published tables
SMOKING = {"A": "no_contact", "B": "self_help", "C": "ind_counseling", "D": "grp_counseling"}
PARKINSONS = dict(enumerate(["placebo", "pramipexole", "ropinirole", "bromocriptine", "cabergoline"], start=1))
SPLIT_NAMES = {"group_counseling": "grp_counseling"}
COLUMNS = {"mean": "mean", "sd": "sd", "median": "median", "q2_5": "lower", "q97_5": "upper"}


def published(dataset: str, *models: str) -> Rows:
    """Read the published figures of a data set."""
    with (ROOT / "tests" / "data" / "published.csv").open(newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["dataset"] == dataset and row["model"] in models]


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the examples up to their tables."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("examples"), PARTS)
    for name in ("smoking", "parkinsons", "diabetes"):
        arguments = ["--configfile", f"config/examples/{name}.yaml", "--cores", "2", "--until"]
        done = project.snakemake(*arguments, "assess_inconsistency", "summarise_analysis")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


def table(project: Project, file: str) -> Rows:
    """Read a table of results."""
    with (project.folder / "results" / file).open(newline="") as handle:
        return list(csv.DictReader(handle))


def find(rows: Rows, **values: str) -> dict[str, str]:
    """Find the only row with these values."""
    found = [row for row in rows if all(row[key] == value for key, value in values.items())]
    assert len(found) == 1, values
    return found[0]


def compare(
    expected: dict[str, str], found: dict[str, str], sign: float = 1.0, own: dict[str, float] | None = None
) -> Iterator[str]:
    """Complain about figures further off than 5%, two Monte Carlo errors of both, and the rounding of the print.

    Parameters
    ----------
    sign : float
        -1 where the contrast is printed the other way round.
    own : dict, optional
        Monte Carlo errors of the fit by column. Without them, those of a normal posterior after 1,500 draws.
    """
    flipped = {"lower": "upper", "upper": "lower"} if sign < 0 else {}
    sd = float(found["sd"])
    spread = {"mean": 1.0, "median": 1.25, "sd": 0.8, "lower": 2.7, "upper": 2.7}
    for key, column in COLUMNS.items():
        if expected[key] and column in found:
            value = float(found[flipped.get(column, column)]) * (1.0 if column == "sd" else sign)
            error = (own or {}).get(column, spread[column] * sd / 1500**0.5)
            allowed = max(0.05 * abs(float(expected[key])), 2 * 2**0.5 * error) + 0.0051
            if abs(value - float(expected[key])) > allowed:
                yield f"{expected['model']} {expected['parameter']} {key}: {expected[key]} published, {value:.3f} here"


def own_errors(project: Project, folder: str, parameter: str) -> dict[str, float]:
    """Monte Carlo errors of a fit, whose posterior may have heavy tails, by column."""
    names = {"mean": "mean", "sd": "sd", "q2.5": "lower", "q97.5": "upper"}
    checks = table(project, f"{folder}/exact_check.csv")
    return {names[row["quantity"]]: float(row["mcse"]) for row in checks if row["parameter"] == parameter}


def contrast(rows: Rows, treatment: str, comparator: str) -> dict[str, str]:
    """Overall effect of one treatment against another."""
    return find(rows, setting="overall", treatment=treatment, comparator=comparator)


def test_smoking_relative_effects_and_heterogeneity(examples: Project) -> None:
    """Every effect and tau of the random-effects model of TSD4."""
    relative = table(examples, "smoking/cessation/random/relative_effects.csv")
    tau = table(examples, "smoking/cessation/random/heterogeneity.csv")[0]
    complaints = []
    for row in published("smoking", "RE binom-logit"):
        if row["parameter"].startswith("d "):
            t, c = (SMOKING[letter] for letter in row["parameter"][2:].split("-"))
            complaints += compare(row, contrast(relative, t, c))
        elif row["parameter"] == "tau":
            complaints += compare(row, tau)
    assert not complaints


def test_smoking_fit_and_ranking(examples: Project) -> None:
    """Residual deviance, pD and DIC, SUCRAs and POTH."""
    fit = table(examples, "smoking/cessation/random/fit_statistics.csv")[0]
    ranking = table(examples, "smoking/cessation/random/ranking.csv")
    names = {"resdev": "residual_deviance", "pD": "p_d", "DIC": "dic"}
    compared = 0
    for row in published("smoking", "RE binom-logit"):
        name, value = row["parameter"], float(row["mean"] or "nan")
        if name in names:
            tolerance = 0.10 if name == "DIC" else 0.05
            assert float(fit[names[name]]) == pytest.approx(value, rel=tolerance), name
        elif name.startswith("SUCRA"):
            treatment = SPLIT_NAMES.get(name.split()[1], name.split()[1])
            assert float(find(ranking, treatment=treatment)["sucra"]) == pytest.approx(value, rel=0.05, abs=0.0151)
        elif name == "POTH":
            assert float(ranking[0]["poth"]) == pytest.approx(value, rel=0.05)
        else:
            continue
        compared += 1
    assert compared == 8


def test_smoking_unrelated_mean_effects(examples: Project) -> None:
    """Effects, tau and fit of the model without consistency."""
    effects = table(examples, "smoking/cessation/inconsistency/unrelated_effects.csv")
    fits = table(examples, "smoking/cessation/inconsistency/fit_statistics.csv")
    complaints, compared = [], 0
    for row in published("smoking", "UME RE (multi-arm corrected, half-N(5))"):
        t, c = (SMOKING[letter] for letter in row["parameter"][2:].split("-"))
        found = [e for e in effects if e["model"] == "unrelated" and {e["treatment"], e["comparator"]} == {t, c}]
        complaints += compare(row, found[0], sign=1.0 if found[0]["treatment"] == t else -1.0)
        compared += 1
    assert not complaints
    assert compared == 6
    fit = find(fits, model="unrelated")
    expected = {row["parameter"]: row for row in published("smoking", "UME RE (TSD4 original)")}
    assert float(fit["residual_deviance"]) == pytest.approx(float(expected["resdev"]["mean"]), rel=0.05)
    assert float(fit["p_d"]) == pytest.approx(float(expected["pD"]["mean"]), rel=0.05)
    assert float(fit["dic"]) == pytest.approx(float(expected["DIC"]["mean"]), rel=0.10)
    assert float(fit["tau_median"]) == pytest.approx(float(expected["tau"]["median"]), rel=0.05)


def test_smoking_node_splits(examples: Project) -> None:
    """All six comparisons can be split; differences and p-values."""
    splits = table(examples, "smoking/cessation/inconsistency/node_splits.csv")
    assert {row["assessable"] for row in splits} == {"true"}
    compared = 0
    for row in published("smoking", "RE node-split"):
        t, c = (
            SPLIT_NAMES.get(name, name) for name in row["parameter"].removeprefix("d_direct-d_indirect ").split(" vs ")
        )
        found = find(splits, treatment=t, comparator=c, evidence="difference")
        error = float(found["sd"]) * (2 / 1500) ** 0.5
        assert float(found["mean"]) == pytest.approx(float(row["mean"]), abs=2 * error + 0.0051), row["parameter"]
        p_value = float(row["source"].split("p = ")[1])
        assert float(found["p_value"]) == pytest.approx(p_value, abs=0.05)
        compared += 1
    assert compared == 6


@pytest.mark.parametrize("outcome", ["off_time_arms", "off_time_contrasts", "off_time_mixed"])
@pytest.mark.parametrize(("model", "name"), [("fixed", "FE"), ("random", "RE")])
def test_parkinsons_effects(examples: Project, outcome: str, model: str, name: str) -> None:
    """The same effects from means of arms, from contrasts, and from both."""
    folder = f"parkinsons/{outcome}/{model}"
    relative = table(examples, f"{folder}/relative_effects.csv")
    complaints, compared = [], 0
    for row in published("parkinsons", f"{name} normal-identity"):
        if row["parameter"] == "tau":
            tau = find(table(examples, f"{folder}/heterogeneity.csv"), parameter="tau")
            complaints += compare(row, tau, own=own_errors(examples, folder, "tau"))
        else:
            t, c = (PARKINSONS[int(number)] for number in row["parameter"][2:].split(" vs "))
            own = own_errors(examples, folder, f"d[overall,{t}]") if c == PARKINSONS[1] else None
            complaints += compare(row, contrast(relative, t, c), own=own)
        compared += 1
    assert not complaints
    assert compared >= 4


@pytest.mark.parametrize(
    ("outcome", "kind"), [("off_time_arms", "arm-based"), ("off_time_contrasts", "contrast-based")]
)
@pytest.mark.parametrize(("model", "name"), [("fixed", "FE"), ("random", "RE")])
def test_parkinsons_fit(examples: Project, outcome: str, kind: str, model: str, name: str) -> None:
    """Residual deviance, pD and DIC count arms or contrasts."""
    fit = table(examples, f"parkinsons/{outcome}/{model}/fit_statistics.csv")[0]
    names = {"resdev": "residual_deviance", "pD": "p_d", "DIC": "dic"}
    rows = published("parkinsons", f"{name} {kind}")
    assert len(rows) == 3
    for row in rows:
        assert float(fit[names[row["parameter"]]]) == pytest.approx(float(row["mean"]), rel=0.05, abs=0.051)


def test_parkinsons_absolute_effects(examples: Project) -> None:
    """Mean off-time under every treatment, from the published baseline."""
    absolute = table(examples, "parkinsons/off_time_arms/fixed/absolute_effects.csv")
    complaints, compared = [], 0
    for row in published("parkinsons", "FE absolute, baseline N(-0.73, prec 21)"):
        treatment = PARKINSONS[int(row["parameter"][2:-1])]
        complaints += compare(row, find(absolute, setting="overall", treatment=treatment))
        compared += 1
    assert not complaints
    assert compared == 5


def test_every_fit_of_the_examples_converged(examples: Project) -> None:
    """Convergence, no divergences, at least 1,000 effective draws of every parameter."""
    for analysis in ("smoking", "parkinsons"):
        for row in table(examples, f"{analysis}/summary/fits.csv"):
            assert row["converged"] == "true", row
            assert row["divergences"] == "0", row
            if "class" not in row["model"]:
                assert float(row["min_ess_bulk"]) > 1000, row


def test_published_file_is_complete() -> None:
    """Nothing of the reference is left out without a reason."""
    with (Path(ROOT) / "tests" / "data" / "published.csv").open(newline="") as handle:
        models = {(row["dataset"], row["model"]) for row in csv.DictReader(handle)}
    assert len(models) == 12, models  # that of transfusion in test_priors.py, the others here


def test_diabetes_heterogeneity_and_inconsistency(examples: Project) -> None:
    """Senn (2013) as netmeta decomposes its Q; tau by restricted maximum likelihood has the trial of three arms right.

    tests/test_frequentist.py has the sources. The exact engine's tau is that of the half-normal prior.
    """
    rows = table(examples, "diabetes/hba1c/frequentist/heterogeneity.csv")
    for name, value, df in (("total", 96.99, 18), ("within designs", 74.46, 11), ("between designs", 22.53, 7)):
        row = find(rows, statistic=f"Q {name}", design="")
        assert float(row["value"]) == pytest.approx(value, abs=0.015)
        assert int(row["df"]) == df
    assert float(find(rows, statistic="tau (method of moments)")["value"]) ** 2 == pytest.approx(0.1087, abs=5e-5)
    reml = float(find(rows, statistic="tau (restricted maximum likelihood)")["value"])
    posterior = find(table(examples, "diabetes/hba1c/random/heterogeneity.csv"), parameter="tau")
    assert float(posterior["lower"]) < reml < float(posterior["upper"])
    frequentist = table(examples, "diabetes/hba1c/frequentist/relative_effects.csv")
    bayesian = table(examples, "diabetes/hba1c/random/relative_effects.csv")
    compared = 0
    for row in frequentist:
        if row["comparator"] == "placebo":
            found = contrast(bayesian, row["treatment"], "placebo")
            assert float(found["mean"]) == pytest.approx(float(row["effect"]), abs=0.05)
            compared += 1
    assert compared == 9
