"""The front door: the engine as a library, from data frames to the tables of the pipeline."""
