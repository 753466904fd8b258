"""Figures: the right direction of better, and no word cut off or covered, in networks of every kind."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise, permutations
from math import exp, log
from pathlib import Path
from typing import Any

import pytest
from secondline.likelihoods import LIKELIHOODS, MEDIAN_TIME
from secondline.measures import MEASURES
from secondline.network.arms import used_arms
from secondline.network.graph import edges
from secondline.report.figures.absolute import draw_absolute
from secondline.report.figures.axis import EffectAxis
from secondline.report.figures.circle import place_labels
from secondline.report.figures.draw_all import plot_analysis, plot_outcome
from secondline.report.figures.files import PAPER, caption, save
from secondline.report.figures.fit import MOST_LABELS, draw_deviances, draw_leverage, free_place
from secondline.report.figures.forest import draw_forest
from secondline.report.figures.heterogeneity import draw_heterogeneity
from secondline.report.figures.network import draw_network
from secondline.report.figures.pair import MOST_NAMES, draw_pair, places_of
from secondline.report.figures.ranks import draw_cumulative_ranks, draw_rankogram
from secondline.report.figures.splits import MARKS, draw_splits, splits_of
from secondline.report.figures.style import EVIDENCE, wrapped
from secondline.report.figures.sucra import draw_sucra, heat_colour
from secondline.report.settings import Labels
from secondline.report.words import Names, differences, number, p_value, probability, ratio
from secondline.tables import read_table, write_table

TREATMENTS = ["placebo", "alpha", "beta_long", "gamma"]
LABELS = Labels(
    outcomes={"pain": "Pain relief at twelve weeks", "harm": "Serious harm"},
    better={"pain": "higher", "harm": "lower"},
    measures={"pain": "OR", "harm": "HR"},
    margins={"pain": 1.25, "harm": 0.8},
    regimens={
        "placebo": "Placebo",
        "alpha": "Alpha",
        "beta_long": "Beta given with a very long second name",
        "gamma": "Gamma",
    },
    settings={"overall": "Overall", "acute": "Acute attack"},
    analyses={"main": "Everything"},
    headline="pooled",
    omega={"fixed": "", "pooled": ""},
)
SETTINGS = ("overall", "acute")
LABEL_OF = {"placebo": "reference", "alpha": "direct", "beta_long": "extrapolated", "gamma": "prior_driven"}


@dataclass(frozen=True)
class Network:
    """A made-up network and every table that the figures and the report of one of its outcomes read.

    ``effects`` are on the link scale against the first treatment, which is the reference; ``designs`` gives the
    treatments of every study.
    """

    effects: dict[str, float]
    designs: dict[str, tuple[str, ...]]
    measure: str = "OR"
    better: str = "higher"
    treatments: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    patients: int = 50
    contrasts: bool = False
    width: float = 0.4

    @property
    def labels(self):
        """Labels of one analysis and one outcome."""
        ratio = MEASURES[self.measure].is_ratio
        return Labels(
            outcomes={"result": "Result at twelve weeks"},
            better={"result": self.better},
            measures={"result": self.measure},
            margins={"result": 1.25 if ratio else 0.5},
            regimens={name: self.treatments.get(name, name.capitalize()) for name in self.effects},
            settings={"overall": "Overall", **{name: f"After {name}" for name in self.settings}},
            analyses={"main": "Everything"},
            headline="pooled",
            omega={"pooled": ""},
        )

    @property
    def names(self):
        """Names of the outcome under the headline model."""
        return Names(self.labels, "main", "result", "pooled")

    @property
    def reference(self):
        """The first treatment."""
        return next(iter(self.effects))

    @property
    def order(self):
        """Treatments from the best to the worst."""
        return sorted(self.effects, key=lambda name: self.effects[name] * (-1 if self.better == "higher" else 1))

    def _natural(self, value):
        return exp(value) if MEASURES[self.measure].is_ratio else value

    def estimate(self, value, width=None):
        """Columns of an effect and its interval."""
        width = self.width if width is None else width
        link = {"median": value, "lower": value - width, "upper": value + width, "mean": value, "sd": width / 1.96}
        ends = {"estimate": "median", "estimate_lower": "lower", "estimate_upper": "upper"}
        natural = {name: self._natural(link[key]) for name, key in ends.items()}
        common = {"measure": self.measure, "engine": "exact", "converged": "true"}
        return {**common, **{k: repr(v) for k, v in {**link, **natural}.items()}}

    def relative(self):
        """Rows of relative_effects.csv: every ordered pair."""
        sign = 1 if self.better == "higher" else -1
        rows = []
        for setting in ("overall", *self.settings):
            for t, c in permutations(self.effects, 2):
                value = self.effects[t] - self.effects[c]
                predictive = {
                    "predictive_lower": value - 1.5 * self.width,
                    "predictive_upper": value + 1.5 * self.width,
                }
                rows.append(
                    {
                        "setting": setting,
                        "treatment": t,
                        "comparator": c,
                        **self.estimate(value),
                        **{key: repr(end) for key, end in predictive.items()},
                        "p_better": "0.97" if sign * value > 0 else "0.03",
                        "p_margin": "0.83" if sign * value > 0 else "0.01",
                        "evidence": "direct" if {t, c} & {self.reference} else "indirect",
                    }
                )
        return rows

    def absolute(self):
        """Rows of absolute_effects.csv: medians of hazard ratios, else what contrasts of the measure give."""
        median = self.measure == "HR"
        scale, unit = (MEDIAN_TIME, "months") if median else (LIKELIHOODS["contrasts"].scale(self.measure), "")
        baseline = log(log(2) / 6) if median else -1.4
        rows = []
        for setting in ("overall", *self.settings):
            for name, effect in self.effects.items():
                link = [effect - self.width, effect, effect + self.width]
                natural = sorted(float(scale.natural(baseline + value)) for value in link)
                ends = ("absolute_lower", "absolute", "absolute_upper")
                rows.append(
                    {
                        "setting": setting,
                        "treatment": name,
                        "scale": scale.name,
                        "unit": unit,
                        **{end: repr(value) for end, value in zip(ends, natural, strict=True)},
                        "evidence": "reference" if name == self.reference else "direct",
                        "baseline": f"{self.reference} ~ N(-1.4, 0.2^2)",
                        "source": "a registry of patients with a long name; volume two, page three hundred and one",
                        "assumptions": "something that is said at some length, so that it needs a line of its own",
                        "converged": "true",
                    }
                )
        return rows

    def ranking(self):
        """Rows of ranking.csv."""
        n = len(self.order)
        return [
            row
            for setting in ("overall", *self.settings)
            for row in among_candidates(
                [
                    {
                        "outcome": "result",
                        "model": "pooled",
                        "setting": setting,
                        "treatment": name,
                        "candidate": "true",
                        "sucra": repr(1 - self.order.index(name) / max(n - 1, 1)),
                        "sucra_lower": "0.1",
                        "sucra_upper": "0.9",
                        "median_rank": str(self.order.index(name) + 1),
                        "rank_lower": "1",
                        "rank_upper": str(n),
                        "p_best": "0.9" if name == self.order[0] else "0.05",
                        "poth": "0.7",
                        "evidence": "reference" if name == self.reference else "direct",
                        "converged": "true",
                    }
                    for name in self.effects
                ]
            )
        ]

    def probabilities(self):
        """Rows of rank_probabilities.csv: four in five on the treatment's rank, the rest on the others."""
        n = len(self.order)
        return [
            {
                "setting": setting,
                "treatment": name,
                "rank": str(rank),
                "probability": repr(0.8 if self.order.index(name) + 1 == rank else 0.2 / max(n - 1, 1)),
                "error": "0.0006",
                "engine": "exact",
            }
            for setting in ("overall", *self.settings)
            for name in self.effects
            for rank in range(1, n + 1)
        ]

    def evidence(self):
        """Rows of evidence.csv: counts by arm, or contrasts against the first arm without numbers of patients."""
        rows = []
        for study, arms in self.designs.items():
            common = {"study": study, "setting_mix": " ".join(f"{name}:1" for name in self.settings), "used": "true"}
            common |= {"informative": "true", "reason": "", "covariates": ""}
            if self.contrasts:
                rows += [
                    {
                        **common,
                        "contrast_set": "",
                        "population": "all",
                        "treatment_arm": arm,
                        "comparator_arm": arms[0],
                        "treatment_mix": f"{arm}:1",
                        "comparator_mix": f"{arms[0]}:1",
                        "n_treatment": "",
                        "n_comparator": "",
                        "effect": repr(self.effects[arm] - self.effects[arms[0]]),
                        "se": "0.3",
                        "method": "table",
                        "adjustment": "",
                        "assumed": "false",
                    }
                    for arm in arms[1:]
                ]
            else:
                counts = {"n": str(self.patients), "events": "7", "criterion": "", "derived": ""}
                rows += [{**common, **counts, "arm": arm, "arm_mix": f"{arm}:{self.patients}"} for arm in arms]
        return rows

    def edges(self):
        """Rows of network/edges.csv."""
        return [
            {key: str(value) for key, value in row.items()} for row in edges(used_arms(self.evidence()), self.settings)
        ]

    def points(self, worst=0.5):
        """Rows of data_points.csv; the first arm of the first study has a deviance of its own."""
        names = [(study, arm) for study, arms in self.designs.items() for arm in arms]
        return [
            {
                "study": study,
                "data_point": arm,
                "deviance": repr(worst if k == 0 else 0.4 + (k * 37 % 20) / 20),
                "leverage": repr(0.5 + (k * 53 % 40) / 100),
            }
            for k, (study, arm) in enumerate(names)
        ]

    def both_points(self, worst=0.5):
        """Rows of inconsistency/data_points.csv."""
        unrelated = [{"model": "unrelated", **row} for row in self.points()]
        return [{"model": "consistency", **row} for row in self.points(worst)] + unrelated

    def splits(self, pairs, stuck=(), p="0.62"):
        """Rows of node_splits.csv: pairs that can be split, and pairs that cannot."""
        rows = []
        for t, c in (*pairs, *stuck):
            reason = "no closed loop: the other studies do not estimate it" if (t, c) in stuck else ""
            shared = {"treatment": t, "comparator": c, "assessable": "false" if reason else "true", "reason": reason}
            value = self.effects[t] - self.effects[c]
            kinds = {"network": value} if reason else dict.fromkeys(("network", "direct", "indirect"), value)
            kinds |= {} if reason else {"difference": 0.1}
            for kind, mean in kinds.items():
                width = self.width * (1 if kind == "network" else 2)
                p_value = p if kind == "difference" else ""
                rows.append({**shared, "evidence": kind, **self.estimate(mean, width), "p_value": p_value})
        return rows

    def fits(self, pairs=()):
        """Rows of inconsistency/fit_statistics.csv."""
        names = ["consistency", "unrelated", *(f"split {t} against {c}" for t, c in pairs)]
        figures = {"residual_deviance": "54.0", "p_d": "45.0", "dic": "99.0", "elpd_loo": "-170.0"}
        figures |= {"elpd_loo_se": "9.0", "p_loo": "40.0", "data_points": "50", "pareto_k": ""}
        tau = {"tau_median": "0.8", "tau_lower": "0.5", "tau_upper": "1.3"}
        return [{"model": name, **figures, **tau, "converged": "true"} for name in names]

    def unrelated(self, pairs):
        """Rows of unrelated_effects.csv."""
        return [
            {"treatment": t, "comparator": c, "model": model, **self.estimate(self.effects[t] - self.effects[c])}
            for t, c in pairs
            for model in ("unrelated", "consistency")
        ]


