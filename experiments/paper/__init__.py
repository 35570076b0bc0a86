"""The figures and tables of the paper, each from a YAML of its own: `python -m experiments.paper` runs and draws them.

Source: Novakovsky et al. 2021, doi:10.1186/s13059-021-02499-5.
"""
