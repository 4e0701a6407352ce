"""``python -m tileframe`` is the command ``tileframe``."""

from tileframe.cli import main

main()
