"""Plugins that keep every promise of their contract, and such as break one of them, to be caught."""
