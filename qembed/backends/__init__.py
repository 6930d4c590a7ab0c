"""Executors: the same graph, the same bytes, by different means.

Every executor takes one array per graph input, shape ``(B, *tensor.shape)``, and returns one per
output. The samples of a batch are independent, except in a graph with state, where they are
successive steps that start from the reset state.
"""
