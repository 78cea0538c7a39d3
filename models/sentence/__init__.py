"""The optional sentence encoder: a pretrained network tuned with pairs of the catalogue's few labels (SetFit)."""
