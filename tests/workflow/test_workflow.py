"""The real Snakefile: what runs, what runs again after an edit, and what a mistake leaves behind."""

import contextlib
import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from secondline.jobs.report_settings import figure_labels
from secondline.project.read import read_project
from secondline.report.page.folding import unfold
from secondline.report.words import Names
from secondline.tools.answer import answer

from tests.browser import WIDTHS, Page, assert_sound, chromium
from tests.first_screen import assert_answers
from tests.page_targets import assert_targets
from tests.prose import assert_prose, assert_sentences, said_on_the_terminal
from tests.robustness_lines import agrees, lines_of, row_of
from tests.workflow.conftest import ROOT, Project, copy_of
from tests.workflow.small import read_all
from tests.workflow.test_reports import report_and_tables

Again = Callable[[], Project]
OUTCOMES = ("os", "pfs", "discontinuation")
CONTRACT = {
    "evidence/effects.csv": "study,outcome,contrast_set,treatment_arm,comparator_arm,population,method,adjustment,"
    "assumed,log_effect,se,baseline_se,estimate,estimate_lower,estimate_upper,selected,source",
    "evidence/counts.csv": "study,outcome,criterion,arm,population,events,n,derived,selected,source",
    "evidence/arms.csv": "study,arm,n,regimen,weight",
    "evidence/settings.csv": "study,setting,weight",
    "evidence/characteristics.csv": "study,arm,population,characteristic,n,count,percent,median,lower,upper,interval,"
    "proportion,mean,sd,derivation,difference,flag,used,definition,note,source",
    "evidence/standardised_differences.csv": "characteristic,level,study_a,arm_a,study_b,arm_b,n_a,n_b,value_a,value_b,"
    "difference,se,flag",
    "evidence/transitivity.csv": "analysis,group,name,characteristic,kind,studies,of_studies,patients,value,lowest,"
    "lowest_study,highest,highest_study,partial,within,within_study,within_flag,between,between_studies,between_flag",
    "evidence/risk_of_bias.csv": "study,outcome,tool,domain,judgement,level,facts,support,place,judge,second_judge,"
    "agreement,direction,source",
    "evidence/indirectness.csv": "study,outcome,domain,judgement,level,facts,support,place,judge,second_judge,"
    "agreement,direction,source",
    "evidence/audit.csv": "study,item,check,severity,reported,recomputed,source,message,analyses",
    "evidence/sources.csv": "study,item,printed,place,status,line",
    "primary/decisive.csv": "outcome,setting,rank,kind,subject,what,first,runner_up,effect,sd,measured_by,alternative,"
    "alternative_label,declared_effect,other_effect,standard_errors,other_first,change,with_choice,with_level,with_first,"
    "first_order,total,share,table,row,place",
    "primary/os/network/edges.csv": "treatment,comparator,study,setting,weight,n",
    "primary/os/network/labels.csv": "setting,treatment,comparator,structure,mixed_direct",
    "primary/os/network/observed.csv": "setting,treatment,study,arm,population,n,regimen_share,setting_share,scale,"
    "unit,observed,observed_lower,observed_upper,interval,shown,source",
    "primary/os/pooled/absolute_effects.csv": "setting,treatment,scale,unit,mean,sd,median,lower,upper,absolute,"
    "absolute_lower,absolute_upper,absolute_mean,absolute_sd,evidence,reason,baseline,source,assumptions,interval,"
    "engine,converged",
    "primary/os/pooled/coefficients.csv": "parameter,mean,sd,median,lower,upper,prior,centre,contraction,"
    "prior_sensitivity,evidence,interval,engine,converged",
    "primary/os/inconsistency/degrees_of_freedom.csv": "kind,name,contrasts,effects,df,same_test,estimate,se,p_value,"
    "detectable",
    "primary/os/inconsistency/node_splits.csv": "treatment,comparator,evidence,measure,mean,sd,median,lower,upper,"
    "estimate,estimate_lower,estimate_upper,p_value,studies,assessable,reason,interval,converged,label,"
    "prior_sensitivity,same_test,multi_arm",
    "primary/os/pooled/relative_effects.csv": "setting,treatment,comparator,measure,mean,sd,median,lower,upper,"
    "estimate,estimate_lower,estimate_upper,predictive_lower,predictive_upper,p_better,p_margin,interval,evidence,contraction,"
    "prior_sensitivity,prior_sensitivity_error,prior_sensitivity_prior,engine,converged",
    "primary/os/pooled/ranking.csv": "setting,treatment,candidate,sucra,sucra_lower,sucra_upper,mean_rank,"
    "median_rank,rank_lower,rank_upper,p_best,poth,direction,evidence,candidate_sucra,candidate_sucra_lower,"
    "candidate_sucra_upper,candidate_mean_rank,candidate_median_rank,candidate_rank_lower,candidate_rank_upper,"
    "candidate_p_best,candidate_first_by,named_first,not_named,engine,converged",
    "primary/os/pooled/rank_probabilities.csv": "setting,treatment,rank,probability,error,engine",
    "primary/os/pooled/heterogeneity.csv": "parameter,mean,sd,median,lower,upper,prior,prior_overlap,engine",
    "primary/os/pooled/fit_statistics.csv": "data_points,residual_deviance,p_d,dic,elpd_loo,elpd_loo_se,p_loo,"
    "loo_method,studies,left_out",
    "primary/os/pooled/diagnostics.csv": "parameter,r_hat,ess_bulk,ess_tail,mcse_mean,mcse_mean_ratio,mcse_limit_ratio,"
    "divergences,converged,exact_check",
    "primary/os/pooled/exact_check.csv": "parameter,quantity,sampled,exact,mcse,exact_error,z,pareto_k,status",
    "primary/os/doubt/thresholds.csv": "setting,rule,study,arm,effect,se,first,lower,upper,lower_ratio,upper_ratio,"
    "lower_se,upper_se,lower_first,upper_first,inside_interval,inside_derivation,linear_lower,linear_upper,disagree,"
    "engine,error,reason",
    "primary/os/doubt/thresholds_joint.csv": "setting,rule,first,radius,linear_radius,new_first,study,arm,shift,"
    "shift_se,reason",
    "primary/os/doubt/unused_figures.csv": "study,kind,records,contrast_set,treatment_arm,comparator_arm,population,"
    "criterion,method,adjustment,assumed,effect,se,treatment_figure,comparator_figure,treatment_mix,comparator_mix,"
    "setting_mix,n_treatment,n_comparator,covariates,patients,reason,source",
    "primary/os/doubt/held_out.csv": "study,kind,records,contrast_set,treatment_arm,comparator_arm,population,"
    "criterion,method,adjustment,assumed,patients,scale,printed,se,predicted,effect_sd,predicted_sd,sd,z,p_value,"
    "printed_natural,predicted_natural,predicted_lower,predicted_upper,prior_driven,reason,source",
    "primary/os/doubt/additivity.csv": "kind,name,regimen_effects,component_effects,df,estimable,same_test,"
    "same_interactions,node_splits,estimate,sd,z,p_value,detectable,tau,estimator",
    "primary/os/doubt/next_study.csv": "setting,treatment,comparator,size,size_unit,variance,first,runner_up,p_better,"
    "unit,expected_loss_now,p_change,loss_avoided,loss_left,expected_loss_now_ratio,loss_avoided_ratio,loss_left_ratio,"
    "decisive,p_decisive,best,engine,reason",
    "primary/os/certainty/contributions.csv": "model,setting,treatment,comparator,study,share,share_lower,share_upper,"
    "weight,method",
    "primary/os/certainty/flows.csv": "hat_matrix,decomposition,treatment,comparator,direct_treatment,"
    "direct_comparator,study,share,tau,method",
    "primary/os/certainty/flow_effects.csv": "treatment,comparator,measure,effect,se,lower,upper,estimate,"
    "estimate_lower,estimate_upper,predictive_lower,predictive_upper,p_value,interval,tau,method",
    "primary/os/certainty/small_study.csv": "study,treatment,comparator,effect,se,comparison_studies,comparison_mean,"
    "centred_effect,tested,reason",
    "primary/os/certainty/small_study_test.csv": "method,slope,se,lower,upper,t,df,p_value,intercept,studies,"
    "comparisons,order,order_reason",
    "primary/os/certainty/weights.csv": "model,setting,treatment,comparator,study,treatment_arm,comparator_arm,weight,"
    "method",
    "primary/summary/ranking.csv": "outcome,model,setting,treatment,candidate,sucra,sucra_lower,sucra_upper,p_best,"
    "evidence,candidate_sucra,candidate_sucra_lower,"
    "candidate_sucra_upper,candidate_mean_rank,candidate_median_rank,candidate_rank_lower,candidate_rank_upper,"
    "candidate_p_best,candidate_first_by,named_first,not_named,engine,converged",
    "primary/summary/fits.csv": "outcome,model,converged,exact_check,engine,draws,min_ess_bulk,max_r_hat,"
    "mcse_mean_ratio,mcse_limit_ratio,divergences,versions",
    "summary/sensitivity.csv": "analysis,outcome,model,setting,treatment,comparator,estimate,estimate_lower,"
    "estimate_upper,p_better,sucra,p_best,candidate_sucra,candidate_p_best,named_first,not_named,evidence,engine,"
    "adjustment,evidence_digest",
    "primary/os/certainty/certainty.csv": (
        "setting,treatment,comparator,domain,version,judgement,by_rule,rule,rule_source,draws,differs_in_draws,"
        "other_versions,override,reason,judge,evidence,note,share_randomised,share_non_randomised,"
        "share_design_unknown,share_low,share_some,share_high,share_not_judged,share_prior,given,estimate,lower,"
        "upper,predictive_lower,predictive_upper,range_lower,range_upper,kind,direct_lower,direct_upper,"
        "indirect_lower,indirect_upper,p_split,p_design,start,within_study_bias,reporting_bias,indirectness,"
        "imprecision,heterogeneity,incoherence"
    ),
    "primary/os/certainty/studies_behind.csv": "model,setting,treatment,comparator,studies,participants,"
    "direct_studies,direct_participants,direct_share,prior_share,least_share",
    "primary/os/certainty/summary_of_findings.csv": "setting,treatment,comparator,studies,participants,direct_studies,"
    "direct_participants,direct_share,prior_share,measure,estimate,estimate_lower,estimate_upper,evidence,scale,unit,"
    "without,without_lower,without_upper,without_not_given,with,with_lower,with_upper,with_not_given,certainty,reasons,"
    "other_certainty_in_draws,override,interval,engine,converged",
    "primary/summary/prisma_nma.csv": "item,section,topic,asks,status,report,tables,still_needed",
    "primary/summary/rob_nma.csv": "item,section,topic,status,shows,report,tables",
    "primary/summary/nice_tsd7.csv": "item,section,topic,status,shows,report,tables",
}


