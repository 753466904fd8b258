# Every figure of the sheets against the user's own copies of the papers.
from secondline.jobs.script import mistakes_in_one_line
from secondline.sources.verify import find_copies

with mistakes_in_one_line():
    COPIES = [str(file) for file in find_copies(project).values()]

if project.sheets:

    rule verify_sources:
        input:
            sheets=settings.sheet_files(project),
            copies=COPIES,
        output:
            f"{project.config.shared_results}/evidence/sources.csv",
        log:
            "logs/evidence/verify_sources.log",
        localrule: True
        conda:
            "../../envs/secondline.yaml"
        params:
            config=OPENED.copy,
            code=code_behind("verify_sources"),
        script:
            "../../scripts/verify_sources.py"
