"""Files ↔ frames: the only room that imports PyAV, and Pillow for stills."""
