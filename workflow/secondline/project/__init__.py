"""What users write: the configuration, treatments, study sheets and tables of evidence, read and checked."""
