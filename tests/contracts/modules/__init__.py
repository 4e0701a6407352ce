"""Plugins as modules, each with one thing wrong but for the good one."""
