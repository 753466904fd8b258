"""What changed between two runs, and why: their conclusions as data, their numbers, and what caused a change."""
