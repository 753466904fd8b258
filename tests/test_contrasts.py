"""Effects of the five studies against the numbers printed in the papers, typed here by hand.

Every expected ratio is treatment against comparator as the network wants it: below 1 favours the treatment.
"""

from math import exp, log, sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence.contrasts import Effect, derive_effects, select_effects
from secondline.project.config import Project
from secondline.project.config_parts import Method, Selection

from tests.conftest import STUDIES, figure, hazard_ratio, sheet

Z = 1.959963984540054

# study, outcome, population, method, adjustment, treatment, comparator, ratio, lower, upper; the place in the paper
PRINTED = [
    # Table 2 and Table 3, univariate and multivariate
    ("ditan_2022", "os", "all", "crude_hr", "crude", "tki_ici", "tki", 0.34, 0.20, 0.59),
    ("ditan_2022", "os", "all", "adjusted_hr", "adjusted", "tki_ici", "tki", 0.28, 0.16, 0.51),
    ("ditan_2022", "pfs", "all", "crude_hr", "crude", "tki_ici", "tki", 0.34, 0.20, 0.56),
    ("ditan_2022", "pfs", "all", "adjusted_hr", "adjusted", "tki_ici", "tki", 0.35, 0.21, 0.59),
    # Results, Cox regression analysis, BCLC stage B
    ("ditan_2022", "pfs", "bclc_b", "crude_hr", "crude", "tki_ici", "tki", 0.49, 0.16, 1.51),
    # Table 4, the row "Second-line (TKI-ICI vs. TKI)"
    ("ditan_2025", "pfs", "all", "crude_hr", "crude", "tki_ici", "tki", 0.48, 0.26, 0.88),
    ("ditan_2025", "pfs", "all", "adjusted_hr", "adjusted", "tki_ici", "tki", 0.49, 0.26, 0.95),
    ("ditan_2025", "os", "all", "crude_hr", "crude", "tki_ici", "tki", 0.52, 0.29, 0.93),
    ("ditan_2025", "os", "all", "adjusted_hr", "adjusted", "tki_ici", "tki", 0.64, 0.33, 1.22),
    # Tables 3 and 4, the row "Regorafenib monotherapy", which is RP against R
    ("nanchang_2022", "pfs", "all", "crude_hr", "crude", "rp", "r", 0.403, 0.240, 0.678),
    ("nanchang_2022", "pfs", "all", "adjusted_hr", "adjusted", "rp", "r", 0.345, 0.185, 0.641),
    ("nanchang_2022", "os", "all", "crude_hr", "crude", "rp", "r", 0.430, 0.222, 0.833),
    ("nanchang_2022", "os", "all", "adjusted_hr", "adjusted", "rp", "r", 0.436, 0.191, 0.966),
    # Results, Subgroup Analysis
    ("nanchang_2022", "os", "bclc_c", "crude_hr", "crude", "rp", "r", 0.288, 0.139, 0.594),
    ("nanchang_2022", "os", "extrahepatic_metastasis", "crude_hr", "crude", "rp", "r", 0.273, 0.131, 0.572),
    ("nanchang_2022", "os", "afp_400_or_more", "crude_hr", "crude", "rp", "r", 0.275, 0.105, 0.716),
    ("nanchang_2022", "pfs", "bclc_c", "crude_hr", "crude", "rp", "r", 0.341, 0.190, 0.614),
    ("nanchang_2022", "pfs", "extrahepatic_metastasis", "crude_hr", "crude", "rp", "r", 0.324, 0.178, 0.590),
    ("nanchang_2022", "pfs", "afp_400_or_more", "crude_hr", "crude", "rp", "r", 0.067, 0.022, 0.201),
    ("nanchang_2022", "pfs", "first_line_sorafenib", "crude_hr", "crude", "rp", "r", 0.434, 0.239, 0.787),
    ("nanchang_2022", "pfs", "albi_above_minus_2_60", "crude_hr", "crude", "rp", "r", 0.346, 0.177, 0.675),
    # Results, Predictors: sorafenib against lenvatinib 1.852 (1.142-3.003), turned round
    ("severance_2024", "pfs", "all", "adjusted_hr", "adjusted", "lenvatinib", "sorafenib", 0.540, 0.333, 0.876),
]

