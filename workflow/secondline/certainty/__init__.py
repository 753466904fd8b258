"""How certain the results are: which studies carry them, and what speaks against relying on them."""