def table(project: Project, file: str) -> list[dict[str, str]]:
    """Read a table of a finished project."""
    with (project.folder / "results" / file).open(newline="") as handle:
        return list(csv.DictReader(handle))


def downstream(outcome: str, *analyses: str) -> set[str]:
    """Jobs that follow from new evidence on an outcome."""
    per_outcome = ["build_evidence", "fit_models", "summarise_models"]
    per_analysis = ["summarise_analysis", "write_report"]
    return {
        *(f"{rule} {analysis}/{outcome}" for rule in per_outcome for analysis in analyses),
        *(f"{rule} {analysis}/{outcome}" for analysis in analyses for rule in PLOT[analysis]),
        *(f"{rule} {analysis}" for rule in per_analysis for analysis in analyses),
        *(f"plot_analysis_{analysis}" for analysis in analyses),
    }


PLOT = {"primary": ["plot_outcome_and_inconsistency"], "four_cohorts": ["plot_outcome"]}
PLOTS = {rule for rules in PLOT.values() for rule in rules}
POPULATIONS = {"plot_populations", "plot_populations_for_papers primary"}
COMMON = {"compare_analyses", "list_decisive", "write_manifest"}
PLOT_ANALYSES = {f"plot_analysis_{analysis}" for analysis in PLOT}
OF_OS = {
    "gather_evidence",
    "verify_sources",
    "leave_one_out os",
    "assess_inconsistency os",
    "list_derivation os",
    "find_thresholds os",
    "assess_held_out os",
    "trace_contributions os",
    "divide_flows os",
    "compare_small_studies os",
    "export_cinema_os",
    "judge_certainty os",
    "list_studies_behind os",
    "summarise_findings os",
    "plot_certainty_os",
    "write_findings",
    "export_models primary/os",
    "value_next_study os",
    "plot_doubt_primary_os",
}
EVERY_REPORT = {"write_report primary", "write_report four_cohorts"}


