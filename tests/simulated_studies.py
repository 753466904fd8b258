"""Studies that contradict themselves nowhere: simulated patients, analysed and printed as papers do."""

from dataclasses import dataclass
from math import exp, inf
from statistics import NormalDist
from typing import Any

import numpy as np
from secondline.evidence.audit.significance import p_values

from tests.conftest import arm, figure, sheet_data

Z = NormalDist().inv_cdf(0.975)
ARMS = ("len", "sor")
LABELS = ("", "Lenvatinib", "Lenvatinib vs sorafenib", "Second line (LEN versus SOR)")


@dataclass
class Follow:
    """Times and events of one endpoint."""

    time: np.ndarray
    event: np.ndarray

    def of(self, chosen: np.ndarray) -> "Follow":
        """Only the chosen patients."""
        return Follow(self.time[chosen], self.event[chosen])


def cox(follow: Follow, x: np.ndarray) -> tuple[float, float]:
    """Log hazard ratio of the first column and its standard error, by Newton's method; times have no ties."""
    order = np.argsort(-follow.time)
    event, x = follow.event[order], x[order]
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        score, information = _derivatives(beta, event, x)
        step = np.linalg.solve(information, score)
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    return float(beta[0]), float(np.sqrt(np.linalg.inv(_derivatives(beta, event, x)[1])[0, 0]))