# study, outcome, treatment, comparator, population, p, events, patients: Z / sqrt(V), in favour of the treatment
LOG_RANK = [
    # Results, Clinical Efficacy: P = 0.010, 20 of 48 and 17 of 30 died
    ("nanchang_2022", "os", "rp", "r", "all", 2.575829, 37, 48, 30),
    # Results: p = 0.633 and 0.699; 95% of 68 progressed and 80% died, by assumption
    ("nanchang_2023", "pfs", "lp", "r", "all", 0.477509, 64.6, 41, 27),
    ("nanchang_2023", "os", "lp", "r", "all", 0.386671, 54.4, 41, 27),
    # Results, Survival outcomes: P = 0.019, 0.353, 0.001 and 0.003
    ("severance_2024", "os", "lenvatinib", "sorafenib", "all", 2.345531, 81, 40, 86),
    ("severance_2024", "os", "lenvatinib", "sorafenib", "matched", 0.928786, 44, 36, 36),
    ("severance_2024", "pfs", "lenvatinib", "sorafenib", "all", 3.290527, 107, 40, 86),
    ("severance_2024", "pfs", "lenvatinib", "sorafenib", "matched", 2.967738, 61, 36, 36),
]

# study, outcome, treatment, comparator, population: median (lower, upper) of the treatment, then of the comparator
MEDIANS = [
    # Results, Survival analysis
    ("ditan_2022", "pfs", "tki_ici", "tki", "all", (8.63, 7.17, 19.03), (2.97, 2.47, 5.73)),
    # Results 2.3 and Table 2
    ("ditan_2025", "os", "tki_ici", "tki", "all", (12.53, 10.79, 14.26), (7.50, 4.06, 10.94)),
    ("ditan_2025", "pfs", "tki_ici", "tki", "all", (5.27, 4.09, 6.44), (3.10, 2.04, 4.16)),
    ("ditan_2025", "os", "reg", "sor", "all", (7.50, 3.19, 11.80), (5.93, 2.47, 24.43)),
    ("ditan_2025", "os", "reg_ici", "sor", "all", (14.90, 5.37, 24.42), (5.93, 2.47, 24.43)),
    ("ditan_2025", "os", "sor_ici", "sor", "all", (11.67, 5.39, 17.95), (5.93, 2.47, 24.43)),
    ("ditan_2025", "os", "oth_ici", "sor", "all", (13.60, 7.03, 20.17), (5.93, 2.47, 24.43)),
    ("ditan_2025", "pfs", "reg", "sor", "all", (3.63, 2.39, 4.86), (2.87, 1.95, 3.78)),
    ("ditan_2025", "pfs", "reg_ici", "sor", "all", (5.27, 3.84, 6.69), (2.87, 1.95, 3.78)),
    ("ditan_2025", "pfs", "sor_ici", "sor", "all", (5.60, 3.05, 8.15), (2.87, 1.95, 3.78)),
    ("ditan_2025", "pfs", "oth_ici", "sor", "all", (5.93, 1.94, 9.92), (2.87, 1.95, 3.78)),
    # Results, Clinical Efficacy, and the paragraph below Table 2
    ("nanchang_2022", "pfs", "rp", "r", "all", (5.9, 4.9, 6.9), (3.0, 2.8, 3.2)),
    ("nanchang_2022", "os", "rp", "r", "all", (12.9, 11.9, 13.9), (10.3, 8.3, 12.3)),
    # Results, Treatment Outcomes and Survival Outcomes
    ("nanchang_2023", "pfs", "lp", "r", "all", (5.3, 4.0, 7.2), (3.0, 2.3, 6.3)),
    ("nanchang_2023", "os", "lp", "r", "all", (11.8, 9.2, 16.2), (8.0, 6.5, 22.0)),
    # Results, Survival outcomes; OS has no upper limit with lenvatinib, so no standard error
    ("severance_2024", "pfs", "lenvatinib", "sorafenib", "all", (3.5, 3.0, 4.2), (1.8, 1.6, 2.3)),
    ("severance_2024", "pfs", "lenvatinib", "sorafenib", "matched", (3.5, 3.0, 4.2), (1.8, 1.6, 2.4)),
]

