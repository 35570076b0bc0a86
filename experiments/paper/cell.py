"""One cell of a figure: a TF, an arm, a base, a size and a split."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.paper.bases import BaseRecipe

__all__ = ["Cell"]


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    figure, tf, arm, base, split
        Its name.
    n
        Bound regions to train and validate with; exactly so many, or (`exact` false) at most; 0: all.
    exact, least, tested, cell_types, length
        See `experiments.paper.figure.Group` and `Figure`.
    recipe
        Of the base; None where there is none.
    reason
        Why it cannot be run, where that is known before.
    order
        Cells of a lower one go first.
    """

    figure: str
    tf: str
    arm: str
    base: str
    n: int
    split: str
    exact: bool = False
    least: int = 250
    tested: int = 2500
    cell_types: tuple[str, ...] | None = None
    length: int | None = None
    recipe: BaseRecipe | None = None
    reason: str = ""
    order: tuple[float, ...] = ()

    @property
    def base_tfs(self) -> str:
        """The TFs of its base, as its row has them."""
        return "" if self.recipe is None else ",".join(self.recipe.tfs)

    @property
    def key(self) -> tuple[str, ...]:
        """What its row is found by."""
        return self.figure, self.tf, ",".join(self.cell_types or ()), self.arm, self.base, str(self.n), self.split
