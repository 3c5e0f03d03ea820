"""Training of bundles. Needs the `[train]` extra; nothing outside this package imports it."""
