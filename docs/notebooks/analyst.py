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
# # An analyst with a VCF
#
# Which of these variants affect the binding of a TF, of which one, and why? Here on the variants and the stretch of hg19
# that the package brings; put your own VCF and the FASTA of its assembly in their place.

# %%
import os
from importlib.resources import files

import pandas as pd
from IPython.display import Image

example = files("kipoi_tfb.dataloaders") / "example"
vcf, genome = example / "variants.vcf", example / "hg19.excerpt.fa.gz"
os.environ |= {"VCF": str(vcf), "GENOME": str(genome)}  # for the commands below

# %% [markdown]
# Score every ALT with all 163 TFs. Each has a row and a status; nothing is dropped.

# %% language="sh"
# tfb score "$VCF" --genome "$GENOME" -o effects.parquet

# %% [markdown]
# The first columns say what happens; no TF has to be chosen beforehand. `impact` is the change of log-odds, weighted by
# how well the better allele is bound; `variant_percentile` says how few random variants do as much.

# %% language="sh"
# tfb rank effects.parquet --top 5 -o first.tsv

# %%
first = pd.read_csv("first.tsv", sep="\t")
first[["id", "normal", "largest_impact", "variant_percentile", "reason"]]

# %% [markdown]
# The example's variants were made to break a motif (`disrupts`) or to stand beside it (`control`), which the file says in
# INFO. The percentile tells them apart without knowing which TF was meant.

# %%
effects = pd.read_parquet("effects.parquet", columns=["id", "variant_percentile"])
control = effects["id"].str.endswith("control")
effects.groupby(control.map({True: "control", False: "disrupts"}))["variant_percentile"].describe()[["count", "25%", "50%", "75%"]]

# %% [markdown]
# Why: what each base gives to the binding of MAFK with REF and with ALT, and the known motif there.

# %% language="sh"
# tfb plot 'chr16:48993859:C>G' --genome "$GENOME" --tfs MAFK -o variant.png

# %%
Image("variant.png", width=700)

# %% [markdown]
# And all of it as one page to hand on, with the details of the largest impacts.

# %% language="sh"
# tfb report effects.parquet --vcf "$VCF" --info TF,CLASS --genome "$GENOME" --top 3 -o report.html

# %% [markdown]
# More on [scoring](../scoring-variants.md), [ranking](../ranking.md), [reports](../report.md) and how true such effects are:
# [variant-truth](../variant-truth.md).
