"""``make demo``: the whole product, from training to predictions, step by step, each step checked."""
