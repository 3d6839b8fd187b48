"""Sections: the parts of the page, each a frozen value that its template shows, or the reason why it is absent."""
