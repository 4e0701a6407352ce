"""A plugin that cannot be imported."""

raise OSError("libfake.so.3:\n  cannot open shared object file")
