"""Risk of bias and indirectness of a study: judgements with the words that support them, and facts without judgement.

Domains and levels are those of the tools: ROBINS-I (Sterne 2016), RoB 2 (Sterne 2019) and the tool of the Cochrane
Collaboration of 2011 (Higgins 2011). The domains of indirectness are those of GRADE (Guyatt 2011). Every tool also has
the domain ``overall``; it is judged by a person like the others, and never computed from them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.cell_values import NOT_JUDGED
from secondline.project.documents import Label, Path_, Strict, Text, fail
from secondline.project.figures import Figure, Identifier

WHOLE = "overall"
"""The domain of every tool that stands for the study as a whole."""
NO_INFORMATION = "no_information"
CONCERNS = ("low", "some", "high")
"""The three levels of concern to which the levels of every tool are reduced, as CINeMA needs them: 1, 2 and 3."""
DOMAINS: dict[str, tuple[str, ...]] = {
    "robins_i": (
        "confounding",
        "selection_of_participants",
        "classification_of_interventions",
        "deviations_from_interventions",
        "missing_data",
        "measurement_of_outcomes",
        "selection_of_reported_result",
        WHOLE,
    ),
    "rob_2": (
        "randomisation_process",
        "deviations_from_interventions",
        "missing_outcome_data",
        "measurement_of_outcome",
        "selection_of_reported_result",
        WHOLE,
    ),
    "rob_1": (
        "sequence_generation",
        "allocation_concealment",
        "blinding_of_participants_and_personnel",
        "blinding_of_outcome_assessment",
        "incomplete_outcome_data",
        "selective_reporting",
        "other_bias",
        WHOLE,
    ),
}
"""Domains by tool; a tool of one's own declares them."""
LEVELS: dict[str, dict[str, int | None]] = {
    "robins_i": {"low": 1, "moderate": 2, "serious": 3, "critical": 3, NO_INFORMATION: None},
    "rob_2": {"low": 1, "some_concerns": 2, "high": 3},
    "rob_1": {"low": 1, "unclear": 2, "high": 3},
    "own": {word: i for i, word in enumerate(CONCERNS, 1)},
}
"""Levels of judgement by tool, and the level of concern (1 low, 2 some, 3 high) to which each is reduced."""
PICO = ("population", "intervention", "comparator", "outcome", WHOLE)
"""Domains of indirectness."""
DIRECTIONS = ("towards_null", "away_from_null", "unpredictable")
"""Directions of a bias that favour no arm."""


class SecondJudge(Strict):
    """The judgement of a second person, made independently of the first."""

    judge: Label
    """Who judged."""
    judgement: Identifier
    """The level that this person chose."""
    consensus: Identifier | None = None
    """The level on which both finally agreed; required if their judgements differ."""


class Judgement(Strict):
    """A person's judgement on one domain, with the words of the paper that support it."""

    domain: Identifier
    """A domain, or overall for the study as a whole."""
    outcomes: list[Identifier] = Field(default_factory=list)
    """The outcomes to which it applies; by default all that have no judgement of their own."""
    judgement: Identifier
    """A level of the tool; for indirectness and for a tool of your own, low, some or high."""
    support: Annotated[list[Figure], Field(min_length=1)]
    """The words of the paper on which the judgement rests, looked up in your copy of the paper like every figure."""
    judge: Label
    """Who judged."""
    second: SecondJudge | None = None
    """The judgement of a second person."""
    direction: Identifier | None = None
    """The direction of the bias: the arm that it favours, towards_null, away_from_null or unpredictable."""

    @property
    def agreed(self) -> str:
        """The level that counts: the one on which two judges agreed where they differed."""
        return (self.second and self.second.consensus) or self.judgement

    @model_validator(mode="after")
    def _two_judges(self) -> "Judgement":
        second = self.second
        if second is None:
            return self
        if second.judge == self.judge:
            fail(("second", "judge"), second.judge, "this is the first judge; allowed: another person")
        differ = second.judgement != self.judgement
        if differ and second.consensus is None:
            problem = f"the judges differ, {self.judgement} and {second.judgement}; give the level on which they agreed"
            fail(("second", "consensus"), None, problem)
        if not differ and second.consensus not in (None, self.judgement):
            fail(("second", "consensus"), second.consensus, f"both judged {self.judgement}; leave the key out")
        return self


class BiasFact(Figure):
    """A fact that bears on a domain, in your own words and in those of the paper; it is not a judgement."""

    domain: Identifier
    """The domain on which the fact bears."""
    statement: Text
    """The fact, in your own words."""


