"""The main panel."""
