"""Formats of other tools that scenes are written to. One file per format; `label_studio.py` is `label_studio`."""
