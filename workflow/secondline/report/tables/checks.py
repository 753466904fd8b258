"""Tables of the report on how far a fit can be trusted: heterogeneity, fit, inconsistency, convergence."""

from collections.abc import Mapping, Sequence

from secondline.cell_values import CHECKED
from secondline.cells import split_name
from secondline.report.figures.fit import CONSISTENCY, UNRELATED
from secondline.report.figures.splits import MARKS, Split
from secondline.report.prose.sentences import informed_words
from secondline.report.settings import StudyFacts
from secondline.report.tables.results import ENDS, Table, arm_label, interval, trimmed
from secondline.report.taus import symbol
from secondline.report.words import (
    ENGINE_WORDS,
    INTERVAL,
    NOT_ASSESSABLE,
    NOT_CONVERGED,
    Names,
    Row,
    differences,
    evidence_words,
    is_true,
    number,
    probability,
)

UNRELIABLE = 0.7  # Pareto k of a study above which its leave-one-out density is (Vehtari, Gelman & Gabry 2017)
STATISTICS = ("Data points", "Residual deviance", "pD", "DIC", "elpd LOO (SE)", "p LOO")


def heterogeneity_table(parameters: Mapping[str, Sequence[Row]], names: Names) -> Table:
    """Tabulate tau and omega of every model."""
    rows = [
        [
            model,
            symbol(row["parameter"]),
            interval({**row, "median_lower": row["lower"], "median_upper": row["upper"]}, "median"),
            row["prior"],
            informed_words(row),
        ]
        for model, members in parameters.items()
        for row in members
    ]
    columns = ("Model", "Parameter", f"Median ({INTERVAL})", "Prior", "Information from the data")
    return Table(f"{names.outcome_label}: heterogeneity on the scale of the {names.link_scale}", columns, rows)


def coefficients_table(parameters: Mapping[str, Sequence[Row]], names: Names) -> Table:
    """Tabulate the coefficients of every model: effects of components, interactions, slopes, departures."""
    rows = [
        [
            model,
            names.coefficient(row["parameter"]),
            _difference(row),
            row["prior"].replace("omega", "ω"),
            "–" if row["evidence"] == "estimated" else evidence_words(row["evidence"]),
            number(row["centre"]),
        ]
        for model, members in parameters.items()
        for row in members
    ]
    columns = ("Model", "Coefficient", f"Median ({INTERVAL})", "Prior", "Evidence", "Effects at covariate value")
    return trimmed(f"{names.outcome_label}: coefficients, {names.link_scale}", columns, rows)


def statistics_table(
    statistics: Mapping[str, Sequence[Row]], left_out: Mapping[str, Sequence[Row]], names: Names
) -> Table:
    """Tabulate the fit statistics of every model.

    Parameters
    ----------
    statistics, left_out : mapping
        fit_statistics.csv and loo.csv by model.
    """
    rows = [
        [model, *_statistics(row), _left_out_by(left_out[model])]
        for model, members in statistics.items()
        for row in members
    ]
    columns = ("Model", *STATISTICS, "LOO method")
    caption = f"{names.outcome_label}: fit statistics; LOO is leave-one-study-out cross-validation"
    without = {model: row["left_out"] for model, members in statistics.items() for row in members if row["left_out"]}
    if without:
        shown = "; ".join(f"“{model}” without {studies}" for model, studies in without.items())
        caption += (
            f". Models fitted to different studies are not comparable: {shown}, for which the covariate is missing"
        )
    return Table(caption, columns, rows)


def _statistics(row: Row) -> list[str]:
    return [
        row["data_points"],
        *(number(row[key]) for key in ("residual_deviance", "p_d", "dic")),
        f"{number(row['elpd_loo'])} ({number(row['elpd_loo_se'])})",
        number(row["p_loo"]),
    ]


LEFT_OUT_BY = {"exact": "integration", "refit": "refits", "psis": "PSIS"}