def _derivatives(beta: np.ndarray, event: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weight = np.exp(x @ beta)
    total = weight.cumsum()[:, None]
    mean = (weight[:, None] * x).cumsum(axis=0) / total
    square = (weight[:, None, None] * x[:, :, None] * x[:, None, :]).cumsum(axis=0) / total[:, :, None]
    score = (x - mean)[event].sum(axis=0)
    return score, (square - mean[:, :, None] * mean[:, None, :])[event].sum(axis=0)


def log_rank(follow: Follow, treated: np.ndarray) -> float:
    """Signed deviate of the log-rank test: the score test of the Cox model."""
    order = np.argsort(-follow.time)
    score, information = _derivatives(np.zeros(1), follow.event[order], treated[order, None])
    return float(score[0] / np.sqrt(information[0, 0]))


def quantile(follow: Follow, share: float) -> tuple[float, float, float]:
    """Kaplan-Meier quantile and its 95% limits by the log-log transformation; infinite where not reached."""
    order = np.argsort(follow.time)
    time, event = follow.time[order], follow.event[order]
    at_risk = np.arange(len(time), 0, -1)
    survival = np.cumprod(1 - event / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(event / (at_risk * np.maximum(at_risk - event, 1e-12)))
        spread = Z * np.sqrt(variance) / np.abs(np.log(survival))
        low, high = survival ** np.exp(spread), survival ** np.exp(-spread)
    curves = (survival, np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, survival))
    reached = [time[curve <= 1 - share + 1e-12] for curve in curves]
    first = [float(times[0]) if len(times) else inf for times in reached]
    return first[0], first[1], first[2]


def printed_p(p: float) -> dict[str, Any]:
    """Return a p-value as papers print it."""
    if p < 0.001:
        return figure("P<0.001", value=0.001, relation="<")
    return figure(f"P={p:.3f}", value=float(f"{p:.3f}"))


class Paper:
    """One simulated study, and the sheet made from what it prints."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        n = rng.integers(20, 250, 2)
        self.treated = np.repeat([1.0, 0.0], n)
        self.marker = (rng.random(n.sum()) < np.where(self.treated == 1, *rng.uniform(0.2, 0.7, 2))).astype(float)
        shape, accrual, rest = rng.uniform(0.8, 1.8), rng.uniform(12, 40), rng.uniform(2, 20)
        effect, marker, size = rng.normal(-0.3, 0.35), rng.normal(0.3, 0.3), n.sum()
        effects = (effect, effect + rng.normal(0, 0.2))
        death, progression = (
            months * np.exp(-(beta * self.treated + marker * self.marker) / shape) * rng.weibull(shape, size)
            for beta, months in zip(effects, (rng.uniform(7, 20), rng.uniform(3, 9)), strict=True)
        )
        if rng.random() < 0.4:  # seen at the next scan, about every two months
            progression = np.ceil(progression / 2) * 2 + rng.uniform(-0.3, 0.3, size)
        entry = rng.uniform(0, accrual, size)
        self.months = int(np.ceil(accrual + rest)) + 1
        potential = np.minimum(accrual + rest - entry, rng.exponential(150, size))
        self.progressed = (progression < death) & (progression <= potential)
        self.follow = {
            "os": Follow(np.minimum(death, potential), death <= potential),
            "pfs": Follow(
                np.minimum(np.minimum(death, progression), potential), np.minimum(death, progression) <= potential
            ),
        }
        self.potential = potential
        self.digits = int(rng.integers(2, 4))
        self.drop_zeros = rng.random() < 0.4
        self.sections: dict[str, list[dict[str, Any]]] = {}

    def add(self, section: str, **record: Any) -> None:
        """Add a record to a section of the sheet."""
        self.sections.setdefault(section, []).append(record)

    def number(self, value: float, digits: int) -> str:
        """Format a number with so many decimals, or without the zeros at the end."""
        text = f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if self.drop_zeros else text

    def arm(self, name: str) -> np.ndarray:
        """Which patients are in an arm."""
        return self.treated == (name == "len")

    def ratio(self, outcome: str, chosen: np.ndarray, adjustment: str, population: str, **more: Any) -> None:
        """Print a hazard ratio, in either orientation, with its interval and the p of Wald's test."""
        x = np.column_stack([self.treated, self.marker])[chosen]
        estimate, se = cox(self.follow[outcome].of(chosen), x if adjustment == "adjusted" else x[:, :1])
        turned = self.rng.random() < 0.3
        estimate = -estimate if turned else estimate
        shown = [self.number(exp(estimate + z * se), self.digits) for z in (0, -Z, Z)]
        if min(map(float, shown)) <= 0 or float(shown[1]) == float(shown[2]):
            return
        pair = dict(zip(("treatment", "comparator"), ARMS[::-1] if turned else ARMS, strict=True))
        label = self.rng.choice(LABELS)
        if label and not turned:
            more["label"] = str(label)
        values = dict(zip(("value", "lower", "upper"), map(float, shown), strict=True))
        p = printed_p(2 * NormalDist().cdf(-abs(estimate) / se))
        text = figure("{} ({}–{})".format(*shown))
        common = {"outcome": outcome, "adjustment": adjustment, "population": population}
        self.add(
            "hazard_ratios", **pair, **common, **values, **text, **({"p": p} if self.rng.random() < 0.8 else {}), **more
        )

    def survival(self, outcome: str, ratios: bool) -> None:
        """Print events, medians, a log-rank test and hazard ratios of all patients."""
        everybody = np.ones(len(self.treated), bool)
        medians: dict[str, float] = {}
        follow, digits = self.follow[outcome], int(self.rng.integers(1, 3))
        for name in ARMS:
            own = follow.of(self.arm(name))
            events, n = int(own.event.sum()), len(own.time)
            self.add("events", outcome=outcome, arm=name, events=self.count(events, n))
            value, lower, upper = quantile(own, 0.5)
            quartiles = self.rng.random() < 0.1
            if quartiles:
                lower, upper = quantile(own, 0.25)[0], quantile(own, 0.75)[0]
            if value == inf:
                continue
            shown = [self.number(x, digits) for x in (value, lower) + ((upper,) if upper < inf else ())]
            record = dict(zip(("value", "lower", "upper"), map(float, shown), strict=False))
            if record["lower"] <= 0 or record["lower"] == record.get("upper"):
                del record["lower"]
            kind = {"interval": "IQR", "interval_is": "quartiles"} if quartiles else {"interval": "95% CI"}
            self.add("medians", outcome=outcome, arm=name, **record, **kind, **figure(" ".join(shown)))
            medians[name] = record["value"]
        z = log_rank(follow, self.treated)
        better = "len" if z < 0 else "sor"
        if not ratios and len(medians) == 2:  # the paper gives no direction but that of the medians
            better = max(medians, key=lambda name: medians[name])
        p = printed_p(2 * NormalDist().cdf(-abs(z)))
        stated = figure(f"longer in {better}")
        self.add("log_rank", outcome=outcome, treatment="len", comparator="sor", favours=better, stated=stated, p=p)
        if ratios:
            self.ratio(outcome, everybody, "crude", "all")
            if self.rng.random() < 0.7:
                self.ratio(outcome, everybody, "adjusted", "all", covariates=["marker"])
            for name, chosen in (("low", self.marker == 0), ("high", self.marker == 1)):
                enough = all((follow.event & chosen & self.arm(a)).sum() >= 5 for a in ARMS)
                if enough and self.rng.random() < 0.5:
                    self.ratio(outcome, chosen, "crude", name)

    def count(self, events: int, n: int) -> dict[str, Any]:
        """Print a count with its percentage, or one of them."""
        percent = self.number(100 * events / n, 1)
        both = {"count": events, "percent": float(percent), "printed": f"{events} ({percent}%)"}
        only = self.rng.random()
        if only < 0.1:
            return {"percent": float(percent), "printed": f"{percent}%"}
        return {"count": events, "printed": f"{events}"} if only < 0.2 else both

    def responses(self) -> None:
        """Print best overall response: progression at the first scan, otherwise drawn at random."""
        counts: dict[str, tuple[int, ...]] = {}
        follow = self.follow["pfs"]
        seen = (follow.time > 2.5) | self.progressed
        early = self.progressed & (follow.time <= 2.5)
        for name in ARMS:
            own = self.arm(name)
            better = self.rng.dirichlet([1, 4, 12])
            drawn = self.rng.multinomial(int((own & seen & ~early).sum()), better)
            cr, pr, sd, pd = (*map(int, drawn), int((own & early).sum()))
            counts[name], n = (cr, pr, sd, pd), int(own.sum())
            figures = {key: self.count(k, n) for key, k in zip(("cr", "pr", "sd", "pd"), counts[name], strict=True)}
            rates = {"orr": self.count(cr + pr, n), "dcr": self.count(cr + pr + sd, n)}
            shown = {**figures, **rates} if self.rng.random() < 0.8 else rates
            self.add("responses", criterion="mrecist", arm=name, place="Table 2", **shown)
        for outcome, k in (("orr", 2), ("dcr", 3)):
            self.test(outcome, sum(counts["len"][:k]), sum(counts["sor"][:k]), better_if_more=True)

    def adverse_events(self) -> None:
        """Print adverse events, those of grade 3 or worse and discontinuations among them."""
        counts: dict[str, dict[str, int]] = {}
        for name in ARMS:
            n = int(self.arm(name).sum())
            some = int(self.rng.binomial(n, self.rng.uniform(0.6, 1)))
            severe, stopped = (int(self.rng.binomial(some, self.rng.uniform(0.02, top))) for top in (0.5, 0.2))
            counts[name] = {"ae_any": some, "ae_grade3": severe, "discontinuation": stopped}
            for outcome, k in counts[name].items():
                self.add("counts", outcome=outcome, arm=name, events=self.count(k, n))
        for outcome in counts["len"]:
            self.test(outcome, counts["len"][outcome], counts["sor"][outcome], better_if_more=False)

    def test(self, outcome: str, events: int, events_other: int, better_if_more: bool) -> None:
        """Print a test of two counts, by Fisher or by chi-squared, and which arm did better."""
        n, n_other = (int(self.arm(name).sum()) for name in ARMS)
        tests = p_values(events, n, events_other, n_other)
        p = tests[str(self.rng.choice(list(tests)))]
        difference = events / n - events_other / n_other
        better = "len" if (difference > 0) == better_if_more else "sor"
        said = {"favours": better, "significant": p < 0.05} if difference and self.rng.random() < 0.5 else {}
        criterion = {"criterion": "mrecist"} if outcome in ("orr", "dcr") else {}
        self.add("comparisons", outcome=outcome, treatment="len", comparator="sor", p=printed_p(p), **criterion, **said)

    def sheet(self) -> dict[str, Any]:
        """Return the sheet of the paper as plain data."""
        ratios = self.rng.random() < 0.8
        for outcome in ("os", "pfs"):
            self.survival(outcome, ratios)
        self.responses()
        self.adverse_events()
        enrolment = {"start": "2015-01", "end": "2018-06", **figure("January 2015 to June 2018")}
        end = 12 * 2015 + self.months
        enrolment["cutoff"] = f"{end // 12}-{end % 12 + 1:02d}-01"
        if self.rng.random() < 0.7:  # follow-up is time to censoring, or just time under observation
            follow = self.follow["os"]
            reverse = quantile(Follow(follow.time, ~follow.event), 0.5)[0]
            median = reverse if self.rng.random() < 0.5 and reverse < inf else float(np.median(follow.time))
            enrolment["median_follow_up_months"] = round(median, 1)
        n = {name: int(self.arm(name).sum()) for name in ARMS}
        arms = {"len": arm(n["len"], lenvatinib=n["len"]), "sor": arm(n["sor"], sorafenib=n["sor"])}
        arms["len"]["label"], arms["sor"]["label"] = "LEN", "SOR"
        parts = {
            name: {
                "kind": "subgroup",
                "label": f"marker {name}",
                "place": "Table 1",
                "n": {a: k for a in ARMS if (k := int((self.arm(a) & (self.marker == value)).sum()))},
            }
            for name, value in (("low", 0), ("high", 1))
        }
        return sheet_data(arms=arms, enrolment=enrolment, populations=parts, **self.sections)
