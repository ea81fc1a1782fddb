"""A random walk through everything that changes state, with a model that knows what must be so after each step."""