# study, outcome, treatment, comparator, medians, events by arm
MEDIANS_EVENTS = [
    ("ditan_2022", "os", "tki_ici", "tki", (19.23, 7.63), (24, 30)),
    ("ditan_2022", "pfs", "tki_ici", "tki", (8.63, 2.97), (33, 32)),
    ("nanchang_2022", "os", "rp", "r", (12.9, 10.3), (20, 17)),
    ("nanchang_2022", "pfs", "rp", "r", (5.9, 3.0), (34, 26)),
    ("nanchang_2023", "os", "lp", "r", (11.8, 8.0), (0.80 * 41, 0.80 * 27)),
    ("nanchang_2023", "pfs", "lp", "r", (5.3, 3.0), (0.95 * 41, 0.95 * 27)),
]

# Hazard ratios with an exact p: study, outcome, adjustment, population, ratio, normal deviate of p
HR_P = [
    ("ditan_2022", "pfs", "crude", "bclc_b", 0.49, 1.242641),  # P = 0.214
    ("ditan_2025", "pfs", "crude", "all", 0.48, 2.386708),  # 0.017
    ("ditan_2025", "pfs", "adjusted", "all", 0.49, 2.132083),  # 0.033
    ("ditan_2025", "os", "crude", "all", 0.52, 2.241403),  # 0.025
    ("ditan_2025", "os", "adjusted", "all", 0.64, 1.362627),  # 0.173
    ("nanchang_2022", "pfs", "crude", "all", 0.403, 3.290527),  # 0.001
    ("nanchang_2022", "os", "crude", "all", 0.430, 2.512144),  # 0.012
    ("nanchang_2022", "os", "adjusted", "all", 0.436, 1.968596),  # 0.049
    ("severance_2024", "pfs", "adjusted", "all", 1 / 1.852, 2.512144),  # P = 0.012
]

# What an analysis uses unless it asks otherwise
SELECTED = {
    ("ditan_2022", "os"): ("adjusted_hr", "adjusted", "all", 0.28),
    ("ditan_2022", "pfs"): ("adjusted_hr", "adjusted", "all", 0.35),
    ("ditan_2025", "os"): ("adjusted_hr", "adjusted", "all", 0.64),
    ("ditan_2025", "pfs"): ("adjusted_hr", "adjusted", "all", 0.49),
    ("nanchang_2022", "os"): ("adjusted_hr", "adjusted", "all", 0.436),
    ("nanchang_2022", "pfs"): ("adjusted_hr", "adjusted", "all", 0.345),
    ("nanchang_2023", "os"): ("logrank_p", "crude", "all", 0.898),
    ("nanchang_2023", "pfs"): ("logrank_p", "crude", "all", 0.886),
    ("severance_2024", "os"): ("logrank_p", "matched", "matched", 0.756),
    ("severance_2024", "pfs"): ("adjusted_hr", "adjusted", "all", 0.540),
}


def find(project: Project, study: str, outcome: str, **wanted: str) -> Effect:
    """Return the one effect with these properties."""
    found = [
        effect
        for effect in derive_effects(project.sheets[study], outcome)
        if all(getattr(effect, key) == value for key, value in wanted.items())
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: "-".join(row[:4]))
def test_printed_hazard_ratios(project: Project, row: tuple[Any, ...]) -> None:
    """The estimate to printed precision, its standard error from the width of the interval, and its limits."""
    study, outcome, population, method, adjustment, treatment, comparator, ratio, lower, upper = row
    effect = find(project, study, outcome, population=population, method=method, adjustment=adjustment)
    assert (effect.treatment_arm, effect.comparator_arm) == (treatment, comparator)
    assert exp(effect.log_effect) == pytest.approx(ratio, abs=5e-4)
    assert effect.se == pytest.approx(log(upper / lower) / (2 * Z), rel=2e-3)
    # printed limits are rounded, and so not quite symmetric about the estimate on the log scale
    assert [effect.log_effect + sign * Z * effect.se for sign in (-1, 1)] == pytest.approx(
        [log(lower), log(upper)], abs=0.025
    )
    assert not effect.assumed


