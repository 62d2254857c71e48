"""Running, reading and intervening on a model: torch and transformers only."""
