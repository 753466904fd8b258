"""Whether smaller studies find larger effects, in sentences."""

from collections.abc import Sequence

from secondline.cell_values import CENTRED_EFFECTS, NOT_ASSESSABLE, OWN_MEANS
from secondline.cells import parse_order
from secondline.report.words import Names, Row, listed, number, p_value, plural


def small_studies_sentence(test: Sequence[Row], names: Names) -> str:
    """Say what the regression test shows, by both methods, or why there is none.

    Parameters
    ----------
    test : rows
        small_study_test.csv
    """
    by_method = {row["method"]: row for row in test}
    own = by_method.get(OWN_MEANS)
    if own is None:
        why = next(row["method"] for row in test).removeprefix(f"{NOT_ASSESSABLE}: ")
        return f"Small-study effects: {NOT_ASSESSABLE}: {why}."
    slope = float(own["slope"])
    later = (slope < 0) == names.lower_is_better
    order = listed(map(names.regimen, parse_order(own["order"])))
    found = (
        f"Small-study effects, in {plural(int(own['studies']), 'study', 'studies')} of "
        f"{plural(int(own['comparisons']), 'comparison')}: within comparisons, the {names.link_scale} changes by "
        f"{number(own['slope'])} (95% confidence interval {number(own['lower'])} to {number(own['upper'])}) "
        f"per unit of its standard error, so that smaller studies are more favourable to the "
        f"{'later' if later else 'earlier'} treatment in the order (t = {number(own['t'])}, {own['df']} degrees of "
        f"freedom, {p_value(own['p_value'])})."
    )
    published = by_method.get(CENTRED_EFFECTS)
    compared = ""
    if published:
        compared = (
            f"The test as published, which takes the means of the comparisons as known, gives "
            f"{number(published['slope'])} ({p_value(published['p_value'])})."
        )
    cautions = (
        "Publication bias is one possible cause of such a difference, and heterogeneity or chance are others; a large "
        "p-value does not rule it out."
    )
    return " ".join(
        filter(None, [found, compared, f"The order: {order}. {own['order_reason'].rstrip('.')}.", cautions])
    )