def test_every_printed_hazard_ratio_is_in_the_table(project: Project) -> None:
    """Nothing is derived from an interval that the table above does not hold."""
    derived = {
        (study, outcome, effect.population, effect.method, effect.adjustment)
        for study in STUDIES
        for outcome in ("os", "pfs")
        for effect in derive_effects(project.sheets[study], outcome)
        if effect.method in ("adjusted_hr", "crude_hr")
    }
    assert derived == {row[:5] for row in PRINTED}


@pytest.mark.parametrize("row", LOG_RANK, ids=lambda row: "-".join(row[:5]))
def test_log_rank_tests(project: Project, row: tuple[Any, ...]) -> None:
    """Effect -z / sqrt(V) and standard error 1 / sqrt(V), all of them in favour of the newer arm."""
    study, outcome, treatment, comparator, population, z, events, n, m = row
    effect = find(project, study, outcome, population=population, method="logrank_p")
    variance = events * n * m / (n + m) ** 2
    assert (effect.treatment_arm, effect.comparator_arm) == (treatment, comparator)
    assert effect.log_effect == pytest.approx(-z / sqrt(variance), abs=1e-5)
    assert effect.se == pytest.approx(1 / sqrt(variance), rel=1e-9)
    assert effect.assumed == (study == "nanchang_2023")
    assert effect.adjustment == ("matched" if population == "matched" else "crude")


def test_nearly_no_difference_in_nanchang_2023(project: Project) -> None:
    """The log-rank tests say 0.89 (PFS) and 0.90 (OS), and rest on an assumed number of events."""
    for outcome, ratio in (("pfs", 0.89), ("os", 0.90)):
        effect = find(project, "nanchang_2023", outcome, method="logrank_p")
        assert round(exp(effect.log_effect), 2) == ratio
        assert effect.assumed


@pytest.mark.parametrize("row", MEDIANS, ids=lambda row: "-".join(row[:5]))
def test_median_ratios(project: Project, row: tuple[Any, ...]) -> None:
    """ln(m_c / m_t), with the standard errors of both intervals and that of the comparator kept."""
    study, outcome, treatment, comparator, population, (m, lower, upper), (m_c, lower_c, upper_c) = row
    effect = find(project, study, outcome, population=population, method="medians_ci", treatment_arm=treatment)
    se, se_c = log(upper / lower) / (2 * Z), log(upper_c / lower_c) / (2 * Z)
    assert effect.comparator_arm == comparator
    assert effect.log_effect == pytest.approx(log(m_c / m), rel=1e-12)
    assert effect.se == pytest.approx(sqrt(se**2 + se_c**2), rel=1e-9)
    assert effect.baseline_se == pytest.approx(se_c, rel=1e-9)


@pytest.mark.parametrize("row", MEDIANS_EVENTS, ids=lambda row: "-".join(row[:2]))
def test_median_ratios_by_events(project: Project, row: tuple[Any, ...]) -> None:
    """Standard errors of log medians are 1 / sqrt(d)."""
    study, outcome, treatment, _, (m, m_c), (d, d_c) = row
    effect = find(project, study, outcome, method="medians_events", treatment_arm=treatment)
    assert effect.log_effect == pytest.approx(log(m_c / m), rel=1e-12)
    assert effect.se == pytest.approx(sqrt(1 / d + 1 / d_c), rel=1e-9)
    assert effect.baseline_se == pytest.approx(sqrt(1 / d_c), rel=1e-9)
    assert effect.assumed == (study == "nanchang_2023")


@pytest.mark.parametrize("row", HR_P, ids=lambda row: "-".join(row[:4]))
def test_hazard_ratios_with_p(project: Project, row: tuple[Any, ...]) -> None:
    """The standard error is abs(ln HR) / z."""
    study, outcome, adjustment, population, ratio, z = row
    effect = find(project, study, outcome, method="hr_p", adjustment=adjustment, population=population)
    assert effect.log_effect == pytest.approx(log(ratio), rel=1e-9)
    assert effect.se == pytest.approx(abs(log(ratio)) / z, rel=1e-5)


def test_bounds_and_open_intervals_are_never_used(project: Project) -> None:
    """The tables above are complete, so no p < 0.001 and no interval without an upper limit gave an effect."""
    counted = {"hr_p": len(HR_P), "logrank_p": len(LOG_RANK), "medians_ci": len(MEDIANS)}
    counted["medians_events"] = len(MEDIANS_EVENTS)
    for method, expected in counted.items():
        derived = [
            effect
            for study in STUDIES
            for outcome in ("os", "pfs")
            for effect in derive_effects(project.sheets[study], outcome)
            if effect.method == method
        ]
        assert len(derived) == expected, method