def among_candidates(rows, unplaced=(), not_named=""):
    """Add the columns on candidates to the rows of one setting: those placed keep their order; the first is named."""
    placed = [row for row in rows if row["candidate"] == "true" and row["treatment"] not in unplaced]
    placed.sort(key=lambda row: -float(row["sucra"]))
    result = []
    for row in rows:
        keys = ("sucra", "sucra_lower", "sucra_upper", "p_best", "rank_lower", "rank_upper")
        ranks, first = dict.fromkeys(keys, ""), False
        if row in placed and len(placed) > 1:
            value = 1 - placed.index(row) / (len(placed) - 1)
            ends = {"sucra_lower": max(value - 0.3, 0), "sucra_upper": min(value + 0.3, 1)}
            ranks = {key: repr(number) for key, number in {"sucra": value, **ends, "p_best": value / 2}.items()}
            rank = placed.index(row) + 1
            ranks |= {"rank_lower": str(max(rank - 1, 1)), "rank_upper": str(min(rank + 1, len(placed)))}
            first = row is placed[0]
        columns = {f"candidate_{key}": text for key, text in ranks.items()}
        columns["candidate_first_by"] = "sucra p_best mean" if first else ""
        columns["named_first"] = "true" if first and not not_named else "false"
        columns["not_named"] = not_named or ("" if len(placed) > 1 else "not_placed" if unplaced else "one_candidate")
        result.append({**row, **columns})
    return result


def ranking_rows(outcome="pain", model="pooled", converged="true", **changes):
    """Rows of ranking.csv in which every treatment ranks above the one before it."""
    found = []
    for setting in SETTINGS:
        rows = []
        for k, treatment in enumerate(TREATMENTS):
            value = k / (len(TREATMENTS) - 1)
            rows.append(
                {
                    "outcome": outcome,
                    "model": model,
                    "setting": setting,
                    "treatment": treatment,
                    "candidate": "false" if (setting, treatment) == ("acute", "gamma") else "true",
                    "sucra": str(value),
                    "sucra_lower": str(max(value - 0.3, 0)),
                    "sucra_upper": str(min(value + 0.3, 1)),
                    "p_best": str(value / 2),
                    "evidence": LABEL_OF[treatment],
                    "converged": converged,
                }
            )
        found += among_candidates(rows, **changes)
    return found


def relative_rows(measure="OR"):
    """Rows of relative_effects.csv against the reference."""
    rows = []
    for setting in SETTINGS:
        for k, treatment in enumerate(TREATMENTS[1:]):
            effect = 0.5 * (k - 1) + 0.1
            rows.append(
                {
                    "setting": setting,
                    "treatment": treatment,
                    "comparator": "placebo",
                    "measure": measure,
                    "lower": str(effect - 1),
                    "upper": str(effect + 1),
                    "estimate": str(2.718281828**effect),
                    "estimate_lower": str(2.718281828 ** (effect - 1)),
                    "estimate_upper": str(2.718281828 ** (effect + 1)),
                    "predictive_lower": str(effect - 9),
                    "predictive_upper": str(effect + 1.5),
                    "evidence": LABEL_OF[treatment],
                    "engine": "sampled",
                    "converged": "true",
                }
            )
    return rows


