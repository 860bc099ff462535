"""``make demo``: the whole product on a real training job, step by step, each step checked."""
