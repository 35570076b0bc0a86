from .data import TrainingData, load_training_data
from .job import pretrain
from .relatives import base_of_relatives
from .trainer import train

__all__ = [
    "TrainingData",
    "base_of_relatives",
    "load_training_data",
    "pretrain",
    "train",
]