def probability_rows():
    """Rows of rank_probabilities.csv, all ranks equally probable."""
    n = len(TREATMENTS)
    return [
        {
            **{"setting": setting, "treatment": treatment, "rank": str(rank), "probability": str(1 / n)},
            **{"error": "0.0042", "engine": "sampled"},
        }
        for setting in SETTINGS
        for treatment in TREATMENTS
        for rank in range(1, n + 1)
    ]


EVIDENCE_ROWS = [
    {"study": "one", "arm": "a", "arm_mix": "placebo:40", "n": "40", "setting_mix": "acute:80", "used": "true"},
    {"study": "one", "arm": "b", "arm_mix": "alpha:40", "n": "40", "setting_mix": "acute:80", "used": "true"},
    {"study": "two", "arm": "a", "arm_mix": "placebo:30", "n": "30", "setting_mix": "acute:60", "used": "true"},
    {
        "study": "two",
        "arm": "b",
        "arm_mix": "beta_long:20 gamma:10",
        "n": "30",
        "setting_mix": "acute:60",
        "used": "true",
    },
]
EDGE_ROWS = [
    {"treatment": "alpha", "comparator": "placebo", "study": "one", "setting": "acute", "weight": "1.0"},
    {
        "treatment": "beta_long",
        "comparator": "placebo",
        "study": "two",
        "setting": "acute",
        "weight": "0.667",
    },
    {"treatment": "gamma", "comparator": "placebo", "study": "two", "setting": "acute", "weight": "0.333"},
]
HETEROGENEITY = [
    {
        "parameter": "tau",
        "median": "0.3",
        "lower": "0.1",
        "upper": "0.8",
        "prior": "half-normal(0.5)",
        "prior_overlap": "0.9",
    }
]
DENSITIES = [
    {"parameter": "tau", "value": str(x / 10), "prior": str(2 - x / 10), "posterior": str(1.5 - x / 20)}
    for x in range(20)
]


def names(outcome="pain"):
    """Labels of one outcome."""
    return Names(LABELS, "main", outcome, "pooled")


