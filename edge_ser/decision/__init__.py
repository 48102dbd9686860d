"""From logits, step by step, to a decision: pooling, calibration, valence and arousal, hysteresis."""
