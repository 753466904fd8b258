"""From an evidence table to the arrays that the models read.

A study enters either as Gaussian contrasts, whose random effects and baselines are integrated out in closed form, or by
counts of its arms, for which that takes quadrature. Means of arms are Gaussian: with a flat prior for the baseline
their contrasts hold all that they say about relative effects. One network may hold studies of both kinds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nma.network.arms import Arm, arms_of, baseline_first, is_contrast, parse_mix, rows_with, used_rows
from nma.network.predictor import Effects, Predictor, node
from nma.network.structure import Floats, Structure

Row = Mapping[str, str]

# Families of counts: how the events of an arm depend on its linear predictor.
BINOMIAL_LOGIT, BINOMIAL_CLOGLOG, POISSON_LOG, ORDERED_LOGIT, ORDERED_PROBIT = range(5)
FAMILIES = {
    "binomial_logit": BINOMIAL_LOGIT,
    "binomial_cloglog": BINOMIAL_CLOGLOG,
    "poisson_log": POISSON_LOG,
    "ordered_logit": ORDERED_LOGIT,
    "ordered_probit": ORDERED_PROBIT,
}
GAUSSIAN = ("contrasts", "normal")
LIKELIHOODS = (*GAUSSIAN, *FAMILIES)


@dataclass(frozen=True)
class Means:
    """Arm means with known standard errors, kept beside their contrasts for the deviance of every arm."""

    study: NDArray[np.int64]
    y: Floats
    variance: Floats
    rows: Floats


@dataclass(frozen=True)
class GaussianData:
    """Contrasts with a known covariance: y ~ N(rows b, S + tau^2 R), block diagonal by study.

    ``R`` has 1 on the diagonal and 1/2 off it within a study (Higgins & Whitehead 1996). Both blocks of a study are
    diagonalised together, T S T' = I and T R T' = diag(lambda), so that the whitened contrasts are independent with
    variances 1 + tau^2 lambda.
    """

    study: NDArray[np.int64]
    """Index of the study of every contrast."""
    y: Floats
    rows: Floats
    scales: Floats
    """lambda, (N,)"""
    log_det: Floats
    """log |T| by study of the network, (studies,): what whitening adds to the log likelihood."""
    means: Means


@dataclass(frozen=True)
class CountData:
    """Counts by arm; ``rows`` are centred within each study, so that its baseline is the mean of its arms."""

    family: int
    study: NDArray[np.int64]
    """Index of every study with counts, (count studies,)."""
    start: NDArray[np.int64]
    """First arm of every such study, and the number of arms: (count studies + 1,)"""
    counts: Floats
    """(arms, columns): events and patients; events alone for rates; patients by category for ordered outcomes."""
    offset: Floats
    """Log of the follow-up or of the person-time of every arm; 0 where the family has none."""
    rows: Floats

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

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients."""
        return self.predictor.n_coefficients

    @property
    def n_cuts(self) -> int:
        """Cutpoints beyond the first."""
        return self.predictor.n_cuts


def network_data(
    evidence: Sequence[Row], structure: Structure, likelihood: str = "binomial_logit", effects: Effects | None = None
) -> NetworkData:
    """Assemble the used rows of an evidence table.

    Parameters
    ----------
    evidence : rows
        Contrast rows and arm rows, the rows of one study together.
    structure : Structure
    likelihood : str
        Likelihood of the arm rows, one of `LIKELIHOODS`.
    effects : Effects, optional
        By default consistent component effects, with departures for the settings that the structure has. A model with a
        covariate takes the studies that give it.
    """
    effects = Effects(settings=bool(structure.settings)) if effects is None else effects
    rows = rows_with(evidence, effects.covariate)
    categories = [len(parse_mix(row["categories"])) for row in rows if row.get("categories")]
    predictor = Predictor.build(structure, effects, baseline_first(rows), max(categories, default=2) - 2)
    grouped = _by_study(rows)
    studies = tuple(study for study, _ in grouped)
    by_study = [(i, members) for i, (_, members) in enumerate(grouped)]
    contrasts = [(i, members) for i, members in by_study if is_contrast(members[0])]
    arms = [(i, members) for i, members in by_study if not is_contrast(members[0])]
    means = arms if likelihood == "normal" else []
    counts = arms if likelihood in FAMILIES else []
    return NetworkData(
        predictor,
        studies,
        tuple(
            [
                (row["study"], f"{row['treatment_arm']} against {row['comparator_arm']}")
                for _, m in contrasts
                for row in m
            ]
            + [(row["study"], row["arm"]) for _, members in means + counts for row in members]
        ),
        _gaussian(contrast_blocks(rows, predictor, likelihood), means, len(studies), predictor),
        _counts(counts, likelihood, predictor),
        tuple(dict.fromkeys(row["study"] for row in used_rows(evidence) if row["study"] not in studies)),
    )


