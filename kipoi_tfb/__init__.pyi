from . import dataloaders, serving  # type: ignore[attr-defined]  # a mapped folder
from .evaluation.job import evaluate
from .finetuning.job import finetune
from .prediction.predictor import Predictor
from .prediction.tables import predict_regions, predict_sequences
from .training.job import pretrain
from .variants.mutagenesis import mutate_region
from .variants.score import score_variants
from .zoo.networks import load

__version__: str

__all__ = [
    "Predictor",
    "dataloaders",
    "evaluate",
    "finetune",
    "load",
    "mutate_region",
    "predict_regions",
    "predict_sequences",
    "pretrain",
    "score_variants",
    "serving",
]
