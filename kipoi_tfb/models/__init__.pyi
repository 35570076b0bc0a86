from .attributable import attributable
from .build import ARCHITECTURES, build_network, for_inference
from .logits import both_strands, effect, impact, probability
from .run import logits_of

__all__ = [
    "ARCHITECTURES",
    "attributable",
    "both_strands",
    "build_network",
    "effect",
    "for_inference",
    "impact",
    "logits_of",
    "probability",
]
