"""From an evidence table to the arrays that the models read.

A study enters either as Gaussian contrasts, whose random effects and baselines are integrated out in closed form, or by
counts of its arms, for which that takes quadrature. Means of arms are Gaussian: with a flat prior for the baseline
their contrasts hold all that they say about relative effects. One network may hold studies of both kinds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from secondline.cells import parse_categories
from secondline.errors import UserError
from secondline.likelihoods import LIKELIHOODS, Distribution, Likelihood, of_family
from secondline.network.arms import Arm, arms_of, baseline_first, is_contrast, rows_with, used_rows
from secondline.network.baseline_risk import check_baselines
from secondline.network.bias import Bias
from secondline.network.clusters import Cluster, joint_covariance, linked, place, whiten
from secondline.network.figures import arm_counts, arm_size, contrast_covariance
from secondline.network.overlap import Overlap, StudyArms, kept_shares
from secondline.network.predictor import Effects, Predictor, node
from secondline.network.structure import Floats, Structure
from secondline.network.study_groups import Grouping
from secondline.network.study_rows import count_rows

Row = Mapping[str, str]


@dataclass(frozen=True)
class Means:
    """Arm means with known standard errors, kept beside their contrasts for the deviance of every arm."""

    study: NDArray[np.int64]
    y: Floats
    variance: Floats
    rows: Floats


@dataclass(frozen=True)
class GaussianData:
    """Contrasts with a known covariance: y ~ N(rows b, S + tau^2 R), block diagonal by study or cluster of studies.

    ``R`` has 1 on the diagonal and 1/2 off it within a study (Higgins & Whitehead 1996). Both blocks of a study are
    diagonalised together, T S T' = I and T R T' = diag(lambda), so that the whitened contrasts are independent with
    variances 1 + tau^2 lambda. Studies that share patients are whitened as one, a cluster: there S has blocks between
    studies, and R has none.
    """

    study: NDArray[np.int64]
    """Index of the study of every contrast; within a cluster, whose whitened contrasts belong to no one study, that of
    the contrast in whose place one is."""
    y: Floats
    rows: Floats
    scales: Floats
    """lambda, (N,)"""
    log_det: Floats
    """log |T| by study of the network, (studies,): what whitening adds to the log likelihood; that of a cluster is at
    its first study."""
    means: Means
    clusters: tuple[Cluster, ...] = ()
    """Studies that share patients."""


@dataclass(frozen=True)
class CountData:
    """Counts by arm; ``rows`` are centred within each study, so that its baseline is the mean of its arms."""

    family: int
    """Code of the likelihood in compiled functions; see `secondline.likelihoods`."""
    study: NDArray[np.int64]
    """Index of every study with counts, (count studies,)."""
    start: NDArray[np.int64]
    """First arm of every such study, and the number of arms: (count studies + 1,)"""
    counts: Floats
    """(arms, columns): events and patients; events alone for rates; for ordered outcomes patients by category, not a
    number where they are counted in the category before; see `secondline.network.categories`."""
    offset: Floats
    """What is added to the linear predictor of every arm: the log of its follow-up or person-time where the family has
    one, and the mean of its bias."""
    rows: Floats
    at_baseline: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    """Of a regression on the baseline risk, (arms, 2), otherwise without rows; see `secondline.network.study_rows`."""

    @property
    def likelihood(self) -> Likelihood:
        """Likelihood of the arms."""
        return of_family(self.family)

    @property
    def events(self) -> Floats:
        """Events of every arm."""
        return self.counts[:, 0]

    @property
    def n(self) -> Floats:
        """Patients of every arm of a binomial outcome."""
        return self.counts[:, 1]


@dataclass(frozen=True)
class NetworkData:
    """Everything that one fit knows about its studies."""

    predictor: Predictor
    studies: tuple[str, ...]
    points: tuple[tuple[str, str], ...]
    """Study and name of every data point: Gaussian contrasts, then arm means, then arms with counts."""
    gaussian: GaussianData
    counts: CountData
    left_out: tuple[str, ...] = ()
    """Studies in use that do not give the covariate of the model."""
    bias: Bias | None = None
    """Bias that has been taken from the data."""
    groups: Grouping = field(default_factory=Grouping)
    """Groups of studies with a heterogeneity of their own."""

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients."""
        return self.predictor.n_coefficients

    @property
    def n_cuts(self) -> int:
        """Cutpoints beyond the first."""
        return self.predictor.n_cuts


