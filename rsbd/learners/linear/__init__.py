"""Class means, trained from sampled sums over classes."""