@pytest.mark.parametrize("file", CONTRACT)
def test_contract_columns(finished: Project, file: str) -> None:
    """Every table of the contract is there with its columns and with rows."""
    text = (finished.folder / "results" / file).read_text().splitlines()
    assert text[0] == CONTRACT[file]
    assert len(text) > 1 or file.endswith("/small_study.csv")  # no order of the treatments is declared


def test_consistency_has_one_deviance(finished: Project) -> None:
    """The deviance and the DIC beside unrelated mean effects are those of the headline model's own fit."""
    (own,) = table(finished, "primary/os/pooled/fit_statistics.csv")
    beside = table(finished, "primary/os/inconsistency/fit_statistics.csv")[0]
    assert beside["model"] == "consistency"
    assert {key: beside[key] for key in own} == own


def test_nothing_is_left_in_the_temporary_folder(finished: Project) -> None:
    """Neither of a job nor of the run: PyTensor would leave the source of every compiled function."""
    assert not [*finished.temporary.iterdir()]


def test_every_fit_is_complete(finished: Project) -> None:
    """Every analysis, outcome and model has its files; figures and reports are there."""
    for analysis, outcome in [*(("primary", o) for o in OUTCOMES), ("four_cohorts", "pfs")]:
        for model in ("fixed", "pooled", "setting"):
            folder = finished.folder / "results" / analysis / outcome / model
            figures = ["figures/forest.svg"] if model == "pooled" else []
            for name in ("posterior.nc", "league_table.csv", "heterogeneity.csv", *figures):
                assert (folder / name).stat().st_size > 0, folder / name
    assert (finished.folder / "results/primary/report.html").stat().st_size > 10_000
    for analysis in ("primary", "four_cohorts"):
        papers = ["summary/absolute_pfs.png", "summary/pair_os_pfs.pdf"] if analysis == "primary" else []
        for file in ("summary/populations.svg", "tables.xlsx", "league_tables.docx", *papers):
            assert (finished.folder / "results" / analysis / file).stat().st_size > 10_000, file
        assert (finished.folder / f"results/{analysis}/pfs/pooled/draws.csv.gz").stat().st_size > 10_000
        timings = (finished.folder / f"results/{analysis}/pfs/timings.csv").read_text().splitlines()
        assert timings[0] == "analysis,outcome,model,import_s,compile_s,sampling_s,other_s"
        assert len(timings) == 1 + 3