def network_data(
    evidence: Sequence[Row],
    structure: Structure,
    likelihood: str,
    effects: Effects | None = None,
    overlaps: Sequence[Overlap] = (),
    bias: Bias | None = None,
) -> NetworkData:
    """Assemble the used rows of an evidence table.

    Parameters
    ----------
    evidence : rows
        Contrast rows and arm rows, the rows of one study together.
    structure : Structure
    likelihood : str
        Name of the likelihood of the arm rows, one of `LIKELIHOODS`; rows of contrasts are Gaussian under any.
    effects : Effects, optional
        By default consistent component effects, with departures for the settings that the structure has. A model with a
        covariate takes the studies that give it.
    overlaps : sequence of Overlap
        Patients whom studies share; those of studies that are not in use count for nothing. Overlapping studies that
        give means enter by their contrasts, also as data points.
    bias : Bias, optional
        Taken from the contrasts that have it, with its variance added; then studies that give means enter by their
        contrasts. Of counts its mean is an offset, and its departure from that a coefficient.

    Raises
    ------
    UserError
        The likelihood is unknown, or models contrasts and a study gives arms; an overlap that cannot be.
    """
    of_arms = LIKELIHOODS[likelihood]
    effects = Effects(settings=bool(structure.settings)) if effects is None else effects
    rows = rows_with(evidence, effects.needs)
    check_baselines(effects.baseline_risk, rows, of_arms)
    categories = [len(parse_categories(row["categories"])) for row in rows if row.get("categories")]
    counted = {row["study"] for row in rows if not (is_contrast(row) or of_arms.is_gaussian)}
    of_counts = bias.of(counted) if bias else None
    n_cuts = max(categories, default=2) - 2
    predictor = Predictor.build(structure, effects, baseline_first(rows), n_cuts, of_counts)
    grouped = _by_study(rows)
    studies = tuple(study for study, _ in grouped)
    by_study = [(i, members) for i, (_, members) in enumerate(grouped)]
    arms = [(i, members) for i, members in by_study if not is_contrast(members[0])]
    if arms and of_arms.is_contrasts:
        raise UserError(f"likelihood {likelihood} models contrasts; {arms[0][1][0]['study']} gives arms")
    means, counts = (arms, []) if of_arms.is_gaussian else ([], arms)
    _check_alike(overlaps, [studies[i] for i, _ in counts], studies)
    blocks = contrast_blocks(rows, predictor, likelihood, bias)
    clusters = [i for members in linked([block.name for block in blocks], overlaps) for i in members]
    by_contrasts = {blocks[i].study for i in clusters} | {block.study for block in blocks if block.doubt is not None}
    means = [(i, members) for i, members in means if i not in by_contrasts]
    apart = {i for i, _ in means + counts}
    return NetworkData(
        predictor,
        studies,
        tuple(
            [(block.name, point) for block in blocks if block.study not in apart for point in block.points]
            + [(row["study"], row["arm"]) for _, members in means + counts for row in members]
        ),
        _gaussian(blocks, means, len(studies), predictor, overlaps),
        _counts(counts, of_arms, predictor, overlaps),
        tuple(dict.fromkeys(row["study"] for row in used_rows(evidence) if row["study"] not in studies)),
        bias,
        Grouping.of(effects.groups, baseline_first(rows), studies, overlaps),
    )


def _check_alike(overlaps: Sequence[Overlap], counted: Sequence[str], studies: Sequence[str]) -> None:
    """Refuse an overlap of a study with counts and one with contrasts, for which there is no likelihood."""
    for overlap in overlaps:
        if set(overlap.studies) <= set(studies) and len(set(overlap.studies) & set(counted)) == 1:
            problem = "one study gives counts and the other contrasts; allowed: both by counts, or both by contrasts"
            raise overlap.error("studies", overlap.studies, problem)


Members = list[tuple[int, list[Row]]]


