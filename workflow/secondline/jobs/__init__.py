"""The rules of the workflow: from files to functions and back, and nothing else."""