def without(data: NetworkData, study: int) -> NetworkData:
    """Leave the data of one study out, by its index; the coefficients and the names of all studies stay."""
    gaussian, means, counts = data.gaussian, data.gaussian.means, data.counts
    own, of_means = gaussian.study != study, means.study != study
    kept_means = Means(*(values[of_means] for values in (means.study, means.y, means.variance, means.rows)))
    log_det = np.where(np.arange(len(data.studies)) == study, 0.0, gaussian.log_det)
    kept = counts.study != study
    arms = np.repeat(kept, np.diff(counts.start))
    return replace(
        data,
        points=tuple(point for point in data.points if point[0] != data.studies[study]),
        gaussian=GaussianData(
            gaussian.study[own], gaussian.y[own], gaussian.rows[own], gaussian.scales[own], log_det, kept_means
        ),
        counts=CountData(
            counts.family,
            counts.study[kept],
            np.cumsum([0, *np.diff(counts.start)[kept]]),
            counts.counts[arms],
            counts.offset[arms],
            counts.rows[arms],
        ),
    )


Members = list[tuple[int, list[Row]]]


def _point(row: Row) -> str:
    """Name of a data point."""
    return f"{row['treatment_arm']} against {row['comparator_arm']}" if is_contrast(row) else row["arm"]


@dataclass(frozen=True)
class ContrastBlock:
    """Contrasts of one study with their covariance."""

    study: int
    y: Floats
    rows: Floats
    covariance: Floats
    treatments: tuple[str, ...]
    """What the comparator received, then the treatment of each contrast."""

    @classmethod
    def of_contrasts(cls, study: int, members: Sequence[Row], predictor: Predictor) -> "ContrastBlock":
        """Contrasts as they are reported, all against one comparator."""
        y = np.array([float(row["effect"]) for row in members])
        ends = [arms_of(row) for row in members]
        arms = baseline_first(members)
        by_name = dict(zip([arm.name for arm in arms], predictor.rows(arms), strict=True))
        rows = np.array([by_name[t.name] - by_name[c.name] for t, c in ends])
        names = [node(arm, predictor.structure) for arm in (ends[0][1], *(t for t, _ in ends))]
        return cls(study, y, rows, contrast_covariance(members), tuple(names))

    @classmethod
    def of_means(cls, study: int, members: Sequence[Row], predictor: Predictor) -> "ContrastBlock":
        """Contrasts against the first arm: with a flat baseline they are all the arms say (REML's likelihood)."""
        arms = _arm_means(study, members, predictor)
        y, rows, variance = arms.y, arms.rows, arms.variance
        names = tuple(node(arm, predictor.structure) for arm in _arms(members))
        return cls(study, y[1:] - y[0], rows[1:] - rows[0], np.diag(variance[1:]) + variance[0], names)

    def whitened(self) -> tuple[Floats, Floats, Floats, float]:
        """Whitened contrasts and rows, lambda, and log |T|; see `whiten`."""
        whitener, scales = whiten(self.covariance)
        return whitener @ self.y, whitener @ self.rows, scales, float(np.linalg.slogdet(whitener)[1])


def contrast_blocks(evidence: Sequence[Row], predictor: Predictor, likelihood: str) -> list[ContrastBlock]:
    """Gaussian contrasts of every study that has any, not whitened, in the order of the evidence."""
    blocks = []
    for study, (_, members) in enumerate(_by_study(used_rows(evidence))):
        if is_contrast(members[0]):
            blocks.append(ContrastBlock.of_contrasts(study, members, predictor))
        elif likelihood == "normal":
            blocks.append(ContrastBlock.of_means(study, members, predictor))
    return blocks


