"""Figures and the report: made from the tables in results/ and nothing else."""
