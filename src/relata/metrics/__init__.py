"""Pure functions from predictions and gold to numbers: no files, no models.

`graphs` and `labels` bring scene graphs into the form that `matching` compares and `recall` counts; `choice` scores
multiple choice; `interval` tells how far a number can be trusted.
"""
