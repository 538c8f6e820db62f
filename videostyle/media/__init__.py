"""Files ↔ frames: the only rooms that import av, and PIL for stills."""
