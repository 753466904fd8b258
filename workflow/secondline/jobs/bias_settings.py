"""The schemes of bias of the configuration, resolved: which contrasts have one, and in which direction."""

from collections.abc import Sequence

from secondline.doubt.settings import BiasScheme, BiasSettings
from secondline.evidence.biased_arms import biased_arms
from secondline.evidence.selection import evidence_rows
from secondline.network.bias import BiasedContrast
from secondline.network.biased_contrasts import Flattered, Row
from secondline.project import bias as given
from secondline.project.config import Project


def bias_settings(project: Project, outcome: str) -> BiasSettings:
    """Resolve the schemes of bias that are followed in one outcome, in the analysis that the others vary."""
    if project.config.bias is None:
        return BiasSettings()
    followed = project.config.bias.schemes if outcome in project.config.bias_outcomes else {}
    rows = evidence_rows(project, project.config.base, outcome)
    return BiasSettings(
        schemes=tuple(
            BiasScheme(
                name=name,
                label=scheme.label,
                reason=scheme.reason,
                contrasts=biased_contrasts(project, scheme, outcome, rows),
                means=tuple(scheme.mean),
                sds=tuple(scheme.sd),
            )
            for name, scheme in followed.items()
        ),
        common_outcome=outcome in project.config.bias.common_outcomes,
    )


def biased_contrasts(
    project: Project, scheme: given.BiasScheme, outcome: str, rows: Sequence[Row]
) -> tuple[BiasedContrast, ...]:
    """List the contrasts of evidence rows that have a bias, with its direction on the link scale."""
    return Flattered(**biased_arms(project, scheme, outcome)).contrasts(rows)
