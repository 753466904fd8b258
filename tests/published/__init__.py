"""Published results as regression tests."""
