"""Augmentation: what may happen to a voice on its way, one kind a file, put in order by `chain.py`."""

from convert.augment.chain import Augment, augment
from convert.augment.material import Material, open_material, write_material

AugmentConfig = Augment
"""Its name in a recipe."""

__all__ = ["Augment", "AugmentConfig", "Material", "augment", "open_material", "write_material"]
