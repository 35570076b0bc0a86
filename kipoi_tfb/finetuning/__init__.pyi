from .arms import ARMS
from .config import FinetuneConfig, make_config
from .data import FinetuneData, from_binding_matrix, from_peaks
from .group import finetune_group
from .job import finetune

__all__ = [
    "ARMS",
    "FinetuneConfig",
    "FinetuneData",
    "finetune",
    "finetune_group",
    "from_binding_matrix",
    "from_peaks",
    "make_config",
]