@pytest.mark.parametrize(("analysis", "statements"), [("primary", 60), ("four_cohorts", 20)])
def test_prose_of_the_shipped_network(finished: Project, analysis: str, statements: int) -> None:
    """Sentences, cards, counts and captions."""
    assert assert_prose(*report_and_tables(finished, "config/config.yaml", analysis)) >= statements


def test_lines_of_robustness_have_the_figures_of_their_tables(finished: Project) -> None:
    """Every line names its table and the line there, whose estimate it prints."""
    results = finished.folder / "results"
    lines = list(lines_of((results / "primary/report.html").read_text(encoding="utf-8")))
    lines = [
        (name if name.startswith("summary/") else f"primary/{name}", line, estimate) for name, line, estimate in lines
    ]
    assert len({table for table, _, _ in lines}) > 1
    wrong = [(*line, row) for line in lines if not agrees(line[2], row := row_of(results / line[0], line[1]), True)]
    assert len(lines) >= 9 and not wrong


def test_terminal_of_the_shipped_network(finished: Project) -> None:
    """Every number that `secondline answer` prints is its table's."""
    _, tables = report_and_tables(finished, "config/config.yaml", "primary")
    with contextlib.chdir(finished.folder):
        spoken = said_on_the_terminal(answer(read_project(Path("config/config.yaml"))), tables.labels)
        assert assert_sentences(spoken, tables) >= 30


