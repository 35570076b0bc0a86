"""TF x DHS x cell-type binding matrices with sequence access: the data package, without torch and kipoi."""

from tfb_matrix_data.errors import TfbError
from tfb_matrix_data.genome import Genome
from tfb_matrix_data.matrix import BindingMatrix, Regions

__all__ = ["BindingMatrix", "Genome", "Regions", "TfbError"]
