"""``python -m tileframe`` is the command ``tileframe``."""

from tileframe_start import main

main()
