"""Models in the field: those that were installed on this device, one of them in use, an older one to go back to."""
