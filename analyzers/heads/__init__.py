"""What a model's raw numbers mean: one module per head that needs more than a copy.

Nothing here knows a runtime. Each interpreter is made from the model's manifest, so that a model of
another shape is refused (`OutputMismatch`) and never misread.
"""
