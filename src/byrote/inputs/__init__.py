"""Inputs: from files that people have (tables, folders of pictures, series, texts) to a task, with what was inferred."""
