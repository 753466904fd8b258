"""What the labels of the evidence mean, in words."""

from secondline.cell_values import DIRECT
from secondline.report.settings import ReportSettings
from secondline.report.words import Names, evidence_words

PLAIN = {
    DIRECT: "compared in whole arms by a study",
    "indirect": "linked through other treatments, or compared only within mixed arms",
    "prior_driven": "not estimable from the data, or with a posterior standard deviation that increases by more than "
    "20% when the prior scale of the effects, of τ or of ω is doubled",
}
BY_SETTING = {
    DIRECT: "compared in whole arms by a study of the setting",
    "mixed_setting": "compared in whole arms, but only by studies of several settings without a separate result for "
    "this one",
    "indirect": PLAIN["indirect"],
    "extrapolated": "no patient in the setting received one of the two; the effect comes from other settings",
    "prior_driven": PLAIN["prior_driven"],
}


SHARED = "; the percentage is what such studies contribute to the effect, out of what all studies contribute"
"""Said where contributions are traced."""


def explanations(settings: ReportSettings, names: Names) -> dict[str, str]:
    """Say what every evidence label means, by its words: prior-driven by every prior scale that the models have."""
    varies = any(model.exchangeable_interactions for model in settings.methods.models.values())
    scales = "of τ, of ω or of exchangeable interactions is" if varies else "of τ or of ω is"
    texts = dict(BY_SETTING if names.has_settings else PLAIN)
    if settings.certainty:
        texts[DIRECT] += SHARED
    return {evidence_words(name): text.replace("of τ or of ω is", scales) for name, text in texts.items()}