def asks_by_setting(page: Page) -> None:
    """Ask for another setting and outcome: one answer, its tables, and an address that restores both."""
    page.ask(setting="lenvatinib_failure", outcome="pfs")
    assert page.window.locator(".answer:not(.off)").get_attribute("data-place") == "After lenvatinib"
    assert page.shown("#section-benefit [data-setting='After lenvatinib'] table") == 1
    assert page.shown("#section-benefit table") == 1
    address = page.address + page.run("() => location.hash")
    page.window.goto("about:blank")
    page.window.goto(address)
    assert page.window.locator(".ask input[value=lenvatinib_failure]").is_checked()
    assert page.window.locator(".ask input[value=pfs]").is_checked()
    page.window.close()


def test_shipped_report_in_a_browser(finished: Project) -> None:
    """Quiet, complete, accessible, painted in time; small enough to be sent."""
    file = finished.folder / "results/primary/report.html"
    with contextlib.chdir(finished.folder):
        names = Names(figure_labels(read_project(Path("config/config.yaml"))), "primary", "os", "pooled")
    with chromium() as browser:
        assert_targets(browser, file, "shipped")
        ranked = [row for row in table(finished, "primary/os/pooled/ranking.csv") if row["candidate"] == "true"]
        candidates: dict[str, list[str]] = {}
        for row in ranked:
            if row["setting"] != "overall":
                candidates.setdefault(names.place(row["setting"]), []).append(names.regimen(row["treatment"]))
        assert_answers(Page(browser, file), file.read_text(encoding="utf-8"), "os", candidates, "ae_grade3" in OUTCOMES)
        asks_by_setting(Page(browser, file))
        for width in WIDTHS:
            assert_sound(Page(browser, file, width), folded=True)


def test_fits_agree_with_the_exact_engine(finished: Project) -> None:
    """Every check of every fit within four standard errors, and every fit converged."""
    for outcome in OUTCOMES:
        for model in ("fixed", "pooled", "setting"):
            rows = table(finished, f"primary/{outcome}/{model}/exact_check.csv")
            assert max(abs(float(row["z"])) for row in rows) < 4
            assert all(
                row["converged"] == "true" for row in table(finished, f"primary/{outcome}/{model}/diagnostics.csv")
            )


def test_excluded_study_is_listed_with_its_reason(finished: Project) -> None:
    """A study that an analysis leaves out stays visible in its evidence."""
    rows = {row["study"]: row for row in table(finished, "four_cohorts/pfs/evidence.csv")}
    assert rows["nanchang_2023"]["used"] == "false"
    assert "overlap" in rows["nanchang_2023"]["reason"]


def test_analyses_of_the_exact_engine_have_no_fits(tmp_path: Path) -> None:
    """Evidence and contrasts, nothing else: no draws, figures or report; all others are not solved instead."""
    planned = copy_of(ROOT, tmp_path).planned()
    exact = {"nanchang_2022_as_printed", "nanchang_2022_medians", "ditan_2022_medians"}
    theirs = {job for job in planned if any(name in job for name in exact)}
    assert theirs == {
        f"{rule} {a}/{o}" for rule in ("build_evidence", "solve_exactly") for a in exact for o in ("os", "pfs")
    }
    assert {job for job in planned if job.startswith("solve_exactly")} <= theirs


def test_leave_one_out_covers_every_study(finished: Project) -> None:
    """The sensitivity table holds every analysis and every study left out."""
    analyses = {row["analysis"] for row in table(finished, "summary/sensitivity.csv") if row["outcome"] == "pfs"}
    studies = ("ditan_2022", "ditan_2025", "nanchang_2022", "nanchang_2023", "severance_2024")
    assert analyses == {"primary", "four_cohorts", *(f"primary_without_{study}" for study in studies)}


