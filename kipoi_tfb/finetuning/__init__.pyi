from .arms import ARMS
from .base_regions import base_regions
from .config import FinetuneConfig, make_config
from .data import FinetuneData, from_binding_matrix, load_finetune_data
from .group import finetune_group
from .job import finetune
from .peak_data import from_peaks

__all__ = [
    "ARMS",
    "FinetuneConfig",
    "FinetuneData",
    "base_regions",
    "finetune",
    "finetune_group",
    "from_binding_matrix",
    "from_peaks",
    "load_finetune_data",
    "make_config",
]
