# Every figure of the sheets against the user's own copies of the papers.
from nma.job import mistakes_in_one_line
from nma.sources.verify import find_copies

with mistakes_in_one_line():
    COPIES = [str(file) for file in find_copies(project).values()]

if project.sheets:

    localrules:
        verify_sources,

    rule verify_sources:
        input:
            sheets=plan.sheet_files(project),
            copies=COPIES,
        output:
            f"{project.config.shared_results}/evidence/sources.csv",
        log:
            "logs/evidence/verify_sources.log",
        conda:
            "../../envs/nma.yaml"
        params:
            config=str(CONFIG),
            code=code_digest(Path("scripts/verify_sources.py")),
        script:
            "../../scripts/verify_sources.py"
