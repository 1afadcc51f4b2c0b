"""Linear discriminants, trained from sampled means and scatters."""