@dataclass(frozen=True)
class ContrastBlock:
    """Contrasts of one study with their covariance."""

    study: int
    y: Floats
    rows: Floats
    covariance: Floats
    treatments: tuple[str, ...]
    """What the comparator received, then the treatment of each contrast."""
    arms: StudyArms | None = None
    """Its arms, in the same order, for studies that share patients."""
    doubt: Floats | None = None
    """Standard deviation that the bias of the study adds to every contrast, with its sign; None without a bias."""

    def without(self, bias: Bias) -> "ContrastBlock":
        """Take a bias from the contrasts that have it."""
        if self.arms is None:
            return self
        direction = bias.direction(self.name, self.arms.names)
        if not direction.any():
            return self
        return replace(self, y=self.y - bias.mean * direction, doubt=bias.sd * direction)

    @property
    def variance(self) -> Floats:
        """Covariance of the contrasts with that of their bias, (contrasts, contrasts)."""
        return self.covariance if self.doubt is None else self.covariance + np.outer(self.doubt, self.doubt)

    @property
    def name(self) -> str:
        """Name of the study; empty where its arms are not known."""
        return self.arms.study if self.arms else ""

    @property
    def points(self) -> list[str]:
        """Names of the contrasts."""
        names = self.arms.names if self.arms else ("",) * len(self.treatments)
        return [f"{name} against {names[0]}" for name in names[1:]]

    @classmethod
    def of_contrasts(cls, study: int, members: Sequence[Row], predictor: Predictor) -> "ContrastBlock":
        """Contrasts as they are reported, all against one comparator."""
        y = np.array([float(row["effect"]) for row in members])
        ends = [arms_of(row) for row in members]
        arms = baseline_first(members)
        by_name = dict(zip([arm.name for arm in arms], predictor.rows(arms), strict=True))
        rows = np.array([by_name[t.name] - by_name[c.name] for t, c in ends])
        names = [node(arm, predictor.structure) for arm in (ends[0][1], *(t for t, _ in ends))]
        own = [ends[0][1], *(t for t, _ in ends)]
        known = StudyArms(
            study=members[0]["study"], names=tuple(arm.name for arm in own), patients=tuple(arm.n for arm in own)
        )
        return cls(study, y, rows, contrast_covariance(members), tuple(names), known)

    @classmethod
    def of_means(cls, study: int, members: Sequence[Row], predictor: Predictor) -> "ContrastBlock":
        """Contrasts against the first arm: with a flat baseline they are all the arms say (REML's likelihood)."""
        arms, own = _arm_means(study, members, predictor), _arms(members)
        y, rows, variance = arms.y, arms.rows, arms.variance
        names = tuple(node(arm, predictor.structure) for arm in own)
        patients = tuple(arm.n for arm in own)
        known = StudyArms(
            study=members[0]["study"], names=tuple(arm.name for arm in own), patients=patients, variances=variance
        )
        return cls(study, y[1:] - y[0], rows[1:] - rows[0], np.diag(variance[1:]) + variance[0], names, known)

    def whitened(self) -> tuple[Floats, Floats, Floats, float]:
        """Whitened contrasts and rows, lambda, and log |T|; see `whiten`."""
        whitener, scales = whiten(self.variance)
        return whitener @ self.y, whitener @ self.rows, scales, float(np.linalg.slogdet(whitener)[1])


def contrast_blocks(
    evidence: Sequence[Row], predictor: Predictor, likelihood: str, bias: Bias | None = None
) -> list[ContrastBlock]:
    """Gaussian contrasts of every study that has any, with a bias taken, not whitened, in the order of the evidence."""
    blocks = []
    for study, (_, members) in enumerate(_by_study(used_rows(evidence))):
        if is_contrast(members[0]):
            blocks.append(ContrastBlock.of_contrasts(study, members, predictor))
        elif LIKELIHOODS[likelihood].is_gaussian:
            blocks.append(ContrastBlock.of_means(study, members, predictor))
    return [block.without(bias) for block in blocks] if bias else blocks