def _left_out_by(left_out: Sequence[Row]) -> str:
    """Name the methods behind the densities of the studies, with the largest Pareto k of PSIS."""
    methods = [text for method, text in LEFT_OUT_BY.items() if method in {row["method"] for row in left_out}]
    worst = max((row for row in left_out if row["pareto_k"]), key=lambda row: float(row["pareto_k"]), default=None)
    if worst is None:
        return ", ".join(methods)
    unreliable = ", unreliable" if float(worst["pareto_k"]) > UNRELIABLE else ""
    return f"{', '.join(methods)}: k {number(worst['pareto_k'])} ({worst['study']}{unreliable})"


def splits_table(splits: Sequence[Split], statistics: Sequence[Row], names: Names) -> Table:
    """Tabulate direct, indirect and network estimates of every comparison that can be split.

    Parameters
    ----------
    statistics : rows
        inconsistency/fit_statistics.csv
    """
    by_model = {row["model"]: row for row in statistics}
    rows = []
    for split in splits:
        if not split.reason:
            fitted = by_model[split_name(split.treatment, split.comparator)]
            estimates = [names.estimate(split.rows[evidence]) for evidence in MARKS]
            difference, tau = _difference(split.rows["difference"]), number(fitted["tau_median"])
            weak = [f"{side}: {evidence_words('prior_driven')}" for side in split.prior_driven]
            notes = [*([] if split.converged else [NOT_CONVERGED]), *weak, split.rows["network"].get("multi_arm", "")]
            remark = "; ".join(filter(None, notes)) or "–"
            p = probability(split.p)
            rows.append([split.name(names), str(len(split.studies)), *estimates, difference, p, tau, remark])
    columns = (
        "Comparison",
        "Direct studies",
        *(f"{evidence.capitalize()} (95% CrI)" for evidence in MARKS),
        f"Difference, {names.link_scale}",
        "p",
        "τ",
        "Remarks",
    )
    caption = f"{names.outcome_label}: node-splitting, {names.measure}; p is Bayesian and two-sided, τ the median"
    return trimmed(caption, columns, rows)


def freedom_table(tests: Sequence[Row], names: Names) -> Table:
    """Tabulate the tests of the degrees of freedom for inconsistency, and the difference each could detect.

    Parameters
    ----------
    tests : rows
        inconsistency/degrees_of_freedom.csv
    """
    rows = [
        [
            names.test(row),
            row["same_test"],
            f"{number(row['estimate'])} ({number(row['se'])})" if row["estimate"] else "–",
            probability(row["p_value"]) if row["p_value"] else "–",
            number(row["detectable"]),
        ]
        for row in tests
        if row["kind"] != "total"
    ]
    columns = ("Test", "Degree of freedom", f"Estimate (SE), {names.link_scale}", "p", "Detectable with 80% power")
    caption = (
        f"{names.outcome_label}: tests of the assumptions of the model, without heterogeneity or priors; tests that "
        "share a number in the second column concern the same degree of freedom"
    )
    return trimmed(caption, columns, rows)


def not_assessable_table(splits: Sequence[Split], names: Names) -> Table:
    """Tabulate the comparisons with direct evidence that cannot be split, and why."""
    rows = [
        [split.name(names), str(len(split.studies)), names.estimate(split.rows["network"]), split.reason]
        for split in splits
        if split.reason
    ]
    columns = ("Comparison", "Direct studies", f"Network {names.measure} (95% CrI)", "Reason")
    return Table(f"{names.outcome_label}: inconsistency {NOT_ASSESSABLE}", columns, rows)


def _difference(row: Row) -> str:
    """Difference of direct and indirect evidence, link scale."""
    value, lower, upper = differences([row["median"], row["lower"], row["upper"]])
    return f"{value} ({lower} to {upper})"


def _tau(row: Row) -> str:
    return interval({**row, "tau": row["tau_median"]}, "tau") if row["tau_median"] else "–"


