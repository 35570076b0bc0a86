"""Models as a Kipoi source: folders and groups of data, no code; installed as ``kipoi_tfb.model_zoo``."""
