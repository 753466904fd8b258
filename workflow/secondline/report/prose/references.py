"""The literature that the methods text cites, and its numbering in the order of citation."""

import re
from collections.abc import Sequence

REFERENCES = {
    "altman1998": "Altman DG. Confidence intervals for the number needed to treat. BMJ 1998;317:1309-1312.",
    "austin2009": "Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between "
    "treatment groups in propensity-score matched samples. Stat Med 2009;28:3083-3107.",
    "dias2010": "Dias S, Welton NJ, Caldwell DM, Ades AE. Checking consistency in mixed treatment comparison "
    "meta-analysis. Stat Med 2010;29:932-944.",
    "dias2013b": "Dias S, Sutton AJ, Ades AE, Welton NJ. Evidence synthesis for decision making 2: a generalized "
    "linear modeling framework for pairwise and network meta-analysis of randomized controlled trials. Med Decis "
    "Making 2013;33:607-617.",
    "dias2013d": "Dias S, Welton NJ, Sutton AJ, Caldwell DM, Lu G, Ades AE. Evidence synthesis for decision making 4: "
    "inconsistency in networks of evidence based on randomized controlled trials. Med Decis Making 2013;33:641-656.",
    "dias2013e": "Dias S, Welton NJ, Sutton AJ, Ades AE. Evidence synthesis for decision making 5: the baseline "
    "natural history model. Med Decis Making 2013;33:657-670.",
    "gleser2009": "Gleser LJ, Olkin I. Stochastically dependent effect sizes. In: Cooper H, Hedges LV, Valentine JC "
    "(eds). The handbook of research synthesis and meta-analysis, 2nd ed. New York: Russell Sage Foundation, 2009, "
    "pp. 357-376.",
    "guyot2012": "Guyot P, Ades AE, Ouwens MJNM, Welton NJ. Enhanced secondary analysis of survival data: "
    "reconstructing the data from published Kaplan-Meier survival curves. BMC Med Res Methodol 2012;12:9.",
    "hedges1981": "Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. J Educ "
    "Stat 1981;6:107-128.",
    "higgins1996": "Higgins JPT, Whitehead A. Borrowing strength from external trials in a meta-analysis. Stat Med "
    "1996;15:2733-2749.",
    "hoffman2014": "Hoffman MD, Gelman A. The No-U-Turn sampler: adaptively setting path lengths in Hamiltonian Monte "
    "Carlo. J Mach Learn Res 2014;15:1593-1623.",
    "hutton2015": "Hutton B, Salanti G, Caldwell DM, et al. The PRISMA extension statement for reporting of "
    "systematic reviews incorporating network meta-analyses of health care interventions: checklist and "
    "explanations. Ann Intern Med 2015;162:777-784.",
    "krahn2013": "Krahn U, Binder H, König J. A graphical tool for locating inconsistency in network meta-analyses. "
    "BMC Med Res Methodol 2013;13:35.",
    "molder2021": "Mölder F, Jablonski KP, Letcher B, et al. Sustainable data analysis with Snakemake. F1000Research "
    "2021;10:33.",
    "parmar1998": "Parmar MKB, Torri V, Stewart L. Extracting summary statistics to perform meta-analyses of the "
    "published literature for survival endpoints. Stat Med 1998;17:2815-2834.",
    "pinheiro1995": "Pinheiro JC, Bates DM. Approximations to the log-likelihood function in the nonlinear "
    "mixed-effects model. J Comput Graph Stat 1995;4:12-35.",
    "pymc2023": "Abril-Pla O, Andreani V, Carroll C, et al. PyMC: a modern, and comprehensive probabilistic "
    "programming framework in Python. PeerJ Comput Sci 2023;9:e1516.",
    "rucker2015": "Rücker G, Schwarzer G. Ranking treatments in frequentist network meta-analysis works without "
    "resampling methods. BMC Med Res Methodol 2015;15:58.",
    "rucker2020": "Rücker G, Petropoulou M, Schwarzer G. Network meta-analysis of multicomponent interventions. Biom J "
    "2020;62:808-821.",
    "salanti2011": "Salanti G, Ades AE, Ioannidis JPA. Graphical methods and numerical summaries for presenting "
    "results from multiple-treatment meta-analysis: an overview and tutorial. J Clin Epidemiol 2011;64:163-171.",
    "spiegelhalter2002": "Spiegelhalter DJ, Best NG, Carlin BP, van der Linde A. Bayesian measures of model "
    "complexity and fit. J R Stat Soc B 2002;64:583-639.",
    "tierney2007": "Tierney JF, Stewart LA, Ghersi D, Burdett S, Sydes MR. Practical methods for incorporating summary "
    "time-to-event data into meta-analysis. Trials 2007;8:16.",
    "turner2009": "Turner RM, Spiegelhalter DJ, Smith GCS, Thompson SG. Bias modelling in evidence synthesis. J R Stat "
    "Soc A 2009;172:21-47.",
    "valkenhoef2016": "van Valkenhoef G, Dias S, Ades AE, Welton NJ. Automated generation of node-splitting models for "
    "assessment of inconsistency in network meta-analysis. Res Synth Methods 2016;7:80-93.",
    "vehtari2017": "Vehtari A, Gelman A, Gabry J. Practical Bayesian model evaluation using leave-one-out "
    "cross-validation and WAIC. Stat Comput 2017;27:1413-1432.",
    "vehtari2021": "Vehtari A, Gelman A, Simpson D, Carpenter B, Bürkner PC. Rank-normalization, folding, and "
    "localization: an improved R-hat for assessing convergence of MCMC. Bayesian Anal 2021;16:667-718.",
    "welton2009": "Welton NJ, Caldwell DM, Adamopoulos E, Vedhara K. Mixed treatment comparison meta-analysis of "
    "complex interventions: psychological interventions in coronary heart disease. Am J Epidemiol 2009;169:1158-1165.",
    "wigle2025": "Wigle A, Béliveau A, Salanti G, et al. Precision of treatment hierarchy: a metric for quantifying "
    "certainty in treatment hierarchies from network meta-analysis. arXiv:2501.11596, 2025.",
}
_CITATION = re.compile(r"\[@([a-z0-9]+(?:; @[a-z0-9]+)*)\]")


def number_citations(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Turn citations such as ``[@parmar1998; @tierney2007]`` into numbers, and list their references in order."""
    order: dict[str, int] = {}

    def numbered(match: "re.Match[str]") -> str:
        numbers = [order.setdefault(key, len(order) + 1) for key in match[1].split("; @")]
        return f"[{','.join(map(str, sorted(numbers)))}]"

    shown = [_CITATION.sub(numbered, text) for text in texts]
    return shown, [REFERENCES[key] for key in order]
