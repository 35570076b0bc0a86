# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A lab with peaks
#
# You have ChIP-seq peaks of a TF. Does the model know it, which other TFs bind there, and do you need a model of your own?
# Here on peaks that the package brings, of MAFK and of OCT4; put your own BED files in their place.

# %%
import os
from importlib.resources import files

import matplotlib.pyplot as plt
import pandas as pd

example = files("kipoi_tfb.dataloaders") / "example"
os.environ |= {"PEAKS": str(example / "regions.bed"), "GENOME": str(example / "hg19.excerpt.fa.gz")}
columns = ["chrom", "start", "end", "tf"]
peaks = pd.read_csv(os.environ["PEAKS"], sep="\t", header=None, usecols=range(4), names=columns)
for tf in ("MAFK", "OCT4"):
    peaks[peaks.tf == tf].to_csv(f"{tf}.bed", sep="\t", header=False, index=False)
peaks.tf.value_counts()

# %% [markdown]
# Predict all 163 TFs in all of them.

# %% language="sh"
# tfb predict multi163 --regions "$PEAKS" --genome "$GENOME" -o predicted.parquet

# %%
predicted = pd.read_parquet("predicted.parquet")

# %% [markdown]
# Does the model tell MAFK's peaks from the others? These chromosomes are not among those that it was trained on.

# %% language="sh"
# tfb evaluate multi163 --positives MAFK.bed --negatives OCT4.bed --tf MAFK --genome "$GENOME"

# %%
figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
for tf in ("MAFK", "OCT4"):
    axes.hist(predicted.loc[predicted.name == tf, "MAFK"], bins=30, range=(0, 1), alpha=0.7, label=f"{tf} peaks")
axes.set(xlabel="predicted probability of MAFK binding", ylabel="regions")
axes.legend(frameon=False);

# %% [markdown]
# Which TFs are predicted in your peaks more often than in others: partners, relatives with the same motif, or both.

# %%
tfs = predicted.columns[6:]
bound = (predicted[tfs] >= 0.5).groupby(predicted.name).mean().T
bound["difference"] = bound.MAFK - bound.OCT4
bound.sort_values("difference", ascending=False).head(8).round(2)

# %% [markdown]
# The same as a page for people:

# %% language="sh"
# tfb report predicted.parquet -o regions.html

# %% [markdown]
# MAFK is known well. OCT4 (POU5F1) is not: the model learnt from 19 regions that it binds, and cannot tell them.

# %% language="sh"
# tfb evaluate multi163 --positives OCT4.bed --negatives MAFK.bed --tf POU5F1 --genome "$GENOME"

# %% [markdown]
# That is when a model of your own pays. From peaks on all chromosomes, a few thousand of them, and the open regions of the
# same cells, `tfb finetune` makes one and says whether it is better than the base and than the known motif
# ([from peaks to a pull request](../contributing-a-model.md)):
#
# ```
# tfb finetune POU5F1 --peaks peaks.narrowPeak --open open.bed --genome hg38.fa -o runs/POU5F1
# ```
