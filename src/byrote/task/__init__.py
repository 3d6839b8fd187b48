"""Task: what an audit is about. Examples, recipe, model, design, canaries."""
