"""Networks of studies: from data frames, from a configuration, and added together."""

from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from secondline.api.biases import NetworkBias, joined_bias
from secondline.api.biases import taken as taken_bias
from secondline.api.frames import (
    FRAME,
    Columns,
    cell_of,
    likelihood_of,
    read_frame,
    read_network_studies,
    treatments_of,
)
from secondline.api.model import usual_measure
from secondline.api.network_checks import check_figures
from secondline.api.structures import joined, ordered
from secondline.errors import UserError
from secondline.evidence.biased_arms import bias_asked
from secondline.evidence.selection import marked, select_evidence, table_columns, unused
from secondline.evidence.shared_patients import shared_patients
from secondline.likelihoods import CONTRASTS, Likelihood
from secondline.network.arms import is_contrast
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure, Treatments
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.tables import read_back

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """The studies of one outcome: what they compared, and what they found.

    Make one with `from_arms`, `from_contrasts` or `from_config`; ``a + b`` puts two together, of arms and of contrasts
    for example.
    """

    rows: tuple[Row, ...]
    """Rows of an evidence table, the rows of one study together."""
    structure: Structure
    """What the treatments are made of."""
    measure: str | None = None
    """Effect measure; None where the likelihood of the model decides."""
    better: str | None = None
    """Direction of the outcome, where it is known: ``lower`` or ``higher``."""
    margin: float | None = None
    """The clinically relevant effect, where it is known: a ratio, or a difference."""
    not_candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Treatments that may not be chosen, by setting."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of treatments and settings."""
    name: str = "Outcome"
    """What figures call the outcome."""
    overlaps: tuple[Overlap, ...] = ()
    """Patients whom studies share; see `sharing`."""
    bias: NetworkBias | None = None
    """A bias that fits take from the studies; see `biased`."""

    @classmethod
    def from_arms(
        cls,
        frame: "pd.DataFrame",
        *,
        study: str,
        treatment: str,
        reference: str,
        events: str | None = None,
        n: str | None = None,
        time: str | None = None,
        mean: str | None = None,
        se: str | None = None,
        sd: str | None = None,
        categories: Sequence[str] = (),
        covariates: Sequence[str] = (),
        arm_covariates: Sequence[str] = (),
        measure: str | None = None,
    ) -> "Network":
        """Read a data frame with one row for every arm.

        Which columns are named says what the arms give: ``events`` and ``n``; ``events``, ``n`` and ``time`` at risk;
        ``events`` and person-``time``; ``mean`` with its ``se``, or with ``sd`` and ``n``; ``categories``.

        Parameters
        ----------
        frame : pandas.DataFrame
        study, treatment : str
            Columns with the name of the study, and of what the arm received. Any name will do that has no colon;
            ``a:34 b:3`` is an arm in which 34 patients received a and 3 received b.
        reference : str
            The treatment against which all effects are given.
        events, n, time, mean, se, sd : str, optional
            Columns with the figures of the arms: whole numbers of events and of patients, time in any one unit, means
            on their own scale.
        categories : sequence of str
            Columns with patients by category of an ordered outcome, from the lowest category to the highest. A category
            that is missing is counted with the one before it: the arm does not report the cut-off between them.
        covariates : sequence of str
            Columns with covariates of the studies, the same in all rows of a study: numbers, or words.
        arm_covariates : sequence of str
            Columns with covariates of the arms, such as a dose.
        measure : str, optional
            Effect measure. By default that of the likelihood of the model: OR, HR (complementary log-log), IRR, MD or
            probit difference. ``SMD`` divides means by the pooled standard deviation of their study (Hedges g), ``ROM``
            takes their ratio; ``RR`` and ``RD`` are ratios and differences of risks, from ``events`` and ``n``. These
            four become contrasts when they are read, for `Model` with ``likelihood="normal"``.

        Raises
        ------
        UserError
            The first mistake in one line: row, column, value and what is allowed.

        Examples
        --------
        >>> import pandas as pd
        >>> import secondline as sl
        >>> arms = pd.DataFrame({
        ...     "trial": ["A", "A", "B", "B"],
        ...     "drug": ["placebo", "x", "placebo", "y"],
        ...     "r": [9, 12, 20, 14],
        ...     "n": [100, 98, 150, 152],
        ... })
        >>> sl.Network.from_arms(arms, study="trial", treatment="drug", events="r", n="n", reference="placebo")
        <Network: 2 studies, 3 treatments, reference placebo>
        """
        named = {"events": events, "n": n, "time": time, "mean": mean, "se": se, "sd": sd}
        figures = {ours: name for ours, name in named.items() if name is not None}
        figures = {"study": study, "treatment": treatment, **figures}
        columns = Columns.named(figures, covariates, categories, arm_covariates)
        likelihood = likelihood_of(columns, measure)
        read_as = likelihood, measure or usual_measure(likelihood)
        return cls(*_read(frame, columns, ("treatment",), reference, read_as), measure)

    @classmethod
    def from_contrasts(
        cls,
        frame: "pd.DataFrame",
        *,
        study: str,
        treatment: str,
        comparator: str,
        effect: str,
        se: str,
        reference: str,
        measure: str,
        comparator_se: str | None = None,
        n_treatment: str | None = None,
        n_comparator: str | None = None,
        covariates: Sequence[str] = (),
    ) -> "Network":
        """Read a data frame with one row for every contrast, on the scale on which effects add up.

        Parameters
        ----------
        frame : pandas.DataFrame
        study, treatment, comparator : str
            Columns with the name of the study and of the two treatments.
        effect, se : str
            Columns with the effect of the treatment against the comparator and its standard error: logarithms of
            ratios, differences as they are.
        reference : str
            The treatment against which all effects are given.
        measure : {"HR", "OR", "RR", "RD", "IRR", "MD", "SMD", "ROM", "PD"}
            What the effects are; numbers cannot tell log hazard ratios from differences of means.
        comparator_se : str, optional
            Column with the standard error of the comparator's arm, which the contrasts of a study with three arms or
            more share; its square is their covariance. Alternatively give every pair of the study: the covariance then
            comes from the standard errors.
        n_treatment, n_comparator : str, optional
            Columns with the patients of the two arms.
        covariates : sequence of str
            Columns with covariates of the studies, the same in all rows of a study.

        Raises
        ------
        UserError
            The first mistake in one line: row, column, value and what is allowed.

        Examples
        --------
        >>> import pandas as pd
        >>> import secondline as sl
        >>> trials = pd.DataFrame({
        ...     "trial": ["A", "B"], "t": ["x", "y"], "c": ["placebo", "x"], "log_hr": [-0.31, 0.1], "se": [0.12, 0.2]
        ... })
        >>> sl.Network.from_contrasts(
        ...     trials, study="trial", treatment="t", comparator="c", effect="log_hr", se="se",
        ...     reference="placebo", measure="HR",
        ... )
        <Network: 2 studies, 3 treatments, reference placebo, HR>
        """
        named = {
            "study": study,
            "treatment": treatment,
            "comparator": comparator,
            "effect": effect,
            "se": se,
        }
        optional = {"comparator_se": comparator_se, "n_treatment": n_treatment, "n_comparator": n_comparator}
        named |= {ours: name for ours, name in optional.items() if name is not None}
        CONTRASTS.scale(measure)
        columns = Columns.named(named, covariates)
        return cls(*_read(frame, columns, ("treatment", "comparator"), reference, (CONTRASTS, measure)), measure)

    @classmethod
    def from_config(cls, file: str | Path, *, analysis: str, outcome: str, folder: str | Path = ".") -> "Network":
        """Read the evidence of one fit of a project: what `make results` would put into its evidence table.

        Parameters
        ----------
        file : path
            The configuration.
        analysis, outcome : str
            One of its analyses, and one of its outcomes.
        folder : path
            The folder that all file names are relative to; by default the working directory.

        Raises
        ------
        UserError
            The first mistake in one line: file, line, key, value and what is allowed.

        Examples
        --------
        >>> import secondline as sl
        >>> sl.Network.from_config("config/examples/smoking.yaml", analysis="smoking", outcome="cessation")
        <Network: 24 studies, 4 treatments, reference no_contact, OR>
        """
        if not Path(folder).is_dir():
            raise UserError("no such folder", "Network.from_config", key="folder", value=str(folder))
        with chdir(folder):
            project = read_project(Path(file))
        for kind, name, known in (
            ("analysis", analysis, project.config.analyses),
            ("outcome", outcome, project.config.outcomes),
        ):
            if name not in known:
                raise UserError(f"allowed: {', '.join(known)}", file, key=kind, value=name)
        return cls._of_project(project, analysis, outcome)

    @classmethod
    def _of_project(cls, project: Project, analysis: str, outcome: str) -> "Network":
        treatments, definition = project.treatments, project.config.outcomes[outcome]
        return cls(
            tuple(select_evidence(project, analysis, outcome)),
            Structure.of(Treatments(**treatments.structure)),
            definition.measure,
            definition.better,
            definition.margin,
            {name: treatments.barred(name) for name in treatments.settings},
            {
                **{name: regimen.label for name, regimen in treatments.regimens.items()},
                **{name: setting.label for name, setting in treatments.settings.items()},
            },
            definition.label,
            tuple(Overlap.by_arm(*found) for found in shared_patients(project, analysis, outcome)),
            NetworkBias.asked(bias_asked(project, analysis, outcome)),
        )

    def sharing(self, *overlaps: Overlap) -> "Network":
        """Return the network with studies that share patients, so that their errors are correlated.

        Parameters
        ----------
        *overlaps : Overlap
            The studies, and the patients in both by arm or the correlation; arms are named by their treatment.

        Raises
        ------
        UserError
            A study that is not there.
        """
        for study in (name for overlap in overlaps for name in overlap.studies):
            if study not in self.studies:
                raise UserError(f"allowed: {', '.join(self.studies)}", "Network.sharing", key="study", value=study)
        return replace(self, overlaps=(*self.overlaps, *overlaps))

    def biased(
        self,
        toward: str | Sequence[str],
        mean: float,
        sd: float = 0.0,
        studies: Sequence[str] | None = None,
        better: str | None = None,
    ) -> "Network":
        """Return the network with a bias b ~ N(mean, sd^2), one of every study, that fits take from its studies.

        Parameters
        ----------
        toward : str or sequence of str
            Treatments that the bias flatters, where they are compared with others.
        mean, sd : float
            On the link scale: above 0 the treatments appear better than they are.
        studies : sequence of str, optional
            Studies that have it; by default all.
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.

        Raises
        ------
        UserError
            A treatment or study that is not there, a standard deviation below 0, or a second bias.
        """
        return replace(self, bias=taken_bias(self, toward, (mean, sd), studies, better))

    @property
    def reference(self) -> str:
        """The treatment against which all effects are given."""
        return self.structure.regimens[self.structure.reference]

    @property
    def treatments(self) -> tuple[str, ...]:
        """All treatments, in the order in which tables list them."""
        return self.structure.regimens

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies in use."""
        return tuple(dict.fromkeys(row["study"] for row in self.rows if row.get("used", True)))

    def __repr__(self) -> str:
        """Say how large the network is."""
        measure = f", {self.measure}" if self.measure else ""
        sizes = f"{len(self.studies)} studies, {len(self.treatments)} treatments"
        return f"<Network: {sizes}, reference {self.reference}{measure}>"

    def __add__(self, other: "Network") -> "Network":
        """Put the studies of two networks together, of arms and of contrasts for example.

        Raises
        ------
        UserError
            References, measures, directions or margins differ, or a study is in both.
        """
        if not isinstance(other, Network):
            return NotImplemented
        both = [name for name in self.studies if name in other.studies]
        if both:
            problem = "these studies are in both networks; allowed: one source for every study, or different names"
            raise UserError(problem, "Network", key="studies", value=", ".join(both))
        for key in ("reference", "measure", "better", "margin"):
            ours, theirs = getattr(self, key), getattr(other, key)
            if ours and theirs and ours != theirs:
                raise UserError(f"allowed: {ours}, as in the first network", "Network", key=key, value=theirs)
        return replace(
            self,
            rows=self.rows + other.rows,
            structure=joined(self.structure, other.structure),
            measure=self.measure or other.measure,
            better=self.better or other.better,
            margin=self.margin or other.margin,
            labels={**other.labels, **self.labels},
            overlaps=self.overlaps + other.overlaps,
            bias=joined_bias(self, other),
        )

    def evidence(self, likelihood: Likelihood) -> list[dict[str, str]]:
        """Rows of the evidence table that a fit with this likelihood of arms reads.

        Raises
        ------
        UserError
            Arms that do not give what the likelihood needs, or a measure that it does not estimate.
        """
        used = [row for row in self.rows if row.get("used", True)]
        arms = [row for row in used if not is_contrast(row)]
        check_figures(self.measure, likelihood, arms)
        rows: list[Row] = []
        for study in dict.fromkeys(row["study"] for row in self.rows):
            members = [row for row in self.rows if row["study"] == study]
            rows += members if "used" in members[0] else marked(cast(Any, members), likelihood)
        return read_back(rows, table_columns(likelihood, len(arms) < len(used)))


def _read(
    frame: "pd.DataFrame",
    columns: Columns,
    treated: Sequence[str],
    reference: str,
    read_as: tuple[Likelihood, str],
) -> tuple[tuple[Row, ...], Structure]:
    """Read the rows of a plain network, of which the columns ``treated`` name the treatments, and its structure."""
    lines, reference = read_frame(frame, columns), cell_of(reference)
    if not reference:
        raise UserError("allowed: the name of a treatment", FRAME, key="reference")
    treatments = ordered(treatments_of(lines, treated), reference)
    studies = read_network_studies(lines, treatments, columns, *read_as)
    rows = (row for each in studies for row in (each.rows or [unused(each.study, each.nothing or "")]))
    return tuple(rows), Structure.plain(treatments, reference)
