"""Kipoi plugin for transcription factor binding: models, prediction, variant effects, a model zoo.

What scripts need stands here, and is imported when it is asked for; more of it in the rooms (`kipoi_tfb.zoo`,
`kipoi_tfb.variants`, ...). Modules within a room are internal and may move.
"""

import lazy_loader

__version__ = "0.1.0"

# Kipoi finds the classes that a model.yaml names by importing this package and asking for one attribute after the
# other: `dataloaders` and `serving` are imported when it does.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
