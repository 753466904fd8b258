"""What the prior of the heterogeneity changes, in a sentence."""

from collections.abc import Sequence

from secondline.report.words import Names, Row, listed


def prior_fan_sentence(rows: Sequence[Row], setting: str, names: Names) -> str:
    """Say over what range the effect of the first candidate moves under other priors, and how often it stays first."""
    here = [row for row in rows if row["setting"] == setting and row["sucra"]]
    own = [row for row in here if row["declared"] == "true"]
    priors = list(dict.fromkeys(row["prior"] for row in here))
    if not own or len(priors) < 2:
        return ""
    first = max(own, key=lambda row: float(row["sucra"]))["treatment"]
    leaders = [
        max((row for row in here if row["prior"] == prior), key=lambda row: float(row["sucra"]))["treatment"]
        for prior in priors
    ]
    others = [name for name in dict.fromkeys(leaders) if name != first]
    kept = leaders.count(first)
    otherwise = f"{kept} of them, and {listed(map(names.regimen, others))} otherwise"
    stays = otherwise if others else "all of them"
    text = f"Under {len(priors)} priors of τ, {names.regimen(first)} has the highest SUCRA under {stays}"
    effects = [row for row in here if row["treatment"] == first and row["mean"]]
    if not effects:
        return f"{text}."
    least, most = (pick(effects, key=lambda row: float(row["mean"])) for pick in (min, max))
    against = names.regimen(effects[0]["reference"])
    return (
        f"{text}; the {names.measure} of {names.regimen(first)} against {against} is between "
        f"{names.natural(least['mean'])} ({least['prior']}) and {names.natural(most['mean'])} ({most['prior']})."
    )