class Assessment(Strict):
    """What is known and what was judged, domain by domain; domains and levels are those of indirectness."""

    judgements: list[Judgement] = Field(default_factory=list)
    """One entry per domain, or per domain and outcomes where they differ."""
    facts: list[BiasFact] = Field(default_factory=list)
    """Facts that bear on a domain, without judgement."""

    @property
    def all_domains(self) -> Sequence[str]:
        """Domains in their order, the last of them overall."""
        return PICO

    @property
    def levels(self) -> Mapping[str, int | None]:
        """Levels of judgement, each with its level of concern."""
        return LEVELS["own"]

    def judged(self, domain: str, outcome: str) -> tuple[int, Judgement] | None:
        """Judgement of a domain that applies to an outcome, with its index: its own, or else that of all outcomes."""
        found = [(i, one) for i, one in enumerate(self.judgements) if one.domain == domain]
        named = [(i, one) for i, one in found if outcome in one.outcomes]
        return next(iter(named or [(i, one) for i, one in found if not one.outcomes]), None)

    def outcomes_named(self) -> Iterator[tuple[Path_, str]]:
        """Outcomes that judgements name, each with its path."""
        for i, one in enumerate(self.judgements):
            for k, outcome in enumerate(one.outcomes):
                yield ("judgements", i, "outcomes", k), outcome

    def directions_named(self) -> Iterator[tuple[Path_, str]]:
        """Directions of bias that judgements name and that must be arms, each with its path."""
        for i, one in enumerate(self.judgements):
            if one.direction is not None and one.direction not in DIRECTIONS:
                yield ("judgements", i, "direction"), one.direction

    @model_validator(mode="after")
    def _words(self) -> "Assessment":
        for i, fact in enumerate(self.facts):
            _known(("facts", i, "domain"), fact.domain, self.all_domains)
        for i, one in enumerate(self.judgements):
            _known(("judgements", i, "domain"), one.domain, self.all_domains)
            below = ("judgements", i)
            _known((*below, "judgement"), one.judgement, self.levels)
            if one.second:
                _known((*below, "second", "judgement"), one.second.judgement, self.levels)
                if one.second.consensus:
                    _known((*below, "second", "consensus"), one.second.consensus, self.levels)
        return self

    @model_validator(mode="after")
    def _once(self) -> "Assessment":
        seen: dict[tuple[str, str], int] = {}
        for i, one in enumerate(self.judgements):
            for outcome in one.outcomes or [""]:
                first = seen.setdefault((one.domain, outcome), i)
                if first != i:
                    about = f"{one.domain} of {outcome}" if outcome else f"{one.domain} of all outcomes"
                    fail(("judgements", i, "domain"), one.domain, f"judgements.{first} judges {about} already")
        return self


class _Tool(Strict):
    """The tool of an assessment."""

    tool: Literal["robins_i", "rob_2", "rob_1", "own"]
    """The tool: ROBINS-I for studies without randomisation, RoB 2 or its predecessor for trials, or your own."""
    domains: list[Identifier] = Field(default_factory=list)
    """Domains of your own tool, without overall; the published tools have their own."""


class RiskOfBias(Assessment, _Tool):
    """Risk of bias by a published tool, or by one of your own with its own domains.

    A domain that nobody has judged is ``not judged`` in all results: nothing is inferred from facts.
    """

    @property
    def all_domains(self) -> Sequence[str]:
        """Domains of the tool."""
        return DOMAINS.get(self.tool, (*self.domains, WHOLE))

    @property
    def levels(self) -> Mapping[str, int | None]:
        """Levels of the tool."""
        return LEVELS[self.tool]

    @model_validator(mode="after")
    def _own_domains(self) -> "RiskOfBias":
        if self.tool != "own" and self.domains:
            fail("domains", self.domains, f"{self.tool} has its own domains; leave the key out, or use tool: own")
        if self.tool == "own" and not self.domains:
            fail("domains", self.domains, "name the domains of your tool")
        if WHOLE in self.domains or len(set(self.domains)) < len(self.domains):
            fail("domains", self.domains, f"allowed: different names, without {WHOLE}, which every tool has")
        return self


class Indirectness(Assessment):
    """How closely the population, intervention, comparator and outcome of a study match those of the question."""


def _known(path: Path_, value: str, allowed: Sequence[str] | Mapping[str, object]) -> None:
    if value not in allowed:
        what = "domain" if path[-1] == "domain" else "level"
        never = f" ({NOT_JUDGED}: leave the entry out)" if value in ("not_judged", "none") else ""
        fail(path, value, f"unknown {what}; allowed: {', '.join(allowed)}{never}")


def words_of_tools() -> list[str]:
    """Domains and levels of every tool, a line each, for a sheet to fill in."""
    lines = [f"{tool}: {', '.join(domains)}; levels {', '.join(LEVELS[tool])}" for tool, domains in DOMAINS.items()]
    return [*lines, f"own: the names under domains, and {WHOLE}; levels {', '.join(CONCERNS)}"]


def words_of_indirectness() -> list[str]:
    """Domains and levels of indirectness, for a sheet to fill in."""
    return [f"domains {', '.join(PICO)}; levels {', '.join(CONCERNS)}"]