def _by_study(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    studies: dict[str, list[Row]] = {}
    for row in rows:
        studies.setdefault(row["study"], []).append(row)
    return list(studies.items())


def _gaussian(blocks: Sequence[ContrastBlock], means: Members, n_studies: int, predictor: Predictor) -> GaussianData:
    arms = [_arm_means(i, members, predictor) for i, members in means]
    whitened = [block.whitened() for block in blocks]
    log_det = np.zeros(n_studies)
    for block, (*_, value) in zip(blocks, whitened, strict=True):
        log_det[block.study] += value
    empty = np.zeros((0, predictor.n_coefficients))
    return GaussianData(
        np.repeat([block.study for block in blocks], [len(block.y) for block in blocks]).astype(np.int64),
        np.concatenate([np.zeros(0), *(y for y, *_ in whitened)]),
        np.vstack([empty, *(rows for _, rows, *_ in whitened)]),
        np.concatenate([np.zeros(0), *(scales for _, _, scales, _ in whitened)]),
        log_det,
        Means(
            np.concatenate([np.zeros(0, np.int64), *(block.study for block in arms)]),
            np.concatenate([np.zeros(0), *(block.y for block in arms)]),
            np.concatenate([np.zeros(0), *(block.variance for block in arms)]),
            np.vstack([empty, *(block.rows for block in arms)]),
        ),
    )


def contrast_covariance(members: Sequence[Row]) -> Floats:
    """Assemble the covariance of a study's contrasts, (n, n).

    The covariances with the rows before stand in ``covariances``; where they do not, the comparator is common to all
    rows and its variance is their covariance.
    """
    covariance = np.diag([float(row["se"]) ** 2 for row in members])
    for k, row in enumerate(members[1:], start=1):
        if row.get("covariances"):
            values = [float(value) for value in row["covariances"].split()]
        else:
            values = [float(row["baseline_se"]) ** 2] * k
        covariance[k, :k] = covariance[:k, k] = values
    return covariance


def whiten(covariance: Floats) -> tuple[Floats, Floats]:
    """Diagonalise a study's covariance S and its heterogeneity pattern R = (I + 11')/2 together.

    Returns
    -------
    whitener : array, (n, n)
        T with T S T' = I.
    scales : array, (n,)
        lambda with T R T' = diag(lambda).
    """
    n = len(covariance)
    inverse = np.linalg.inv(np.linalg.cholesky(covariance))
    scales, vectors = np.linalg.eigh(inverse @ (np.eye(n) + 1) @ inverse.T / 2)
    return vectors.T @ inverse, scales


def _arms(members: Sequence[Row]) -> list[Arm]:
    return [arm for row in members for arm in arms_of(row)]


def _arm_means(study: int, members: Sequence[Row], predictor: Predictor) -> Means:
    return Means(
        np.full(len(members), study, dtype=np.int64),
        np.array([float(row["mean"]) for row in members]),
        np.array([float(row["se"]) for row in members]) ** 2,
        predictor.rows(_arms(members)),
    )


def _counts(studies: Members, likelihood: str, predictor: Predictor) -> CountData:
    family = FAMILIES.get(likelihood, BINOMIAL_LOGIT)
    start, rows, counts, offset = [0], [np.zeros((0, predictor.n_coefficients))], [], []
    for _, members in studies:
        block = predictor.rows(_arms(members))
        rows.append(block - block.mean(axis=0))
        counts += [_arm_counts(row, family) for row in members]
        offset += [np.log(float(row["time"])) if row.get("time") else 0.0 for row in members]
        start.append(start[-1] + len(members))
    width = max((len(values) for values in counts), default=2)
    return CountData(
        family,
        np.array([i for i, _ in studies], dtype=np.int64),
        np.array(start, dtype=np.int64),
        np.array(counts, float).reshape(-1, width),
        np.array(offset, float),
        np.vstack(rows),
    )


def _arm_counts(row: Row, family: int) -> list[float]:
    if family in (ORDERED_LOGIT, ORDERED_PROBIT):
        return [float(n) for n in parse_mix(row["categories"]).values()]
    if family == POISSON_LOG:
        return [float(row["events"])]
    return [float(row["events"]), float(row["n"])]