def test_every_estimate_says_how_many_studies_are_adjusted(finished: Project) -> None:
    """As the evidence of its fit has them, without the study left out; counts are crude."""
    flags = {(row["analysis"], row["outcome"]): row["adjustment"] for row in table(finished, "summary/sensitivity.csv")}
    evidence = table(finished, "primary/pfs/evidence.csv")
    assert {row["study"]: row["adjustment"] for row in evidence}["nanchang_2023"] == "crude"
    assert flags["primary", "pfs"] == "adjusted:4 crude:1"
    assert flags["primary_without_nanchang_2023", "pfs"] == flags["four_cohorts", "pfs"] == "adjusted:4"
    assert flags["primary_without_ditan_2022", "pfs"] == "adjusted:3 crude:1"
    arms = [row for row in table(finished, "primary/discontinuation/evidence.csv") if row["used"] == "true"]
    assert flags["primary", "discontinuation"] == f"crude:{len({row['study'] for row in arms})}"


def test_snakemake_reports_provenance_without_a_network(again: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every analysis a category, every figure and table of it with its caption, and no address asked for anything."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    project = again()
    done = project.snakemake("--report", "provenance.html")
    assert done.returncode == 0, done.stderr[-3000:]
    page = (project.folder / "provenance.html").read_text(encoding="utf-8")
    for words in (
        "Provenance of a Bayesian network meta-analysis",
        "primary",
        "four_cohorts",
        "pfs, tables",
        "Thick bars are 95% equal-tailed credible intervals",
        "Each treatment (row) against every other (column)",
        "in one file: rankings and the strength of their evidence",
        "where each item is answered",
    ):
        assert words in page, words


def test_headline_results(finished: Project) -> None:
    """The published reading of the primary PFS network, within Monte Carlo error."""
    rows = table(finished, "primary/pfs/pooled/relative_effects.csv")
    cells = {(r["setting"], r["treatment"], r["comparator"]): r for r in rows}
    effect = cells["overall", "regorafenib", "sorafenib"]
    assert float(effect["estimate"]) == pytest.approx(0.295, abs=0.03)
    assert effect["evidence"] == "indirect"
    assert cells["atezolizumab_bevacizumab_failure", "lenvatinib", "sorafenib"]["evidence"] == "direct"
    assert cells["sorafenib_failure", "regorafenib", "sorafenib"]["evidence"] == "extrapolated"
    best = max(table(finished, "primary/pfs/pooled/ranking.csv"), key=lambda r: float(r["p_best"]))
    assert best["treatment"] == "regorafenib_ici"
    assert float(best["p_best"]) == pytest.approx(0.83, abs=0.05)


def test_nothing_to_be_done(again: Again) -> None:
    """A second run has nothing to do."""
    done = again().snakemake("-n")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_editing_one_outcome_reruns_that_outcome_only(again: Again) -> None:
    """A new hazard ratio for OS: the OS jobs, and what lays outcomes side by side."""
    project = again()
    project.edit("config/studies/ditan_2022.yaml", "value: 0.28,", "value: 0.29,")
    project.edit("config/studies/ditan_2022.yaml", '"0.28 (0.16–0.51)"', '"0.29 (0.16–0.51)"')
    expected = downstream("os", "primary") | COMMON | EVERY_REPORT | OF_OS
    assert project.planned() == expected


def test_editing_a_label_reruns_no_fit(again: Again) -> None:
    """Labels reach figures and reports only."""
    project = again()
    project.edit("config/treatments.yaml", "label: Regorafenib + ICI", "label: Regorafenib with ICI")
    rules = {job.split()[0] for job in project.planned()}
    of_certainty = {"write_findings", *(f"plot_certainty_{outcome}" for outcome in OUTCOMES)}
    of_doubt = {f"plot_doubt_primary_{outcome}" for outcome in ("os", "pfs")}
    drawn = {*PLOTS, *PLOT_ANALYSES, *of_certainty, *of_doubt}
    assert rules == {"gather_evidence", "list_decisive", "write_manifest", "write_report", *drawn}


def test_figures_of_another_analysis_are_for_papers_when_asked_for(finished: Project) -> None:
    """By name, without a figure of the page drawn anew; those of the first analysis are there."""
    for file, rule in {
        "pfs/pooled/figures/forest.pdf": "plot_outcome_for_papers four_cohorts/pfs",
        "pfs/network/network.txt": "plot_outcome_for_papers four_cohorts/pfs",
        "pfs/fixed/figures/forest.svg": "plot_other_models four_cohorts/pfs",
        "summary/sucra.png": "plot_analysis_four_cohorts_for_papers",
        "summary/populations.pdf": "plot_populations_for_papers four_cohorts",
    }.items():
        assert not (finished.folder / "results/four_cohorts" / file).exists()
        assert (finished.folder / "results/primary" / file).exists() != (rule.startswith("plot_other_models"))
        assert finished.planned("--cores", "1", f"results/four_cohorts/{file}") == {rule}


def test_editing_a_margin_reruns_no_fit(again: Again) -> None:
    """The clinically relevant margin of one outcome reaches its summaries, not its fits."""
    project = again()
    project.edit(
        "config/config.yaml",
        "better: lower, margin: 0.80, prior: log_hr}",
        "better: lower, margin: 0.85, prior: log_hr}",
    )
    rules = {job.split()[0] for job in project.planned()}
    assert "fit_models" not in rules
    assert "build_evidence" not in rules
    assert "summarise_models" in rules


def test_editing_a_prior_reruns_the_fits_that_use_it(again: Again) -> None:
    """A prior of count outcomes leaves OS and PFS alone."""
    project = again()
    project.edit("config/config.yaml", "log_or: {effect: 1.5", "log_or: {effect: 1.4")
    fits = {job for job in project.planned() if job.startswith("fit_models")}
    assert fits == {"fit_models primary/discontinuation"}


def test_editing_a_module_reruns_what_uses_it(again: Again) -> None:
    """The ranking module is used by summaries, not by fits; the quadrature by fits."""
    project = again()
    project.edit("workflow/secondline/summaries/ranking.py", '"""The ranking of a fit', '"""Ranking of a fit')
    rules = {job.split()[0] for job in project.planned()}
    assert "summarise_models" in rules
    assert not rules & {"fit_models", "build_evidence", "gather_evidence"}
    project.edit(
        "workflow/secondline/inference/kernels/study_integral.py",
        '"""Likelihood of counts',
        '"""The likelihood of counts',
    )
    assert "fit_models" in {job.split()[0] for job in project.planned()}


NUMBERS = {
    "fit_models",
    "summarise_models",
    "summarise_analysis",
    "leave_one_out",
    "find_thresholds",
    "assess_held_out",
    "trace_contributions",
    "divide_flows",
    "compare_small_studies",
    *(f"export_cinema_{outcome}" for outcome in OUTCOMES),
    "judge_certainty",
    "list_studies_behind",
    "summarise_findings",
    "value_next_study",
    "export_models",
    "solve_exactly",
    "assess_inconsistency",
    "compare_analyses",
}
FIGURES = {*PLOTS, *PLOT_ANALYSES, *(f"plot_certainty_{outcome}" for outcome in OUTCOMES)}
FIGURES |= {job.split()[0] for job in POPULATIONS}
FIGURES |= {f"plot_doubt_primary_{outcome}" for outcome in ("os", "pfs")}


def append_to_docstring(project: Project, module: str) -> None:
    """Change one word of the docstring of a module."""
    file = project.folder / "workflow/secondline" / module
    head, quotes, rest = file.read_text(encoding="utf-8").partition('"""')
    assert not head
    file.write_text(f"{quotes}Reworded: {rest}", encoding="utf-8")


def test_a_word_in_what_users_write_reruns_no_number_and_no_figure(again: Again) -> None:
    """The docstrings of every module of project/ are behind gathered evidence, checks and reports, and nothing else."""
    project = again()
    folder = ROOT / "workflow/secondline/project"
    for file in sorted(folder.rglob("*.py")):
        append_to_docstring(project, f"project/{file.relative_to(folder)}")
    rules = {job.split()[0] for job in project.planned()}
    assert "gather_evidence" in rules
    assert not rules & (NUMBERS | FIGURES)


def test_a_word_in_the_engine_reruns_no_evidence_and_no_check(again: Again) -> None:
    """The docstrings of every module of inference/ stand behind fits, not behind evidence, its audit or the sources."""
    project = again()
    folder = ROOT / "workflow/secondline/inference"
    for file in sorted(folder.rglob("*.py")):
        append_to_docstring(project, f"inference/{file.relative_to(folder)}")
    rules = {job.split()[0] for job in project.planned()}
    assert "fit_models" in rules
    assert not rules & {"build_evidence", "gather_evidence", "verify_sources"}


SIXTH = """\
study: smith_2027
bibliography: {authors: Smith A, title: Invented, journal: Journal of Examples, year: 2027}
design: retrospective_cohort
site: Example Hospital
enrolment: {start: 2020-01, end: 2024-12, printed: January 2020 to December 2024, place: Methods}
failed_first_line:
  - {setting: lenvatinib_failure, n: 100, printed: "100", place: Methods}
arms:
  a: {label: Regorafenib, n: 50, printed: n = 50, place: Table 1, regimens: {regorafenib: 50}}
  b: {label: Sorafenib, n: 50, printed: n = 50, place: Table 1, regimens: {sorafenib: 50}}
contrast_sets:
  arms: {arms: [a, b], comparator: b}
hazard_ratios:
  - {outcome: os, treatment: a, comparator: b, adjustment: crude, value: 0.8, lower: 0.5, upper: 1.28,
     printed: "0.8 (0.5-1.28)", place: Table 2}
"""


def test_a_sixth_study_reruns_the_outcome_it_reports(again: Again) -> None:
    """A sheet that reports OS alone leaves every other outcome as it is; that it describes no patients is shown."""
    project = again()
    (project.folder / "config/studies/smith_2027.yaml").write_text(SIXTH)
    expected = downstream("os", "primary") | COMMON | EVERY_REPORT | OF_OS | {"list_held_out os"}
    assert project.planned() == expected | {"describe_patients"} | POPULATIONS


def test_a_copy_of_a_paper_reruns_no_fit(again: Again) -> None:
    """A paper put into sources/ is read, and the reports say so; nothing else runs."""
    project = again()
    (project.folder / "sources").mkdir()
    (project.folder / "sources/ditan_2022.txt").write_text("Results\n93 eligible patients\n")
    assert project.planned() == {"verify_sources", *EVERY_REPORT}
    report = project.folder / "results/primary/report.html"
    assert "Not verified: no copies of the papers" in unfold(report.read_text())
    done = project.snakemake("--cores", "2")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Not verified (no copy of the paper): Yin 2025" in unfold(report.read_text())


def test_a_mistake_is_one_line_and_leaves_results_alone(again: Again) -> None:
    """Exit status 2, one line, results untouched."""
    project = again()
    before = snapshot(project.folder / "results")
    project.edit("config/studies/ditan_2022.yaml", "lenvatinib: 34", "lenvatinb: 34")
    done = project.snakemake("--cores", "2")
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Using workflow specific profile")]
    assert len(lines) == 1
    assert "config/studies/ditan_2022.yaml" in lines[0]
    assert "lenvatinb" in lines[0]
    assert "allowed: sorafenib" in lines[0]
    assert snapshot(project.folder / "results") == before


def snapshot(folder: Path) -> dict[str, tuple[int, float]]:
    """Size and modification time of every file."""
    return {str(f): (f.stat().st_size, f.stat().st_mtime) for f in folder.rglob("*") if f.is_file()}


def test_dry_run_needs_no_heavy_import(finished: Project) -> None:
    """The Snakefile imports neither PyMC nor ArviZ, numba, matplotlib or SciPy's statistics."""
    import subprocess
    import sys

    program = (
        "import sys; from secondline.jobs.start import open_project;"
        "import secondline.jobs.settings, secondline.jobs.provenance; open_project([]);"
        "print([m for m in ('pymc','arviz','numba','matplotlib','pytensor','scipy.stats') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=finished.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(finished: Project, tmp_path: Path) -> None:
    """Same seed, cold compile cache: files of every kind are byte-identical, but for the seconds that fits took."""
    from tests.workflow.conftest import copy_of

    project = copy_of(finished.folder, tmp_path / "cold")
    done = project.snakemake("--cores", "2", cache=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = read_all(finished), read_all(project)
    kinds = {".csv", ".gz", ".nc", ".svg", ".pdf", ".png", ".txt", ".html", ".xlsx", ".docx"}
    assert {Path(name).suffix for name in first} == kinds
    assert list(first) == list(second)
    assert [name for name, content in first.items() if second[name] != content] == []