@pytest.mark.parametrize(("study", "outcome"), SELECTED)
def test_selected_effects(project: Project, study: str, outcome: str) -> None:
    """One effect per study and outcome: adjusted or matched before crude, then the higher rung."""
    chosen = select_effects(project.sheets[study], derive_effects(project.sheets[study], outcome))
    assert len(chosen) == 1
    method, adjustment, population, ratio = SELECTED[study, outcome]
    assert (chosen[0].method, chosen[0].adjustment, chosen[0].population) == (method, adjustment, population)
    assert exp(chosen[0].log_effect) == pytest.approx(ratio, abs=6e-4)


def test_an_analysis_may_ask_for_medians(project: Project) -> None:
    """nanchang_2023 by its medians: 3.0 / 5.3 and 8.0 / 11.8, with nothing assumed."""
    for outcome, ratio in (("pfs", 3.0 / 5.3), ("os", 8.0 / 11.8)):
        study = project.sheets["nanchang_2023"]
        chosen = select_effects(study, derive_effects(study, outcome), Selection(method="medians_ci"))
        assert [(effect.method, effect.assumed) for effect in chosen] == [("medians_ci", False)]
        assert exp(chosen[0].log_effect) == pytest.approx(ratio, rel=1e-9)


@pytest.mark.parametrize("method", [None, "medians_ci"])
@pytest.mark.parametrize("outcome", ["os", "pfs"])
def test_an_analysis_may_ask_for_regimens(project: Project, outcome: str, method: Method | None) -> None:
    """ditan_2025 by its regimens: four contrasts with sorafenib, sharing sorafenib's standard error."""
    study = project.sheets["ditan_2025"]
    selection = Selection(contrast_set="regimens", method=method)
    chosen = select_effects(study, derive_effects(study, outcome), selection)
    assert [effect.treatment_arm for effect in chosen] == ["reg", "reg_ici", "sor_ici", "oth_ici"]
    assert {effect.comparator_arm for effect in chosen} == {"sor"}
    limits = {"os": (2.47, 24.43), "pfs": (1.95, 3.78)}[outcome]
    shared = log(limits[1] / limits[0]) / (2 * Z)
    assert [effect.baseline_se for effect in chosen] == pytest.approx([shared] * 4, rel=1e-9)
    assert all(effect.se > shared for effect in chosen)


def test_a_method_that_a_study_does_not_allow(project: Project) -> None:
    """nanchang_2023 prints no hazard ratio, so asking for one selects nothing."""
    study = project.sheets["nanchang_2023"]
    assert select_effects(study, derive_effects(study, "os"), Selection(method="adjusted_hr")) == []


@pytest.mark.parametrize("method", [None, "adjusted_hr", "crude_hr", "hr_p", "logrank_p", "medians_ci"])
def test_subgroups_are_never_selected(project: Project, method: Method | None) -> None:
    """Whatever is asked for, the population is everybody or a matched cohort."""
    for study in STUDIES:
        for outcome in ("os", "pfs"):
            effects = derive_effects(project.sheets[study], outcome)
            chosen = select_effects(project.sheets[study], effects, Selection(method=method))
            assert {effect.population for effect in chosen} <= {"all", "matched"}


def test_a_subgroup_alone_gives_nothing() -> None:
    """A study that reports the outcome in a subgroup only has an effect, but none to select."""
    part = {"part": {"kind": "subgroup", "label": "Part", "n": {"len": 10, "sor": 12}, "place": "Table 1"}}
    study = sheet(populations=part, hazard_ratios=[hazard_ratio(population="part")])
    effects = derive_effects(study, "os")
    assert [effect.population for effect in effects] == ["part"]
    assert select_effects(study, effects) == []


PART = {"kind": "matched", "label": "Matched", "n": {"len": 30, "sor": 30}, "place": "Table 1"}
ADJUSTED_P = hazard_ratio(adjustment="adjusted", value=0.7, lower=None, upper=None, p=figure("0.04", value=0.04))
ADJUSTED = hazard_ratio(adjustment="adjusted", value=0.75)
MATCHED = hazard_ratio(adjustment="matched", value=0.6, population="part")
CRUDE = hazard_ratio()


