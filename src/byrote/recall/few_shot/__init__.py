"""Few-shot learners: from a labelled support and queries to scores of the classes, one file for each."""
