"""The page of an analysis, put together."""
