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
# # In Python: matrix, windows, network
#
# For who builds on the data or on the models. The matrix and its sequence are the small real ones of the package
# (`BindingMatrix.published()` and `Genome("hg38.fa")` are the large ones).

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

import kipoi_tfb
import tfb_matrix_data
from tfb_matrix_data.sequence import one_hot

matrix, genome = tfb_matrix_data.example()
labels = matrix.labels(["MAFK", "POU5F1"])  # int8 (regions, TFs): 1 bound, 0 unbound, -1 unresolved
regions = matrix.regions
windows = genome.windows([regions.chrom_names[c] for c in regions.chrom], regions.start, 200)
matrix, labels.shape, windows.codes.shape

# %% [markdown]
# A network of the zoo is a torch module: one-hot windows to logits, one per TF.

# %%
network, card = kipoi_tfb.load("multi163")
with torch.no_grad():
    logits = network(torch.from_numpy(one_hot(windows.codes))).numpy()
print(card.name, logits.shape)
for i, tf in enumerate(matrix.tfs):
    print(f"{tf}: AUROC {roc_auc_score(labels[:, i], logits[:, card.tasks.index(tf)]):.3f} as it comes")

# %% [markdown]
# It does not know POU5F1. But what it says of all TFs can be learnt from: a regression on its 163 logits, each region
# predicted by one that has not seen it.

# %%
probe = LogisticRegression(C=0.01, max_iter=1000)
crossed = cross_val_predict(probe, logits, labels[:, 1], cv=5, method="decision_function")
print(f"POU5F1: AUROC {roc_auc_score(labels[:, 1], crossed):.3f} from all logits, of {len(labels)} regions")

# %% [markdown]
# Beware: every region here that POU5F1 does not bind is a peak of MAFK, so what the regression found is mostly MAFK. A
# fair comparison needs unbound regions of the same kind as the bound ones; [sampling](../sampling.md) draws them, and
# `tfb finetune`, which goes this way properly, does so too.

# %% [markdown]
# What the network reads in a MAFK site: every substitution of 60 bases, scored one by one.

# %%
from kipoi_tfb import Predictor, mutate_region
from kipoi_tfb.variants.mutagenesis import Region
from kipoi_tfb.zoo import find_entry

best = int(np.argmax(logits[:, card.tasks.index("MAFK")]))
start = int(regions.start[best]) + 70
found = mutate_region(Predictor([find_entry("multi163")], ["MAFK"]), genome, Region("chr22", start, start + 60), "region")
figure, axes = plt.subplots(figsize=(8, 1.6), layout="constrained")
image = axes.imshow(found.effect[:, :, 0].T, cmap="RdBu_r", vmin=-6, vmax=6, aspect="auto")
axes.set(yticks=range(4), yticklabels="ACGT", xlabel=f"chr22:{start + 1:,} to {start + 60:,}")
figure.colorbar(image, label="effect, log-odds");

# %% [markdown]
# More: [from Python](../python.md), [contributions of bases](../interpretation.md), [sampling](../sampling.md),
# [how it is built](../architecture.md).