def unrelated_table(effects: Sequence[Row], names: Names) -> Table:
    """Tabulate the mean effects of every compared pair, unrelated and under consistency."""
    pairs: dict[tuple[str, str], dict[str, str]] = {}
    for row in effects:
        pairs.setdefault((row["treatment"], row["comparator"]), {})[row["model"]] = names.estimate(row)
    rows = [
        [f"{names.node(t)} against {names.node(c)}", found[UNRELATED], found.get(CONSISTENCY, "–")]
        for (t, c), found in pairs.items()
    ]
    columns = ("Comparison", f"Unrelated {names.measure} (95% CrI)", f"Consistent {names.measure} (95% CrI)")
    return Table(f"{names.outcome_label}: unrelated mean effects", columns, rows)


def consistency_table(statistics: Sequence[Row], names: Names) -> Table:
    """Tabulate the fit of the consistency model and of unrelated mean effects."""
    words = {CONSISTENCY: "consistency", UNRELATED: "unrelated mean effects"}
    rows = [
        [words[row["model"]], *_statistics(row), _tau(row), "yes" if is_true(row, "converged") else "NO"]
        for row in statistics
        if row["model"] in words
    ]
    columns = ("Model", *STATISTICS, "τ (95% CrI)", "Converged")
    return Table(f"{names.outcome_label}: fit with and without consistency", columns, rows)


def check_table(checks: Mapping[str, Sequence[Row]], names: Names) -> Table:
    """Tabulate the largest differences between the sampler and the exact engine."""
    rows = []
    for model, members in checks.items():
        scored = [row for row in members if row["z"]]
        worst = max(scored, key=lambda row: abs(float(row["z"])), default=None)
        pareto = max((row["pareto_k"] for row in members if row["pareto_k"]), key=float, default="")
        rows.append(
            [
                model,
                str(len(scored)),
                number(worst["z"].removeprefix("-")) if worst else "–",
                f"{worst['parameter']}, {worst['quantity']}" if worst else members[0]["status"] if members else "–",
                number(pareto),
            ]
        )
    columns = ("Model", "Quantities compared", "Largest |z|", "Quantity", "Largest Pareto k")
    return Table(f"{names.outcome_label}: sampler compared with exact engine", columns, rows)


def mixture_table(mixtures: Sequence[Row], studies: Mapping[str, StudyFacts], names: Names) -> Table:
    """Tabulate the error of the mixture approximation in studies with mixed arms."""
    rows = [
        [
            names.study(row["study"]),
            " against ".join(arm_label(studies, row["study"], row[f"{end}_arm"]) for end in ENDS),
            *(number(row[key], 3) for key in ("linear", "marginal", "error", "se")),
        ]
        for row in mixtures
    ]
    columns = (
        "Study",
        "Arms",
        "As modelled",
        "Expected in a large study",
        "Error",
        "Standard error of the study",
    )
    return Table(f"{names.outcome_label}: error of the mixture approximation, {names.link_scale}", columns, rows)


def fits_table(fits: Sequence[Row], names: Names) -> Table:
    """Tabulate the convergence of every fit."""
    rows = [
        [
            names.label_of_outcome(row["outcome"]),
            row["model"],
            "yes" if is_true(row, "converged") else "NO",
            "yes" if row["exact_check"] == CHECKED else row["exact_check"],
            ENGINE_WORDS.get(row["engine"], "–"),
            row["draws"],
            number(row["min_ess_bulk"], 0),
            number(row["max_r_hat"], 4),
            row["divergences"],
            *(f"{100 * float(row[key]):.1f}%" for key in ("mcse_mean_ratio", "mcse_limit_ratio")),
        ]
        for row in fits
    ]
    measures = ("Tables from", "Draws", "Smallest bulk ESS", "Largest R-hat", "Divergences")
    columns = ("Outcome", "Model", "Converged", "Exact check", *measures, "Error of means", "Error of limits")
    return Table("Convergence of every fit", columns, rows)
