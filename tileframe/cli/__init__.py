"""What commands are built of: kinds of values and options, the progress bar, text for people and JSON."""
