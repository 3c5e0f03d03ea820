"""Control surfaces: they turn what arrives into Events, by the parameter table, and never see the engine."""
