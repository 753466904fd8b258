"""What an analysis takes into account of its studies beyond their figures: patients whom they share, and a bias."""

from collections.abc import Mapping, Sequence

from secondline.network.arms import used_rows
from secondline.report.settings import AnalysisFacts, ReportSettings, TakenBias
from secondline.report.words import Names, Row, listed

_SHARED = {"best": "the best guess", "bound": "the upper bound"}


def taken_into_account(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say what the methods text says of shared patients and of a bias, with citations; nothing where there is neither.

    Parameters
    ----------
    settings : ReportSettings
    evidence : mapping
        evidence.csv by outcome.
    """
    chosen = settings.methods.analyses[names.analysis]
    return [
        f"{sentence} [{citation}]."
        for sentence, citation in _sentences(chosen, settings.methods.overlapping, evidence, names)
    ]


def taken_in_report(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> list[str]:
    """Say the same where nothing is cited."""
    chosen = settings.methods.analyses[names.analysis]
    return [f"{sentence}." for sentence, _ in _sentences(chosen, settings.methods.overlapping, evidence, names)]


def of_another(analysis: AnalysisFacts) -> list[str]:
    """Say in a few words what another analysis takes into account."""
    parts = []
    if analysis.overlap != "none":
        parts.append(f"with {_SHARED[analysis.overlap]} of the patients whom studies share")
    if analysis.bias:
        parts.append(f"with the bias “{analysis.bias.label}”, b ~ {_distribution(analysis.bias)}")
    return parts


def _sentences(
    chosen: AnalysisFacts,
    overlapping: Sequence[tuple[str, str]],
    evidence: Mapping[str, Sequence[Row]],
    names: Names,
) -> list[tuple[str, str]]:
    """Sentences without their full stop, each with what it cites."""
    used = [{row["study"] for row in used_rows(rows)} for rows in evidence.values()]
    pairs = [pair for pair in overlapping if any(set(pair) <= studies for studies in used)]
    found = []
    if chosen.overlap != "none" and pairs:
        between = listed(" and ".join(map(names.study, pair)) for pair in pairs)
        found.append(
            (
                f"The errors of studies that may share patients ({between}) were correlated according to "
                f"{_SHARED[chosen.overlap]} of the number of patients in both; for counts, half of these patients were "
                "removed from each study",
                "@gleser2009",
            )
        )
    if chosen.bias:
        found.append(
            (
                f"In every model, the studies were adjusted for a bias: “{chosen.bias.label}” "
                f"({names.said(chosen.bias.reason)}). A study with this bias was assumed to observe the sum of its "
                f"effect and b, with b ~ {_distribution(chosen.bias)} on the scale of the linear predictor, "
                f"independently between studies; values of b above 0 favour the {chosen.bias.toward} arm",
                "@turner2009",
            )
        )
    return found


def _distribution(bias: TakenBias) -> str:
    return f"N({bias.mean:g}, {bias.sd:g}²)"
