from .arms import ARMS
from .config import FinetuneConfig
from .data import FinetuneData
from .group import finetune_group
from .job import finetune

__all__ = [
    "ARMS",
    "FinetuneConfig",
    "FinetuneData",
    "finetune",
    "finetune_group",
]
