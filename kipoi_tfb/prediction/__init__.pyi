from .predictor import Predictor
from .tables import PredictionSummary, predict_regions, predict_sequences
from .tracks import predict_tracks

__all__ = [
    "PredictionSummary",
    "Predictor",
    "predict_regions",
    "predict_sequences",
    "predict_tracks",
]
