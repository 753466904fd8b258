# Every figure of the sheets against the user's own copies of the papers.
from nma.sources.verify import find_copies

if project.sheets:

    localrules:
        verify_sources,

    rule verify_sources:
        input:
            sheets=plan.sheet_files(project),
            copies=[str(file) for file in find_copies(project).values()],
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
