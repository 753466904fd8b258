"""secondline: Bayesian network meta-analysis from study sheets to ranked treatments."""
