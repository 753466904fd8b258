"""The sections of the page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    id: str
    word: str
    title: str
    needs: str = ""
    live: bool = False
    """Whether it is made by the script of the page, and hidden without."""


# In their order: the id is that of its anchor and of its file in templates/sections/, and the word that
# of the contents. A section is part of a report whose context holds what `needs` names, and holds it non-empty.
SECTIONS = (
    Section("answer", "Answer", "What ranks first, and on what evidence"),
    Section("weigh", "Weigh", "Weigh the evidence yourself", needs="weigh", live=True),
    Section("evidence-map", "Evidence map", "Evidence map"),
    Section("network", "Network", "Network of comparisons"),
    Section("studies", "Studies", "Studies and risk flags"),
    Section("audit", "Audit", "Audit of the evidence"),
    Section("populations", "Populations", "Populations", needs="populations"),
    Section("effects", "Relative effects", "Relative effects"),
    Section("rankings", "Rankings", "Rankings"),
    Section("absolute", "Absolute effects", "Absolute effects", needs="absolute"),
    Section("outcome-pairs", "Two outcomes", "Two outcomes together", needs="pairs"),
    Section("checking", "Model checking", "Model checking"),
    Section("hangs-on", "Sensitivity", "Robustness of the first rank"),
    Section("doubt", "Doubt", "How far the answer can be trusted", needs="doubt"),
    Section("certainty", "Certainty", "Certainty of the evidence", needs="certainty"),
    Section("methods", "Methods", "Methods"),
    Section("prisma", "Checklists", "Checklists"),
    Section("versions", "Reproducibility", "Reproducibility"),
)