def _by_study(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    studies: dict[str, list[Row]] = {}
    for row in rows:
        studies.setdefault(row["study"], []).append(row)
    return list(studies.items())


def joined(blocks: Sequence[ContrastBlock], overlaps: Sequence[Overlap]) -> list[tuple[list[ContrastBlock], Floats]]:
    """Join the blocks of studies that share patients, with the covariance of their contrasts.

    Raises
    ------
    UserError
        The covariance is singular, or an overlap cannot be.
    """
    result = []
    for members in linked([block.name for block in blocks], overlaps):
        own = [blocks[i] for i in members]
        arms = [block.arms for block in own if block.arms]
        shared = joint_covariance(arms, [block.covariance for block in own], overlaps)
        result.append((own, shared + block_diag(*(block.variance - block.covariance for block in own))))
    return result


def _clusters(blocks: Sequence[ContrastBlock], overlaps: Sequence[Overlap]) -> tuple[Cluster, ...]:
    study = np.repeat([block.study for block in blocks], [len(block.y) for block in blocks]).astype(np.int64)
    result = []
    for own, covariance in joined(blocks, overlaps):
        at = np.flatnonzero(np.isin(study, [block.study for block in own]))
        y, rows = np.concatenate([block.y for block in own]), np.vstack([block.rows for block in own])
        result.append(Cluster(at, study[at], y, rows, covariance))
    return tuple(result)


def _gaussian(
    blocks: Sequence[ContrastBlock],
    means: Members,
    n_studies: int,
    predictor: Predictor,
    overlaps: Sequence[Overlap],
) -> GaussianData:
    arms = [_arm_means(i, members, predictor) for i, members in means]
    whitened = [block.whitened() for block in blocks]
    log_det = np.zeros(n_studies)
    for block, (*_, value) in zip(blocks, whitened, strict=True):
        log_det[block.study] += value
    empty = np.zeros((0, predictor.n_coefficients))
    y = np.concatenate([np.zeros(0), *(y for y, *_ in whitened)])
    rows = np.vstack([empty, *(rows for _, rows, *_ in whitened)])
    scales = np.concatenate([np.zeros(0), *(scales for _, _, scales, _ in whitened)])
    clusters = _clusters(blocks, overlaps)
    place(clusters, y, rows, scales, log_det)
    return GaussianData(
        np.repeat([block.study for block in blocks], [len(block.y) for block in blocks]).astype(np.int64),
        y,
        rows,
        scales,
        log_det,
        Means(
            np.concatenate([np.zeros(0, np.int64), *(block.study for block in arms)]),
            np.concatenate([np.zeros(0), *(block.y for block in arms)]),
            np.concatenate([np.zeros(0), *(block.variance for block in arms)]),
            np.vstack([empty, *(block.rows for block in arms)]),
        ),
        clusters,
    )


def _arms(members: Sequence[Row]) -> list[Arm]:
    return [arm for row in members for arm in arms_of(row)]


def _arm_means(study: int, members: Sequence[Row], predictor: Predictor) -> Means:
    return Means(
        np.full(len(members), study, dtype=np.int64),
        np.array([float(row["mean"]) for row in members]),
        np.array([float(row["se"]) for row in members]) ** 2,
        predictor.rows(_arms(members)),
    )


def _counts(studies: Members, likelihood: Likelihood, predictor: Predictor, overlaps: Sequence[Overlap]) -> CountData:
    start, counts, offset = [0], [], []
    rows, at_baseline = count_rows([members for _, members in studies], predictor, likelihood)
    sizes = {(row["study"], row["arm"]): arm_size(row) for _, members in studies for row in members}
    kept = kept_shares(sizes, overlaps)
    for _, members in studies:
        for row, biased in zip(members, predictor.offsets(_arms(members)), strict=True):
            share = kept.get((row["study"], row["arm"]), 1.0)
            counts.append([share * value for value in arm_counts(row, likelihood)])
            time = float(row["time"]) if likelihood.takes_time else 1.0
            in_total = likelihood.distribution is Distribution.POISSON
            offset.append(np.log(share * time if in_total else time) + biased)
        start.append(start[-1] + len(members))
    width = max((len(values) for values in counts), default=2)
    return CountData(
        likelihood.family,
        np.array([i for i, _ in studies], dtype=np.int64),
        np.array(start, dtype=np.int64),
        np.array(counts, float).reshape(-1, width),
        np.array(offset, float),
        rows,
        at_baseline,
    )
