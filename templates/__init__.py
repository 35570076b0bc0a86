"""What a new zoo entry is written from; installed as ``kipoi_tfb.templates``."""