@pytest.mark.parametrize(
    ("ratios", "value"),
    [
        ([CRUDE, ADJUSTED_P], 0.7),  # adjusted before crude, whatever the rung
        ([ADJUSTED_P, ADJUSTED, CRUDE], 0.75),  # the higher rung
        ([MATCHED, ADJUSTED], 0.75),  # everybody before others
        ([ADJUSTED_P, MATCHED], 0.6),  # the rung before the population
        ([MATCHED, CRUDE], 0.6),  # matched before crude, whatever the population
        ([CRUDE], 0.8),
    ],
)
def test_the_order_of_selection(ratios: list[dict[str, Any]], value: float) -> None:
    """Adjusted or matched first, then the rung, then the population; the order in the sheet plays no part."""
    for records in (ratios, ratios[::-1]):
        study = sheet(populations={"part": PART}, hazard_ratios=records)
        (chosen,) = select_effects(study, derive_effects(study, "os"))
        assert exp(chosen.log_effect) == pytest.approx(value)


def test_a_ratio_without_a_limit_or_p_gives_no_effect() -> None:
    """A missing limit gives no standard error, and a bound of p is no p."""
    bound = figure("<0.001", value=0.001, relation="<")
    study = sheet(hazard_ratios=[hazard_ratio(upper=None, p=bound)])
    assert derive_effects(study, "os") == []


def test_records_marked_as_not_used() -> None:
    """A hazard ratio that is recorded but not used gives no effect."""
    assert derive_effects(sheet(hazard_ratios=[hazard_ratio(not_used="misprint")]), "os") == []


def test_quartiles_give_no_standard_error() -> None:
    """The range of the middle half of the patients is no confidence interval of their median."""
    medians = [
        {"outcome": "os", "arm": name, **figure("9 6 13", value=9, lower=6, upper=13), "interval": "IQR"}
        for name in ("len", "sor")
    ]
    for kind, methods in (("quartiles", []), ("confidence", ["medians_ci"])):
        records = [{**median, "interval_is": kind} for median in medians]
        assert [effect.method for effect in derive_effects(sheet(medians=records), "os")] == methods


@given(st.floats(0.05, 20), st.floats(1.05, 5), st.floats(1.05, 5), st.floats(0.001, 0.9))
def test_orientation_does_not_matter(value: float, below: float, above: float, p: float) -> None:
    """A ratio of the comparator against the treatment gives the same effects as its inverse."""
    test = figure("p", value=p)
    lower, upper = value / below, value * above
    forward = hazard_ratio(value=value, lower=lower, upper=upper, p=test)
    swapped = {"treatment": "sor", "comparator": "len"}
    backward = hazard_ratio(value=1 / value, lower=1 / upper, upper=1 / lower, p=test, **swapped)
    first, second = (derive_effects(sheet(hazard_ratios=[ratio]), "os") for ratio in (forward, backward))
    assert [effect.method for effect in first] == [effect.method for effect in second]
    for a, b in zip(first, second, strict=True):
        assert (a.treatment_arm, a.comparator_arm) == (b.treatment_arm, b.comparator_arm) == ("len", "sor")
        assert a.log_effect == pytest.approx(b.log_effect, abs=1e-12)
        assert a.se == pytest.approx(b.se, abs=1e-12, rel=1e-9)


@given(st.floats(0.001, 1), st.booleans(), st.booleans())
def test_orientation_of_a_log_rank_test(p: float, favours: bool, swap: bool) -> None:
    """The side that a test favours decides the sign, not which arm is named first."""
    names = ("sor", "len") if swap else ("len", "sor")
    record = {
        "outcome": "os",
        "treatment": names[0],
        "comparator": names[1],
        "favours": "len" if favours else "sor",
        "p": figure("p", value=p),
    }
    events = [{"outcome": "os", "events": {"count": 50, "printed": "50"}}]
    (effect,) = derive_effects(sheet(log_rank=[record], events=events), "os")
    assert (effect.log_effect <= 0) if favours else (effect.log_effect >= 0)
    assert effect.se == pytest.approx(sqrt(100**2 / (50 * 40 * 60)))
