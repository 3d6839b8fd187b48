"""Other libraries and file formats: the only place where optional extras are imported."""
