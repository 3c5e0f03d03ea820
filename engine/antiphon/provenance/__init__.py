"""How anybody can tell what was made here, and how: the mark, its reader, takes' proof, credentials, the guard."""
