"""The search for hyperparameters, wherever its trials run: what to try next, which are good, and when it is enough."""
