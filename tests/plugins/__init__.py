"""Plugins for tests: installed ones, each folder to be put on `sys.path`, and small objects."""