def drawn_texts(figure):
    """Draw a figure and return its texts with their boxes in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    unseen = set()  # labels of ticks beyond the axis exist and are never drawn
    for axes in figure.axes:
        if not axes.axison:
            unseen |= {*axes.get_xticklabels(), *axes.get_yticklabels()}
        (low, high), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        unseen |= {label for label in axes.get_xticklabels() if not low <= label.get_position()[0] <= high}
        unseen |= {label for label in axes.get_yticklabels() if not bottom <= label.get_position()[1] <= top}
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    texts = [text for text in texts if text not in unseen]
    return [(text, text.get_window_extent(renderer)) for text in texts]


def said(figure):
    """Join the words of a figure and those of its caption."""
    words = [text.get_text().replace("\n", " ") for text, _ in drawn_texts(figure)]
    return " ".join([*words, *caption(figure)])


def assert_inside(figure):
    """Check that the box of every text lies on the canvas."""
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in drawn_texts(figure):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text.get_text()!r} leaves the figure"


def assert_apart(figure):
    """Check that no text covers another."""
    for (one, first), (two, second) in combinations(drawn_texts(figure), 2):
        assert not first.shrunk(0.98, 0.8).overlaps(second.shrunk(0.98, 0.8)), (
            f"{one.get_text()!r} covers {two.get_text()!r}"
        )


SMOKING = Network(
    effects={"no_contact": 0.0, "ind_counseling": 0.8, "grp_counseling": 1.1, "self_help": 0.5},
    designs={
        "1": ("no_contact", "ind_counseling"),
        "2": ("no_contact", "ind_counseling", "grp_counseling"),
        "3": ("no_contact", "self_help"),
        "4": ("self_help", "ind_counseling"),
        "5": ("grp_counseling", "self_help"),
    },
    treatments={"ind_counseling": "Individual counselling", "grp_counseling": "Group counselling"},
)
OFF_TIME = Network(
    effects={"placebo": 0.0, "pramipexole": -1.8, "ropinirole": -0.5, "bromocriptine": -0.5},
    designs={
        "Lieberman 1998": ("placebo", "ropinirole"),
        "Guttman 1997": ("placebo", "pramipexole", "bromocriptine"),
        "A study whose name is longer than any label should be, 2002, group A": ("ropinirole", "bromocriptine"),
    },
    measure="MD",
    better="lower",
    contrasts=True,
    width=0.9,
)
TWO = Network({"a": 0.0, "b": 0.02}, {"s": ("a", "b")}, measure="HR", better="lower", width=0.01)
IDS = [f"t{i:02d}" for i in range(25)]
MANY = Network(
    effects={name: 0.1 * (i * 7 % 25) - 0.5 if i else 0.0 for i, name in enumerate(IDS)},
    designs={f"Investigators of multicentre trial {i}": (IDS[i % 25], IDS[(i + 1 + i // 25) % 25]) for i in range(120)},
    treatments={name: f"Treatment {i}{' with a long second name' if i % 5 == 0 else ''}" for i, name in enumerate(IDS)},
    measure="SMD",
)
NETWORKS = {"smoking": SMOKING, "off_time": OFF_TIME, "two": TWO, "many": MANY}
LOOPS = {
    "smoking": [("ind_counseling", "no_contact"), ("self_help", "ind_counseling")],
    "off_time": [("ropinirole", "placebo")],
    "two": [],
    "many": [(IDS[1], IDS[0]), (IDS[2], IDS[1]), (IDS[6], IDS[5])],
}
STUCK = {
    "smoking": [],
    "off_time": [("pramipexole", "placebo")],
    "two": [("b", "a")],
    "many": [(IDS[i + 1], IDS[i]) for i in range(7, 20)],
}
FIGURES = (
    "forest",
    "rankogram",
    "cumulative_ranks",
    "network",
    "heterogeneity",
    "sucra",
    "absolute",
    "pair",
    "leverage",
    "dev_dev",
    "node_splits",
)


def pair_of(across, upwards):
    """Draw the outcomes of two networks against each other."""
    relative, rankings = (across.relative(), upwards.relative()), (across.ranking(), upwards.ranking())
    return draw_pair(relative, rankings, (across.names, upwards.names))


def split_figure(network, pairs, stuck=(), p="0.62", warning=""):
    """Draw the node-splits of a network."""
    return draw_splits(
        splits_of(network.splits(pairs, stuck, p), used_arms(network.evidence())), network.names, warning
    )


def figure_of(kind, name):
    """Draw one figure of one of the networks."""
    network, pairs = NETWORKS[name], LOOPS[name]
    labels = network.names
    match kind:
        case "forest":
            return draw_forest(network.relative(), network.ranking(), labels)
        case "rankogram":
            return draw_rankogram(network.probabilities(), network.ranking(), labels)
        case "cumulative_ranks":
            return draw_cumulative_ranks(network.probabilities(), network.ranking(), labels)
        case "absolute":
            return draw_absolute(network.absolute(), network.ranking(), labels)
        case "pair":
            return pair_of(network, network)
        case "network":
            return draw_network(network.edges(), network.evidence(), network.ranking(), labels)
        case "heterogeneity":
            return draw_heterogeneity(DENSITIES, HETEROGENEITY, labels)
        case "sucra":
            return draw_sucra(network.ranking(), labels)
        case "leverage":
            return draw_leverage(network.points(worst=6.0), labels)
        case "dev_dev":
            return draw_deviances(network.both_points(worst=6.0), labels, bool(pairs))
        case _:
            return split_figure(network, pairs, STUCK[name])


def figures():
    """Draw every figure of the network with settings."""
    points = [{"study": f"study {i}", "data_point": "a", "deviance": str(i), "leverage": "0.6"} for i in range(6)]
    return {
        "forest": draw_forest(relative_rows(), ranking_rows(), names()),
        "rankogram": draw_rankogram(probability_rows(), ranking_rows(), names()),
        "cumulative_ranks": draw_cumulative_ranks(probability_rows(), ranking_rows(), names()),
        "network": draw_network(EDGE_ROWS, EVIDENCE_ROWS, ranking_rows(), names()),
        "heterogeneity": draw_heterogeneity(DENSITIES, HETEROGENEITY, names()),
        "sucra": draw_sucra(ranking_rows() + ranking_rows("harm"), names()),
        "leverage": draw_leverage(points, names(), "NOT CONVERGED"),
    }


@pytest.mark.parametrize(
    "figure", ["forest", "rankogram", "cumulative_ranks", "network", "heterogeneity", "sucra", "leverage"]
)
def test_every_word_is_inside_the_figure(figure):
    """Every word is inside the figure."""
    assert_inside(figures()[figure])


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("figure", FIGURES)
def test_words_are_inside_and_apart_in_every_network(figure, network):
    """Whatever the number of treatments and the length of their names, no word is cut off or covers another."""
    drawn = figure_of(figure, network)
    assert_inside(drawn)
    assert_apart(drawn)


DIRECTIONS = [("OR", "higher"), ("HR", "lower"), ("RR", "lower"), ("MD", "lower"), ("SMD", "higher"), ("PD", "higher")]


def obvious(measure, better):
    """Make a network with an obvious winner and an obvious loser beside the reference."""
    sign = 1 if better == "higher" else -1
    return Network(
        effects={"reference": 0.0, "loser": -1.5 * sign, "winner": 1.5 * sign},
        designs={"one": ("reference", "winner"), "two": ("reference", "loser"), "three": ("winner", "loser")},
        measure=measure,
        better=better,
    )


def places(figure):
    """Horizontal place of no effect and of the words that say which side favours whom, in pixels."""
    boxes = {text.get_gid(): box for text, box in drawn_texts(figure) if text.get_gid()}
    treatment, comparator = (boxes[f"favours-{who}"] for who in ("treatment", "comparator"))
    return (treatment.x0 + treatment.x1) / 2, (comparator.x0 + comparator.x1) / 2


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
def test_forest_puts_an_obvious_winner_on_top_and_on_the_side_that_favours_treatment(measure, better):
    """For ratios and differences, more or less being better."""
    network = obvious(measure, better)
    figure = draw_forest(network.relative(), network.ranking(), network.names)
    axes = figure.axes[0]
    treatment, comparator = places(figure)
    points = {line.get_gid(): line for line in axes.lines if (line.get_gid() or "").startswith("effect-")}
    x = {
        name: axes.transData.transform((points[f"effect-{name}"].get_xdata()[0], 0))[0] for name in ("winner", "loser")
    }
    none = axes.transData.transform((1 if MEASURES[measure].is_ratio else 0, 0))[0]
    assert (x["winner"] - none) * (treatment - none) > 0 > (x["loser"] - none) * (treatment - none)
    assert (comparator - none) * (treatment - none) < 0
    assert points["effect-winner"].get_ydata()[0] < points["effect-loser"].get_ydata()[0]


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
def test_rankogram_and_sucra_put_an_obvious_winner_first(measure, better):
    """The winner has the top band, its tallest bar at rank 1, and the darkest cell."""
    from matplotlib.colors import to_rgb

    network = obvious(measure, better)
    axes = draw_rankogram(network.probabilities(), network.ranking(), network.names).axes[0]
    labels = sorted((text.xy[1], text.get_text()) for text in axes.texts)
    assert [text for _, text in labels] == ["Winner", "Reference", "Loser"]
    bars = {item.get_gid(): [path.vertices for path in item.get_paths()] for item in axes.collections}
    heights = [float(bar[:, 1].max() - bar[:, 1].min()) for bar in bars["ranks-winner"]]
    assert heights[0] == max(heights)
    assert bars["ranks-winner"][0][:, 1].max() == 1
    cells = {patch.get_gid(): patch for patch in draw_sucra(network.ranking(), network.names).axes[0].patches}
    light = {name: sum(to_rgb(cells[f"cell-{name}-result"].get_facecolor())) for name in network.effects}
    assert light["winner"] < light["reference"] < light["loser"]


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
def test_cumulative_ranks_fill_the_share_that_is_the_sucra(measure, better):
    """Areas by hand: certain ranks 1, 2 and 3 of three fill all, half and nothing of their bands."""
    network = obvious(measure, better)
    certain = [
        {**row, "probability": "1.0" if network.order.index(row["treatment"]) + 1 == int(row["rank"]) else "0.0"}
        for row in network.probabilities()
    ]
    figure = draw_cumulative_ranks(certain, network.ranking(), network.names)
    steps = {item.get_gid(): item.get_paths()[0].vertices for item in figure.axes[0].collections if item.get_gid()}
    full = 0.94 * 2  # height of a band times two ranks
    for name, share in zip(("winner", "reference", "loser"), (1.0, 0.5, 0.0), strict=True):
        x, y = steps[f"cumulative-{name}"].T
        area = abs(float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())) / 2
        assert area / full == pytest.approx(share, abs=1e-9)
    shown = [text.get_text() for text, _ in drawn_texts(figure)]
    assert [shown.count(text) for text in ("1.00", "0.50", "0.00")] == [1, 1, 1]


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
def test_absolute_effects_stand_on_the_side_that_is_better(measure, better):
    """The winner lies further in the direction of the arrow: a longer median where the event is to be put off."""
    network = obvious(measure, better)
    rows = network.absolute()
    figure = draw_absolute(rows, network.ranking(), network.names)
    axes = figure.axes[-1]
    points = {line.get_gid(): line.get_xdata()[0] for line in axes.lines if line.get_gid()}
    arrow = next(text.get_text() for text, _ in drawn_texts(figure) if text.get_gid() == "better")
    sign = 1 if arrow == "better →" else -1
    assert sign * points["absolute-winner"] > sign * points["absolute-reference"] > sign * points["absolute-loser"]
    words = {text.get_text() for text, _ in drawn_texts(figure)}
    assert {network.names.absolute(row) for row in rows} <= words
    assert "declared baseline" in words


def test_absolute_effects_say_what_they_rest_on_and_assume():
    """The source, and every assumption, stand in the caption; numbers are per 100 and in months."""
    words = said(figure_of("absolute", "two"))
    assert "a registry of patients with a long name; volume two, page three hundred and one" in words
    assert "something that is said at some length" in words
    assert "Proportional hazards and exponential survival are assumed." in words
    assert "median, months" in words
    shares = said(figure_of("absolute", "smoking"))
    assert "per 100 patients" in shares
    assert "exponential" not in shares
    assert "20 (14 to 27)" in shares  # odds exp(-1.4), and 0.4 on either side


def test_absolute_figures_that_are_withheld_have_a_name_and_no_mark():
    """Beside them stands what was observed, with its own mark."""
    empty = dict.fromkeys(("absolute", "absolute_lower", "absolute_upper"), "")
    rows = [{**row, **empty, "evidence": "extrapolated"} if row["treatment"] == "b" else row for row in TWO.absolute()]
    seen = {**rows[1], "study": "one", "arm": "x", "shown": "true"}
    seen |= {"observed": "4.5", "observed_lower": "3.5", "observed_upper": ""}
    figure = draw_absolute(rows, TWO.ranking(), TWO.names, "", [seen])
    lines = figure.axes[0].lines
    assert "absolute-b" not in {line.get_gid() for line in lines}
    assert [line.get_xdata()[0] for line in lines if line.get_marker() == "x"] == [4.5]
    words = [text.get_text() for text, _ in drawn_texts(figure)]
    assert {
        "–",
        "extrapolated",
        TWO.names.regimen("b"),
        "observed in a study arm, with the printed interval",
    } <= set(words)


def test_long_intervals_of_times_end_in_an_arrow():
    """They do not squeeze the others."""
    rows = [{**row, "absolute_upper": "600"} if row["treatment"] == "b" else row for row in TWO.absolute()]
    axes = draw_absolute(rows, TWO.ranking(), TWO.names).axes[0]
    assert axes.get_xlim()[1] < 20
    assert [line.get_marker() for line in axes.lines].count(">") == 1


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
@pytest.mark.parametrize(("other", "other_better"), [("OR", "lower"), ("OR", "higher"), ("MD", "lower")])
def test_a_winner_in_both_outcomes_lies_in_the_shaded_corner(measure, better, other, other_better):
    """Across and upwards, more or less being better; the arrows point there, the loser lies outside."""
    figure = pair_of(obvious(measure, better), obvious(other, other_better))
    axes = figure.axes[0]
    texts = {text.get_gid(): (text, box) for text, box in drawn_texts(figure) if text.get_gid()}
    shaded = next(patch for patch in axes.patches if patch.get_gid() == "better-in-both")
    x0, y0, x1, y1 = shaded.get_window_extent().extents
    points = {
        line.get_gid(): axes.transData.transform((line.get_xdata()[0], line.get_ydata()[0])) for line in axes.lines
    }
    x, y = points["pair-winner"]
    assert x0 < x < x1
    assert y0 < y < y1
    x, y = points["pair-loser"]
    assert not x0 < x < x1
    assert not y0 < y < y1
    reference = points["pair-reference"]
    middle = {key: ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) for key, (_, box) in texts.items()}
    assert (middle["better-x"][0] - reference[0]) * (points["pair-winner"][0] - reference[0]) > 0
    assert (middle["better-y"][1] - reference[1]) * (points["pair-winner"][1] - reference[1]) > 0
    assert x0 < middle["corner"][0] < x1
    assert y0 < middle["corner"][1] < y1
    assert texts["better-x"][0].get_text() == ("← better" if better == "lower" else "better →")


def test_a_pair_shows_what_both_outcomes_have_and_the_weaker_evidence():
    """A treatment of one network alone is left out; direct and extrapolated make extrapolated."""
    few = Network({"no_contact": 0.0, "self_help": 0.4}, {"s": ("no_contact", "self_help")})
    weaker = [{**row, "evidence": "extrapolated"} for row in few.relative()]
    rankings = SMOKING.ranking(), few.ranking()
    reference, places = places_of((SMOKING.relative(), weaker), rankings, "overall")
    assert reference == "no_contact"
    assert [(place.treatment, place.evidence) for place in places] == [("self_help", "extrapolated")]


def test_a_pair_without_a_shared_reference_takes_that_of_the_second():
    """The reference across may not be in the network upwards."""
    few = Network({"self_help": 0.0, "grp_counseling": 0.4}, {"s": ("self_help", "grp_counseling")})
    reference, places = places_of((SMOKING.relative(), few.relative()), (SMOKING.ranking(), few.ranking()), "overall")
    assert reference == "self_help"
    assert [place.treatment for place in places] == ["grp_counseling"]


def test_many_treatments_are_numbered_with_a_key():
    """Names of 24 treatments would cover each other."""
    figure = figure_of("pair", "many")
    labels = [text.get_text() for text, _ in drawn_texts(figure) if text.get_gid() == "treatment-label"]
    assert len(MANY.effects) > MOST_NAMES
    assert labels[1:] == [str(k) for k in range(1, 25)]
    assert any(text.get_text() == "2  Treatment 2" for text, _ in drawn_texts(figure))


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
def test_node_splits_put_a_better_treatment_on_the_side_that_favours_treatment(measure, better):
    """Direct, indirect and network estimates of the winner, and the words under the axis."""
    network = obvious(measure, better)
    figure = split_figure(network, [("winner", "reference")])
    axes = figure.axes[0]
    none = axes.transData.transform((1 if MEASURES[measure].is_ratio else 0, 0))[0]
    treatment, _ = places(figure)
    markers = [line for line in axes.lines if line.get_marker() in {mark.marker for mark in MARKS.values()}]
    assert len(markers) == 3
    for line in markers:
        assert (axes.transData.transform((line.get_xdata()[0], 0))[0] - none) * (treatment - none) > 0


@pytest.mark.parametrize(("measure", "scale"), [("OR", "log"), ("HR", "log"), ("MD", "linear"), ("PD", "linear")])
def test_ratios_have_a_log_axis_and_differences_a_linear_one(measure, scale):
    """The axis, its label, and the line of no effect."""
    network = obvious(measure, "higher")
    for figure in (
        draw_forest(network.relative(), network.ranking(), network.names),
        split_figure(network, [("winner", "reference")]),
    ):
        axes = figure.axes[0]
        assert axes.get_xscale() == scale
        assert ("log scale" in axes.get_xlabel()) == (scale == "log")
        assert list(axes.lines[0].get_xdata()) == [1, 1] if scale == "log" else [0, 0]


def test_negative_differences_are_printed_with_a_minus_sign():
    """In the column of estimates and on the axis."""
    shown = {text.get_text() for text, _ in drawn_texts(figure_of("forest", "off_time"))}
    assert "−1.80 (−2.70 to −0.90)" in shown
    assert "−1" in shown
    assert not [text for text in shown if text.startswith("-")]


@pytest.mark.parametrize("ratio_scale", [True, False])
def test_one_endless_interval_does_not_squeeze_the_others(ratio_scale):
    """It ends in an arrow head at the edge of the axis."""
    axis = EffectAxis.over([(-1.0, 0.5), (-0.8, 0.7), (-200.0, 200.0)], [], ratio_scale)
    assert axis.low > -16
    assert axis.high < 16


def test_close_ratios_have_ticks():
    """An axis from 0.99 to 1.04 has no power of ten, and ticks all the same."""
    axes = figure_of("forest", "two").axes[0]
    low, high = axes.get_xlim()
    assert sum(low <= tick <= high for tick in axes.get_xticks()) >= 3


def test_a_network_without_settings_has_one_panel_and_says_nothing_of_settings():
    """No setting, no candidates, no mixed arms: none of the words."""
    for figure in FIGURES:
        drawn = figure_of(figure, "smoking")
        words = said(drawn).replace("extrapolated or prior-driven", "")
        for word in ("Overall", "overall", "setting", "candidate", "mixed arms", "not given", "extrapolated"):
            assert word not in words, f"{figure}: {word}"
    assert len(figure_of("network", "smoking").axes) == 1
    assert len(figure_of("forest", "smoking").axes) == 1


def test_edges_of_a_plain_network_show_their_studies():
    """The number on an edge is that of its studies."""
    shown = {t.get_gid(): t.get_text() for t, _ in drawn_texts(figure_of("network", "smoking"))}
    assert shown["studies-ind_counseling-no_contact"] == "2"
    assert shown["studies-grp_counseling-self_help"] == "1"


def test_nodes_count_studies_where_patients_are_not_known():
    """A contrast without numbers of patients is no arm that nobody received."""
    texts = [text.get_text() for text, _ in drawn_texts(figure_of("network", "off_time"))]
    assert "Placebo\n2 studies" in texts
    assert not any("not given" in text or "n = 0" in text for text in texts)


def test_unknown_patients_beside_known_ones_make_a_lower_bound():
    """One study gives its patients, the other does not."""
    rows = [{**row, "n_treatment": "", "n_comparator": ""} for row in OFF_TIME.evidence()]
    rows[0] |= {"n_treatment": "30", "n_comparator": "20"}
    figure = draw_network(OFF_TIME.edges(), rows, OFF_TIME.ranking(), OFF_TIME.names)
    texts = [text.get_text() for text, _ in drawn_texts(figure)]
    assert "Placebo\nn ≥ 20" in texts
    assert "Pramipexole\nn unknown" in texts


def point_labels(figure):
    """Texts that name data points."""
    return [text.get_text().replace("\n", " ") for text, _ in drawn_texts(figure) if text.get_gid() == "point-label"]


def test_leverage_names_what_lies_beyond_the_curve_of_three():
    """Deviance 2.4 and leverage 0.5 are within, 2.6 and 0.5 beyond; the arm tells points of a study apart."""
    inside, beyond = (
        draw_leverage(SMOKING.points(2.4), SMOKING.names),
        draw_leverage(SMOKING.points(2.6), SMOKING.names),
    )
    assert point_labels(inside) == []
    assert point_labels(beyond) == ["1, No_contact"]
    assert "None of 11 data points beyond the curve of 3." in caption(inside)[1]
    assert "1 of 11 data points beyond the curve of 3; labelled." in caption(beyond)[1]
    curves = [line for line in beyond.axes[0].lines if line.is_dashed()]
    assert len(curves) == 4
    for level, line in enumerate(curves, start=1):
        assert line.get_xdata() ** 2 + line.get_ydata() == pytest.approx([level] * len(line.get_xdata()))


def test_leverage_of_a_study_with_one_data_point_is_named_by_the_study():
    """Contrasts of two-arm studies need no more than the study."""
    rows = [{"study": "Long 1999", "data_point": "b against a", "deviance": "9", "leverage": "0.2"}]
    assert point_labels(draw_leverage(rows, TWO.names)) == ["Long 1999"]


def test_labels_of_many_outliers_stay_apart():
    """At most a dozen are named, the figure says so, and none covers another."""
    rows = [
        {"study": f"Study {i:02d}", "data_point": "a", "deviance": str(4 + i % 5 / 9), "leverage": str(0.4 + i / 99)}
        for i in range(30)
    ]
    figure = draw_leverage(rows, SMOKING.names)
    assert_inside(figure)
    assert_apart(figure)
    assert len(point_labels(figure)) == MOST_LABELS
    assert "30 of 30 data points beyond the curve of 3; the 12 furthest are labelled." in caption(figure)[1]


def test_a_label_without_a_free_place_still_lands_inside():
    """Everything is taken: the box is clamped to the area."""
    box = free_place((1.0, 1.0), (0.5, 0.2), (2.0, 2.0), [(0.0, 0.0, 2.0, 2.0)], [])
    assert 0 <= box[0] < box[2] <= 2
    assert 0 <= box[1] < box[3] <= 2


def test_deviances_name_what_fits_much_better_without_consistency():
    """By more than 1; both points of a pair are matched by study and arm."""
    better = draw_deviances(SMOKING.both_points(worst=2.0), SMOKING.names, True)
    assert point_labels(better) == ["1, No_contact"]
    assert point_labels(draw_deviances(SMOKING.both_points(worst=1.4), SMOKING.names, True)) == []


@pytest.mark.parametrize("name", ["two", "off_time"])
def test_what_cannot_be_assessed_is_said_to_be_not_assessable(name):
    """In words, with the reason, and never as an inconsistency that was not found."""
    figure = figure_of("node_splits", name)
    words = said(figure)
    assert "ot assessable (no closed loop" in words
    assert "not detected" not in words
    if name == "two":
        assert not figure.axes
        assert "Inconsistency is not assessable" in words
        assert any("not assessable" in text.get_text() for text, _ in drawn_texts(figure))
        assert "not assessable" in said(figure_of("dev_dev", name))


def test_a_network_of_mixed_arms_alone_is_not_assessable():
    """No row in node_splits.csv."""
    words = said(draw_splits([], SMOKING.names))
    assert "not assessable: no study compares two treatments in whole arms" in words


def test_node_splits_show_estimates_studies_and_p():
    """The numbers of the table; a small p stands out by weight, a failed split by words."""
    rows = SMOKING.splits([("ind_counseling", "no_contact")], p="0.003")
    rows = [{**row, "converged": "false"} if row["evidence"] == "direct" else row for row in rows]
    figure = draw_splits(splits_of(rows, used_arms(SMOKING.evidence())), SMOKING.names)
    texts = {text.get_text(): text for text, _ in drawn_texts(figure)}
    assert "Individual counselling against No_contact (2 studies)" in texts
    assert texts["p < 0.01"].get_weight() == "bold"
    assert SMOKING.names.estimate(rows[1]) in texts
    assert "NOT CONVERGED" in texts
    assert_inside(figure)


def test_heterogeneity_says_on_which_scale():
    """The log of a ratio, a difference as it is; omega between settings or within classes."""

    def words(network, omega):
        labels = replace(network.labels, omega={"pooled": omega})
        rows = [{**HETEROGENEITY[0], "parameter": "omega"}]
        points = [{**point, "parameter": "omega"} for point in DENSITIES]
        figure = draw_heterogeneity(points, rows, Names(labels, "main", "result", "pooled"))
        return said(figure)

    assert "on the scale of the log OR" in words(SMOKING, "classes")
    assert "within classes" in words(SMOKING, "classes")
    assert "on the scale of the MD" in words(OFF_TIME, "settings")
    assert "between settings" in words(OFF_TIME, "settings")


@pytest.mark.parametrize(("outcome", "better_side"), [("harm", "left"), ("pain", "right")])
def test_arrow_towards_treatment_points_to_the_better_side(outcome, better_side):
    """Arrow towards treatment points to the better side."""
    figure = draw_forest(relative_rows(), ranking_rows(), names(outcome))
    boxes = {text.get_gid(): (text, box) for text, box in drawn_texts(figure) if text.get_gid()}
    treatment, box = boxes["favours-treatment"]
    comparator, other = boxes["favours-comparator"]
    one = figure.axes[-1].transData.transform((1, 0))[0]
    if better_side == "left":
        assert box.x1 < one < other.x0
        assert treatment.get_text().startswith("←")
        assert comparator.get_text().endswith("→")
    else:
        assert other.x1 < one < box.x0
        assert treatment.get_text().endswith("→")
        assert comparator.get_text().startswith("←")


def test_forest_shows_the_numbers_of_the_table_and_ends_long_intervals_in_arrow_heads():
    """Forest shows the numbers of the table and ends long intervals in arrow heads."""
    figure = draw_forest(relative_rows(), ranking_rows(), names())
    shown = {text.get_text() for text, _ in drawn_texts(figure)}
    for row in relative_rows():
        estimate, lower, upper = (ratio(row[key]) for key in ("estimate", "estimate_lower", "estimate_upper"))
        assert f"{estimate} ({lower} to {upper})" in shown
    assert any(line.get_marker() == "<" for line in figure.axes[0].lines)


def test_forest_texts_of_a_column_do_not_overlap():
    """Forest texts of a column do not overlap."""
    figure = draw_forest(relative_rows(), ranking_rows(), names())
    texts = [(text, box) for text, box in drawn_texts(figure) if text.axes is figure.axes[1]]
    for (one, first), (two, second) in combinations(texts, 2):
        assert not first.overlaps(second), f"{one.get_text()!r} covers {two.get_text()!r}"


def test_non_candidates_are_hollow_and_marked_in_words():
    """Non candidates are hollow and marked in words."""
    forest = draw_forest(relative_rows(), ranking_rows(), names())
    assert any(text.get_text() == "Gamma\nnot a candidate" for text, _ in drawn_texts(forest))
    acute = forest.axes[1]
    hollow = [line for line in acute.lines if line.get_marker() == EVIDENCE["prior_driven"].marker]
    assert [line.get_markerfacecolor() for line in hollow] == ["white"]


def test_evidence_labels_differ_in_colour_marker_line_and_letter():
    """Evidence labels differ in colour marker line and letter."""
    for attribute in ("colour", "marker", "letter"):
        assert len({getattr(mark, attribute) for mark in EVIDENCE.values()}) == len(EVIDENCE)
    lines = [str(mark.line) for name, mark in EVIDENCE.items() if name != "reference"]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("outcome", ["pain", "harm"])
def test_higher_sucra_is_darker_whatever_the_outcome(outcome):
    """Higher SUCRA is darker whatever the outcome."""
    from matplotlib.colors import to_rgb

    figure = draw_sucra(ranking_rows(outcome), names(outcome))
    cells = {patch.get_gid(): patch for patch in figure.axes[0].patches}
    light = [sum(to_rgb(cells[f"cell-{treatment}-{outcome}"].get_facecolor())) for treatment in TREATMENTS]
    assert light == sorted(light, reverse=True)
    assert sum(to_rgb(heat_colour(1.0))) < sum(to_rgb(heat_colour(0.0)))
    hollow = {patch.get_gid(): patch for patch in figure.axes[1].patches}[f"cell-gamma-{outcome}"]
    assert to_rgb(hollow.get_facecolor()) == (1, 1, 1)
    assert hollow.get_hatch()


def test_network_labels_do_not_overlap():
    """Network labels do not overlap."""
    figure = draw_network(EDGE_ROWS, EVIDENCE_ROWS, ranking_rows(), names())
    for axes in figure.axes:
        labels = [(t, box) for t, box in drawn_texts(figure) if t.get_gid() == "node-label" and t.axes is axes]
        assert len(labels) == len(TREATMENTS)
        for (one, first), (two, second) in combinations(labels, 2):
            assert not first.overlaps(second), f"{one.get_text()!r} covers {two.get_text()!r}"


@pytest.mark.parametrize("n", [1, 2, 3, 7, 12, 21])
def test_placed_labels_of_a_side_keep_their_distance(n):
    """Placed labels of a side keep their distance."""
    labels = place_labels(["two\nlines"] * n)
    for side in ("left", "right"):
        heights = sorted(label.y for label in labels if label.align == side)
        assert all(b - a > 0.28 for a, b in pairwise(heights))


def test_network_draws_whole_arms_solid_and_mixed_arms_dashed():
    """Network draws whole arms solid and mixed arms dashed."""
    from matplotlib.patches import FancyArrowPatch

    figure = draw_network(EDGE_ROWS, EVIDENCE_ROWS, ranking_rows(), names())
    edges = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert [patch.get_linestyle() in ("solid", "-") for patch in edges] == [True, False, False]
    widths = [patch.get_linewidth() for patch in edges]
    assert widths == sorted(widths, reverse=True)


def test_heterogeneity_says_when_the_data_do_not_inform_it():
    """Heterogeneity says when the data do not inform it."""
    texts = said(draw_heterogeneity(DENSITIES, HETEROGENEITY, names()))
    assert "τ is not informed by the data" in texts
    moved = [{**HETEROGENEITY[0], "prior_overlap": "0.5"}]
    texts = said(draw_heterogeneity(DENSITIES, moved, names()))
    assert "nothing" not in texts
    assert "0.50" in texts


def test_not_converged_stands_in_the_figure():
    """Not converged stands in the figure."""
    figure = draw_forest(relative_rows(), ranking_rows(), names(), "NOT CONVERGED")
    assert any(text.get_text() == "NOT CONVERGED" for text, _ in drawn_texts(figure))


def test_saving_twice_gives_the_same_bytes(tmp_path):
    """Saving twice gives the same bytes."""
    for run in ("a", "b"):
        save(draw_forest(relative_rows(), ranking_rows(), names()), tmp_path / run)
    kinds = ("pdf", "png", "svg", "txt")
    for kind in kinds:
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{run}.{kind}" for run in "ab" for kind in kinds]
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def write_rows(file: Path, rows):
    """Write rows with the columns of the first."""
    write_table(file, rows, list(rows[0]) if rows else ["parameter"])


def test_plot_outcome_and_plot_analysis_write_every_figure(tmp_path):
    """Plot outcome and plot analysis write every figure."""
    folder = tmp_path / "main" / "pain"
    write_rows(folder / "evidence.csv", EVIDENCE_ROWS)
    write_rows(folder / "network" / "edges.csv", EDGE_ROWS)
    points = [{"study": "one", "data_point": "a", "deviance": "1", "leverage": "0.5"}]
    for model, parameters in (("fixed", []), ("pooled", HETEROGENEITY)):
        write_rows(folder / model / "relative_effects.csv", relative_rows())
        write_rows(folder / model / "ranking.csv", ranking_rows())
        write_rows(folder / model / "rank_probabilities.csv", probability_rows())
        write_rows(folder / model / "heterogeneity.csv", parameters)
        write_rows(folder / model / "densities.csv", DENSITIES)
        write_rows(folder / model / "data_points.csv", points)
    plot_outcome(folder, "pain", ["fixed"], LABELS, "main", inconsistency=True)
    beside = {f"fixed/figures/{name}.svg" for name in ("forest", "rankogram", "cumulative_ranks", "leverage")}
    assert {str(file.relative_to(folder)) for file in folder.rglob("*.*") if file.suffix != ".csv"} == beside
    plot_outcome(folder, "pain", ["fixed", "pooled"], LABELS, "main")
    plot_outcome(folder, "pain", ["pooled"], LABELS, "main", ["pdf", "png", "txt"])
    by_model = {
        f"{model}/figures/{name}"
        for model in ("fixed", "pooled")
        for name in ("forest", "rankogram", "cumulative_ranks", "leverage")
    }
    expected = {f"{name}.svg" for name in {"network/network", "pooled/figures/heterogeneity", *by_model}}
    assert {str(file.relative_to(folder)) for file in folder.rglob("*.svg")} == expected
    for kind in ("pdf", "png", "txt"):
        papers = {file.with_suffix(".svg") for file in folder.rglob(f"*.{kind}")}
        assert papers == {file for file in folder.rglob("*.svg") if "fixed" not in file.parts}
    write_rows(tmp_path / "main" / "summary" / "ranking.csv", ranking_rows(converged="false"))
    plot_analysis(tmp_path / "main", LABELS, "main")
    assert "NOT CONVERGED" in (tmp_path / "main" / "summary" / "sucra.svg").read_text(encoding="utf-8")
    assert read_table(folder / "pooled" / "ranking.csv")


def test_plot_outcome_draws_the_inconsistency_of_the_analysis_that_has_it(tmp_path):
    """Two figures more, and a failed fit announced in them."""
    folder = tmp_path / "main" / "result"
    write_network(folder, SMOKING, LOOPS["smoking"])
    fits = [{**row, "converged": "false"} for row in SMOKING.fits(LOOPS["smoking"])]
    write_rows(folder / "inconsistency" / "fit_statistics.csv", fits)
    plot_outcome(folder, "result", ["pooled"], SMOKING.labels, "main", inconsistency=True)
    drawn = {file.name for file in (folder / "inconsistency" / "figures").iterdir()}
    assert drawn == {f"{name}.{kind}" for name in ("node_splits", "dev_dev") for kind in PAPER}
    text = (folder / "inconsistency" / "figures" / "dev_dev.svg").read_text(encoding="utf-8")
    assert "NOT CONVERGED" in text


def write_network(folder: Path, network: Network, pairs: Any = (), stuck: Any = ()):
    """Write every table that the figures of one outcome read."""
    write_rows(folder / "evidence.csv", network.evidence())
    write_rows(folder / "network" / "edges.csv", network.edges())
    model, checks = folder / "pooled", folder / "inconsistency"
    write_rows(model / "relative_effects.csv", network.relative())
    write_rows(model / "ranking.csv", network.ranking())
    write_rows(model / "rank_probabilities.csv", network.probabilities())
    write_rows(model / "heterogeneity.csv", HETEROGENEITY)
    write_rows(model / "densities.csv", DENSITIES)
    write_rows(model / "data_points.csv", network.points(6.0))
    blank = dict.fromkeys(("name", "contrasts", "effects", "same_test", "estimate", "se", "p_value", "detectable"), "")
    total = {**blank, "kind": "total", "contrasts": "7", "effects": "3", "df": "4"}
    split = {**blank, "kind": "split", "df": "1", "same_test": "1", "estimate": "0.3", "se": "0.45", "p_value": "0.505"}
    tests = [{**split, "name": f"{t} against {c}", "detectable": "1.2607"} for t, c in pairs]
    write_rows(checks / "degrees_of_freedom.csv", [total, *tests])
    write_rows(checks / "node_splits.csv", network.splits(pairs, stuck))
    write_rows(checks / "unrelated_effects.csv", network.unrelated([*pairs, *stuck]))
    write_rows(checks / "fit_statistics.csv", network.fits(pairs))
    write_rows(checks / "data_points.csv", network.both_points())


def test_fonts_do_not_know_when_they_were_made(monkeypatch):
    """A PDF holds its fonts, and two runs are not at one time."""
    from matplotlib.font_manager import fontManager
    from secondline.report.figures.fonts import use_light_fonts

    monkeypatch.setattr(fontManager, "ttflist", list(fontManager.ttflist))
    files = []
    for moment in ("1000000000", "1500000000"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
        with use_light_fonts.__wrapped__() as folder:
            files.append({file.name: file.read_bytes() for file in Path(folder).iterdir()})
    assert len(files[0]) == 2
    assert files[0] == files[1]


def test_saving_a_figure_with_leader_lines_twice_gives_the_same_bytes(tmp_path):
    """Placing labels involves no chance."""
    for run in ("a", "b"):
        save(figure_of("leverage", "many"), tmp_path / run)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_text_is_broken_into_lines_that_fit():
    """No word is lost."""
    text = "one two three four five six seven"
    lines = wrapped(text, 1.0)
    assert len(lines) > 1
    assert " ".join(lines) == text


def test_differences_have_the_digits_of_the_largest():
    """A minus is a minus sign; small and large figures keep what matters."""
    assert differences(["-1.844", "-2.9", "0.851"]) == ["−1.84", "−2.90", "0.85"]
    assert differences(["12.34", "-0.5", "30"]) == ["12.3", "−0.5", "30.0"]
    assert differences(["123.4", "1", "2"]) == ["123", "1", "2"]
    assert differences(["0.0432", "0.001", "-0.002"]) == ["0.043", "0.001", "−0.002"]
    assert differences(["0", "0", "0"]) == ["0.00", "0.00", "0.00"]
    assert [p_value(text) for text in ("0.62", "0.001", "1")] == ["p = 0.62", "p < 0.01", "p = 1.00"]


def test_numbers_read_well():
    """Numbers read well."""
    assert number("-0.001") == "0.00"
    assert number("-0.25") == "−0.25"
    assert number("") == "–"
    assert probability("0.0001") == "<0.01"
    assert probability("0") == "0.00"
    assert probability("0.9999") == ">0.99"
    assert [ratio(text) for text in ("0.0123", "0.5", "12.34", "345.6", "2.5e7")] == [
        "0.012",
        "0.50",
        "12.3",
        "346",
        "2e+07",
    ]


@pytest.mark.parametrize(
    ("changes", "faces"),
    [
        ({}, {"alpha": "filled", "gamma": "filled"}),
        ({"unplaced": ("gamma",)}, {"alpha": "filled", "gamma": "white"}),
        ({"not_named": "p_better"}, {"alpha": "white", "gamma": "white"}),
    ],
)
def test_where_nobody_is_named_nobody_has_a_colour(changes: Any, faces: dict[str, str]) -> None:
    """The heat map fills the cells of ranked treatments alone, and none where none is first; so do the rankograms."""
    from matplotlib.colors import to_hex

    rows = ranking_rows(**changes)
    axes = draw_sucra(rows, names()).axes[0]
    cells = {patch.get_gid(): to_hex(patch.get_facecolor()) for patch in axes.patches if patch.get_gid()}
    found = {name: "white" if cells[f"cell-{name}-pain"] == "#ffffff" else "filled" for name in faces}
    assert found == faces
    bars = draw_rankogram(probability_rows(), rows, names()).axes[0]
    colours = {group.get_gid(): to_hex(group.get_facecolor()[0]) for group in bars.collections if group.get_gid()}
    assert {name: "filled" if colours[f"ranks-{name}"] == "#0072b2" else "white" for name in faces} == faces
