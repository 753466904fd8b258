"""Which tables and figures a run writes, by the folders of results/."""

HEADLINE_TABLES = ("rank_probabilities", "league_table", "mixtures", "absolute_effects", "conversions")
MODEL_TABLES = (
    "ranking",
    "relative_effects",
    "coefficients",
    "heterogeneity",
    "fit_statistics",
    "exact_check",
    "data_points",
    "loo",
)
TWIN_TABLES = ("relative_effects", "ranking", "heterogeneity")  # of the frequentist twin
INCONSISTENCY_TABLES = ("node_splits", "unrelated_effects", "fit_statistics", "degrees_of_freedom", "data_points")
INCONSISTENCY_FIGURES = ("node_splits", "dev_dev")
SPECIFICATION_TABLES = (  # of doubt/, in the order in which they are written
    "specifications.csv.gz",
    "specification_levels.csv",
    "specification_shares.csv",
    "specification_flips.csv",
    "specification_counts.csv",
    "specification_steps.csv",
)
OVERLAP_TABLE = "overlap"  # under doubt/
THRESHOLD_TABLES = ("thresholds", "thresholds_joint")  # of doubt/
HELD_OUT_TABLES = ("held_out", "additivity")
BIAS_TABLES = ("bias_fan", "bias_tipping", "e_values")  # under doubt/: two over the size of a bias first
NEXT_STUDY_TABLE = "next_study"  # of doubt/
PRIOR_FAN_TABLE = "prior_fan"  # of doubt/
CERTAINTY_TABLE = "certainty"  # of certainty/
DECISIVE_TABLE = "decisive"  # of the analysis that the others vary, over its outcomes
CONTRIBUTION_TABLES = ("contributions", "weights")  # of certainty/
FINDINGS_DOCUMENT = "summary_of_findings.docx"  # of the analysis that the others vary
CERTAINTY_FIGURES = ("contributions", "risk_of_bias")
BEHIND_TABLE = "studies_behind"  # of certainty/
FINDINGS_TABLE = "summary_of_findings"  # of certainty/
SMALL_STUDY_TABLES = ("small_study", "small_study_test")  # of certainty/
FUNNEL = "small_study"  # the figure of them, where there are enough studies
FLOW_TABLES = ("flows", "flow_effects")  # of certainty/
CINEMA_TABLE = "cinema_rows"  # of certainty/: what of the evidence is in the project file of CINeMA
CINEMA_PROJECT = "cinema.cnm"  # of certainty/, where CINeMA's file can hold the evidence
PAGE_MODELS = "page_models.json"  # of every outcome of contrasts or means
PICO_TABLE = "pico"  # of every analysis with fits, where questions of an assessment are declared
CHECKLIST_TABLES = ("rob_nma", "nice_tsd7")  # of summary/: those that a person answers
POPULATION_TABLES = ("characteristics", "standardised_differences")  # what the figure of the patients shows
MANIFEST = "summary/manifest.json"  # of a run: what it was made from, and what it concludes
SOLVED_DRAWS = 10_000  # behind the ranks and limits of what summary/sensitivity.csv has from the exact engine
RANK_SEQUENCES, RANK_POINTS_LOG2 = 8, 15
"""Scrambled Sobol sequences behind the ranks of an exact posterior, and the binary logarithm of their lengths."""
RANKED = ("sucra", "p_best", "candidate_sucra", "candidate_p_best", "named_first", "not_named")
"""Columns of a ranking that the workbook shows beside the effects."""
