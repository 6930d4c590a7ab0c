"""From an operator's parameters to kernels: ``lower(params, inputs, outputs)``, a module each."""
